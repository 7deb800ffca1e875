// The bound of a timer.

/** The longest time that a timer takes, about 25 days: one that is set for longer fires at once. */
const longestTimerMs = 2 ** 31 - 1;

/** Returns the milliseconds for a timer: at most as many as it takes. Who has to wait for longer sets it again. */
export function timerMs(ms: number): number {
  return Math.min(longestTimerMs, Math.max(0, ms));
}
