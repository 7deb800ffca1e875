// When a read is sent again. It changes nothing, so that it is repeated after what may pass: a server or gateway that is out of order, a lost
// connection, a time-out. A write is never repeated for that, because upstream may have carried it out.

import { setTimeout as delay } from "node:timers/promises";
import { timerMs } from "../config/timer.js";
import type { ErrorRule } from "../manifest/error-schema.js";

/** A read that has been repeated so often has failed: about six seconds after it was sent first, if each failed at once. */
export const mostRepeats = 5;

const firstPauseMs = 250;
const longestPauseMs = 8_000;

/**
 * Returns for how many milliseconds a read rests before its repetition number `repeats`, counted from 0: twice as long each time, shortened by
 * up to a half, so that many readers do not come back at one moment. `chance` is from 0 to 1.
 */
export function repeatPauseMs(repeats: number, chance: number = Math.random()): number {
  return Math.min(longestPauseMs, firstPauseMs * 2 ** repeats) * (1 - chance / 2);
}

interface Rest {
  /** How often the read has been repeated. */
  readonly repeats: number;
  /** The pause that upstream asks for. */
  readonly askedMs: number;
  /** Until when it may be sent again, as `performance.now()` tells the time. */
  readonly deadlineMs: number;
  readonly signal: AbortSignal | undefined;
}

/** Rests before a read is repeated. Returns false, at once, when it has been sent often or long enough, or is not waited for any more. */
export async function restForRepeat({ repeats, askedMs, deadlineMs, signal }: Rest): Promise<boolean> {
  if (signal?.aborted || repeats >= mostRepeats) return false;
  const pauseMs = Math.max(askedMs, repeatPauseMs(repeats));
  if (performance.now() + pauseMs > deadlineMs) return false;
  await delay(timerMs(pauseMs), undefined, { signal }).catch(() => undefined);
  return true;
}

/** Returns the reason for which a read failed, with how often it was sent if that was not once. */
export function withCount(reason: string, repeats: number): string {
  return repeats === 0 ? reason : `${reason} (sent ${repeats + 1} times)`;
}

/** Of the statuses from 500 on, those that stay: not implemented, no such version of HTTP, a login for the network. */
const lastingStatuses: readonly number[] = [501, 505, 511];
/** The server had no time to hear the request, or does not dare to answer it yet. */
const passingStatuses: readonly number[] = [408, 425];

/** Returns whether another try may end otherwise than by this status, by all that the manifest's rule for it says. */
export function mayPass(status: number, rule: Pick<ErrorRule, "retry" | "read"> | undefined): boolean {
  if (rule?.retry === "never" || rule?.read !== undefined) return false;
  return passingStatuses.includes(status) || (status >= 500 && !lastingStatuses.includes(status));
}
