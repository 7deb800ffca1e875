// A rate budget: so many calls in any window of time, and a rest when upstream asks for one.

import { setTimeout as delay } from "node:timers/promises";

export interface RateLimit {
  readonly calls: number;
  readonly perMs: number;
}

export type Admission =
  | { readonly kind: "granted" }
  | { readonly kind: "denied"; readonly retryAfterMs: number }
  | { readonly kind: "cancelled" };

export class Budget {
  /** When the calls of each limit's window were made, oldest first. */
  private readonly made: number[][];
  private restUntilMs = 0;

  constructor(
    private readonly limits: readonly RateLimit[],
    private readonly nowMs: () => number = () => performance.now(),
  ) {
    this.made = limits.map(() => []);
  }

  /** Waits for room, at most `waitMs`; a call that would have to wait longer is denied at once. `waits` is run before a wait. */
  async admit(waitMs: number, signal?: AbortSignal, waits?: () => Promise<void>): Promise<Admission> {
    const deadlineMs = this.nowMs() + waitMs;
    for (;;) {
      if (signal?.aborted) return { kind: "cancelled" };
      const delayMs = this.delayMs();
      if (delayMs === 0) {
        for (const calls of this.made) calls.push(this.nowMs());
        return { kind: "granted" };
      }
      if (this.nowMs() + delayMs > deadlineMs) return { kind: "denied", retryAfterMs: delayMs };
      await waits?.();
      await delay(delayMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Upstream wants to be left alone. */
  rest(forMs: number): void {
    this.restUntilMs = Math.max(this.restUntilMs, this.nowMs() + forMs);
  }

  private delayMs(): number {
    const now = this.nowMs();
    let delayMs = Math.max(0, this.restUntilMs - now);
    this.limits.forEach(({ calls, perMs }, i) => {
      const made = this.made[i] ?? [];
      while (made[0] !== undefined && made[0] <= now - perMs) made.shift();
      const freed = made[made.length - calls];
      if (freed !== undefined) delayMs = Math.max(delayMs, Math.ceil(freed + perMs - now));
    });
    return delayMs;
  }
}
