// Durations, rates and sizes as people write them.

import { z } from "zod";
import { memberOf } from "./member.js";

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `250ms`, `5s`, `10m`, `6h`, `90d` in milliseconds; undefined when it is none of these. */
export function durationMs(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
  const unit = match?.[2] === undefined ? undefined : memberOf(unitMs, match[2]);
  return unit === undefined ? undefined : Number(match?.[1]) * unit;
}

/** A duration in a file, in milliseconds. */
export const duration = z.string().transform((text, context) => {
  const ms = durationMs(text);
  if (ms === undefined) context.addIssue({ code: "custom", message: `"${text}" is no duration such as 5s or 10m` });
  return ms ?? 0;
});

/** Such as `60/s` or `1000/10m` in a file: that many in that time. */
export const rate = z.string().transform((text, context) => {
  const [, calls = "", per = ""] = /^(\d+)\/(.+)$/.exec(text) ?? [];
  const perMs = durationMs(/^\d/.test(per) ? per : `1${per}`);
  if (perMs === undefined || Number(calls) === 0)
    context.addIssue({ code: "custom", message: `"${text}" is no rate such as 60/s` });
  return { calls: Number(calls), perMs: perMs ?? 0 };
});

const unitBytes: Readonly<Record<string, number>> = { kB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 };

/** A size in a file, such as `256MB`, in bytes; the units are Postgres's (manual: "Parameter Names and Values"). */
export const size = z.string().transform((text, context) => {
  const [, number, unit = ""] = /^(\d+)(kB|MB|GB)$/.exec(text) ?? [];
  if (number === undefined) context.addIssue({ code: "custom", message: `"${text}" is no size such as 256MB` });
  return Number(number ?? 0) * (memberOf(unitBytes, unit) ?? 1);
});
