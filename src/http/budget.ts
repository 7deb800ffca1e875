// A rate budget: a number of calls in any window of time, a pause when upstream asks for one, and writes before reads.

import { setTimeout as delay } from "node:timers/promises";
import { timerMs } from "../config/timer.js";

export interface RateLimit {
  readonly calls: number;
  readonly perMs: number;
  /** The paths whose calls count; without it, all do. */
  readonly path?: RegExp | undefined;
  /** Each path has a window of its own. */
  readonly eachPath?: boolean | undefined;
}

/** `write` is for a statement that a client waits for; `read` is for the sync, which leaves room for statements. */
export type Lane = "write" | "read";

export interface BudgetRequest {
  readonly path: string;
  readonly lane: Lane;
  readonly waitMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Runs before each wait. */
  readonly onWait?: (() => Promise<void>) | undefined;
}

export type Admission =
  | { readonly kind: "granted" }
  | { readonly kind: "denied"; readonly retryAfterMs: number }
  | { readonly kind: "cancelled" };

/** The share of a window that the sync may use; the remainder is left for statements. */
const readShare = 0.8;
const firstPenaltyMs = 1_000;
const longestPenaltyMs = 30_000;
/** Upstream may ask for no longer pause, whatever its clock or its unit is: 24 hours. */
const longestPauseMs = 86_400_000;
/** Nor for a shorter one: who is turned away again and again at once asks at most so often. */
const shortestPauseMs = 20;
/** The sync asks again after this time while a statement waits. */
const behindWritesMs = 50;

export class Budget {
  /** The times of the calls in each window, oldest first. A limit has one window, or one for each path. */
  private readonly callTimes = new Map<string, number[]>();
  private restUntilMs = 0;
  private writesWaiting = 0;
  private penalty = 0;

  constructor(
    private readonly limits: readonly RateLimit[],
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  /** Waits at most `waitMs` for room and returns whether the call may go. A call that would have to wait longer is denied at once. */
  async admit({ path, lane, waitMs, signal, onWait: waits }: BudgetRequest): Promise<Admission> {
    const deadlineMs = this.nowMs() + waitMs;
    for (;;) {
      if (signal?.aborted) return { kind: "cancelled" };
      const delayMs = this.delayMs(path, lane);
      if (delayMs === 0) {
        for (const { window } of this.windows(path)) window.push(this.nowMs());
        return { kind: "granted" };
      }
      if (this.nowMs() + delayMs > deadlineMs) return { kind: "denied", retryAfterMs: delayMs };
      await waits?.();
      if (lane === "write") this.writesWaiting += 1;
      await delay(timerMs(delayMs), undefined, { signal }).catch(() => undefined);
      if (lane === "write") this.writesWaiting -= 1;
    }
  }

  /** Lets no call through for this many milliseconds, up to 24 hours. Returns how many the pause has from now on. */
  pauseFor(forMs: number): number {
    const now = this.nowMs();
    const pauseMs = Number.isNaN(forMs) ? shortestPauseMs : Math.min(longestPauseMs, Math.max(shortestPauseMs, forMs));
    const keptMs = Math.max(pauseMs, this.restUntilMs - now);
    this.restUntilMs = Math.max(this.restUntilMs, now + pauseMs);
    return keptMs;
  }

  /** Returns the milliseconds to pause when upstream refuses a call without naming a time: twice as many each time, up to 30,000. */
  penaltyMs(): number {
    this.penalty = Math.min(longestPenaltyMs, Math.max(firstPenaltyMs, 2 * this.penalty));
    return this.penalty;
  }

  /** Makes the next penalty the shortest again, after upstream has accepted a call. */
  resetBackoff(): void {
    this.penalty = 0;
  }

  /** Notes how many calls upstream says remain of a limit, which other users of the account may use as well. */
  setRemaining(limit: RateLimit, path: string, remaining: number): void {
    const window = this.windows(path).find((one) => one.limit === limit)?.window;
    if (!window || !Number.isSafeInteger(remaining) || remaining < 0) return;
    // The calls of others may have been at any time of the window, so they are spread evenly.
    const unseen = limit.calls - remaining - window.length;
    for (let i = 1; i <= unseen; i += 1) window.push(this.nowMs() - (limit.perMs * i) / (unseen + 1));
    window.sort((one, other) => one - other);
  }

  /** Returns how many calls of this path remain now, by each limit that counts them. */
  remaining(path: string): readonly { readonly limit: RateLimit; readonly calls: number }[] {
    return this.windows(path).map(({ limit, window }) => ({ limit, calls: Math.max(0, limit.calls - window.length) }));
  }

  private delayMs(path: string, lane: Lane): number {
    const now = this.nowMs();
    let delayMs = Math.max(0, this.restUntilMs - now);
    if (lane === "read" && this.writesWaiting > 0) delayMs = Math.max(delayMs, behindWritesMs);
    for (const { limit, window } of this.windows(path)) {
      const most = lane === "read" ? Math.ceil(limit.calls * readShare) : limit.calls;
      const blockerMs = window[window.length - most];
      if (blockerMs !== undefined) delayMs = Math.max(delayMs, Math.ceil(blockerMs + limit.perMs - now));
    }
    return delayMs;
  }

  /** Returns the windows that count a call of this path, without the calls that no longer count. */
  private windows(path: string): { readonly limit: RateLimit; readonly window: number[] }[] {
    return this.limits.flatMap((limit, index) => {
      if (limit.path?.test(path) === false) return [];
      const name = limit.eachPath ? `${index} ${path}` : String(index);
      const window = this.callTimes.get(name) ?? [];
      this.callTimes.set(name, window);
      while (window[0] !== undefined && window[0] <= this.nowMs() - limit.perMs) window.shift();
      return [{ limit, window }];
    });
  }
}
