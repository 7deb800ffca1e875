// A rate budget: so many calls in any window of time, a rest when upstream asks for one, and writes before reads.

import { setTimeout as delay } from "node:timers/promises";

export interface RateLimit {
  readonly calls: number;
  readonly perMs: number;
  /** The paths that it counts; absent: all. */
  readonly path?: RegExp | undefined;
  /** Each path is counted by itself. */
  readonly eachPath?: boolean | undefined;
}

/** Who asks: a statement that a client waits for, or the sync, which leaves room for those. */
export type Lane = "write" | "read";

export interface BudgetRequest {
  readonly path: string;
  readonly lane: Lane;
  readonly waitMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Is run before a wait. */
  readonly onWait?: (() => Promise<void>) | undefined;
}

export type Admission =
  | { readonly kind: "granted" }
  | { readonly kind: "denied"; readonly retryAfterMs: number }
  | { readonly kind: "cancelled" };

/** What the sync may use of a window: the rest is there when a statement comes. */
const readShare = 0.8;
const firstPenaltyMs = 1_000;
const longestPenaltyMs = 30_000;
/** How soon the sync asks again while a statement waits. */
const behindWritesMs = 50;

export class Budget {
  /** When the calls of each window were made, oldest first: one window a limit, or one for each of its paths. */
  private readonly made = new Map<string, number[]>();
  private restUntilMs = 0;
  private writesWaiting = 0;
  private penalty = 0;

  constructor(
    private readonly limits: readonly RateLimit[],
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  /** Waits for room, at most `waitMs`; a call that would have to wait longer is denied at once. */
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
      await delay(delayMs, undefined, { signal }).catch(() => undefined);
      if (lane === "write") this.writesWaiting -= 1;
    }
  }

  /** Upstream wants to be left alone. */
  pauseFor(forMs: number): void {
    this.restUntilMs = Math.max(this.restUntilMs, this.nowMs() + forMs);
  }

  /** How long to rest when upstream has turned a call away and names no time: longer each time, until one is let in. */
  penaltyMs(): number {
    this.penalty = Math.min(longestPenaltyMs, Math.max(firstPenaltyMs, 2 * this.penalty));
    return this.penalty;
  }

  /** A call was let in. */
  resetBackoff(): void {
    this.penalty = 0;
  }

  /** Upstream says what remains of a limit: others in the account may have used it as well. */
  setRemaining(limit: RateLimit, path: string, left: number): void {
    const found = this.windows(path).find((one) => one.limit === limit);
    if (!found || !Number.isInteger(left) || left < 0) return;
    // Nobody knows when others made theirs: as likely at any time of the window.
    const unseen = limit.calls - left - found.window.length;
    for (let i = 1; i <= unseen; i += 1) found.window.push(this.nowMs() - (limit.perMs * i) / (unseen + 1));
    found.window.sort((one, other) => one - other);
  }

  /** What remains for a call of this path now, by each limit that counts it. */
  left(path: string): readonly { readonly limit: RateLimit; readonly calls: number }[] {
    return this.windows(path).map(({ limit, window }) => ({ limit, calls: Math.max(0, limit.calls - window.length) }));
  }

  private delayMs(path: string, lane: Lane): number {
    const now = this.nowMs();
    let delayMs = Math.max(0, this.restUntilMs - now);
    if (lane === "read" && this.writesWaiting > 0) delayMs = Math.max(delayMs, behindWritesMs);
    for (const { limit, window } of this.windows(path)) {
      const most = lane === "read" ? Math.ceil(limit.calls * readShare) : limit.calls;
      const freed = window[window.length - most];
      if (freed !== undefined) delayMs = Math.max(delayMs, Math.ceil(freed + limit.perMs - now));
    }
    return delayMs;
  }

  /** With the calls that still count. */
  private windows(path: string): { readonly limit: RateLimit; readonly window: number[] }[] {
    return this.limits.flatMap((limit, index) => {
      if (limit.path?.test(path) === false) return [];
      const name = limit.eachPath ? `${index} ${path}` : String(index);
      const window = this.made.get(name) ?? [];
      this.made.set(name, window);
      while (window[0] !== undefined && window[0] <= this.nowMs() - limit.perMs) window.shift();
      return [{ limit, window }];
    });
  }
}
