// The rate limits of an account as its answers report them: what remains, and how long to pause.

import { assertNever } from "../config/assert-never.js";
import type { Account } from "./account.js";

type Headers = ReadonlyMap<string, string>;

/** Tells the budget what remains of each limit whose header the answer to a call of `path` carries. */
export function learnRemaining({ budget, limits }: Account, path: string, headers: Headers): void {
  for (const { manifest, limit } of limits) {
    const remaining = manifest.left === undefined ? undefined : headers.get(manifest.left.toLowerCase());
    if (remaining !== undefined && /^\d+$/.test(remaining)) budget.setRemaining(limit, path, Number(remaining));
  }
}

/**
 * Returns how many milliseconds upstream asks us to pause after a call of `path`: by a header that the manifest names, by Retry-After,
 * or by the manifest's own `pause`. Undefined when none of them says.
 */
export function askedPauseMs({ limits }: Account, path: string, headers: Headers): number | undefined {
  const mine = limits.filter(({ limit }) => limit.path?.test(path) !== false);
  for (const { header, unit } of mine.flatMap(({ manifest }) => manifest.retry_after ?? [])) {
    const pauseMs = delayMs(headers.get(header.toLowerCase()), unit);
    if (pauseMs !== undefined) return pauseMs;
  }
  return delayMs(headers.get("retry-after"), "s") ?? mine.find(({ manifest }) => manifest.pause)?.manifest.pause;
}

/** Reads a delay in seconds or milliseconds, or an instant: a date (RFC 9110), or seconds since 1970. */
function delayMs(text: string | undefined, unit: "s" | "ms" | "epoch"): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d+(\.\d+)?$/.test(text)) return numericDelayMs(Number(text), unit);
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}

function numericDelayMs(value: number, unit: "s" | "ms" | "epoch"): number {
  switch (unit) {
    case "s":
      return value * 1000;
    case "ms":
      return value;
    case "epoch":
      return Math.max(0, value * 1000 - Date.now());
    default:
      return assertNever(unit);
  }
}
