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
 * Returns how many milliseconds upstream asks us to pause after a call of `path` that the rate limit turned away: as its headers say, or by the
 * manifest's own `pause`. Undefined when none of them says. The budget bounds the pause.
 */
export function askedPauseMs(account: Account, path: string, headers: Headers): number | undefined {
  const own = limitsOf(account, path).find(({ manifest }) => manifest.pause)?.manifest.pause;
  return headerPauseMs(account, path, headers) ?? own;
}

/** Returns how many milliseconds an answer asks us to wait: by a header that the manifest names, or by Retry-After; undefined without them. */
export function headerPauseMs(account: Account, path: string, headers: Headers): number | undefined {
  const nowMs = timeOf(headers);
  for (const { header, unit } of limitsOf(account, path).flatMap(({ manifest }) => manifest.retry_after ?? [])) {
    const pauseMs = delayMs(headers.get(header.toLowerCase()), unit, nowMs);
    if (pauseMs !== undefined) return pauseMs;
  }
  return delayMs(headers.get("retry-after"), "s", nowMs);
}

function limitsOf({ limits }: Account, path: string): Account["limits"] {
  return limits.filter(({ limit }) => limit.path?.test(path) !== false);
}

/** Such as `Sun, 06 Nov 1994 08:49:37 GMT`, its two older forms (RFC 9110), and ISO 8601. */
const date = /^(?:[A-Z][a-z]{2,8},? [\w :-]{10,40}|\d{4}-\d\d-\d\dT[\d:.]{5,20}(?:Z|[+-]\d\d:?\d\d)?)$/;

/** An instant that upstream names is compared with upstream's own time, where the answer tells it: our clock may be wrong. */
function timeOf(headers: Headers): number {
  const at = Date.parse(headers.get("date") ?? "");
  return Number.isNaN(at) ? Date.now() : at;
}

/**
 * Reads a delay in seconds or milliseconds, or an instant: a date (RFC 9110), or seconds since 1970. Undefined for any other text: a
 * negative number, which JavaScript would take for a date, says nothing.
 */
function delayMs(text: string | undefined, unit: "s" | "ms" | "epoch", nowMs: number): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d+(\.\d+)?$/.test(text)) return numericDelayMs(Number(text), unit, nowMs);
  const at = date.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
}

function numericDelayMs(value: number, unit: "s" | "ms" | "epoch", nowMs: number): number {
  switch (unit) {
    case "s":
      return value * 1000;
    case "ms":
      return value;
    case "epoch":
      return Math.max(0, value * 1000 - nowMs);
    default:
      return assertNever(unit);
  }
}
