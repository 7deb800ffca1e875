// The time in which an embedded Throughline takes calls: it ends once, when nothing is under way any more.

import { withinMs } from "../observe/time-limit.js";
import { explainLoss } from "../postgres/connection-lost.js";
import { UsageError } from "./usage-error.js";

export class Lifetime {
  private readonly ending = new AbortController();
  private readonly underWay = new Set<Promise<unknown>>();
  private ended: Promise<void> | undefined;

  /** Aborted when the end begins: what can stop early stops. */
  get signal(): AbortSignal {
    return this.ending.signal;
  }

  /** Does some work, which the end waits for. Rejects with UsageError when the end has begun, and with ConnectionLost in place of the driver's words. */
  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.ended) throw new UsageError("this Throughline is closed; openThroughline opens another");
    const running = work();
    this.underWay.add(running);
    try {
      return await running;
    } catch (cause) {
      throw explainLoss(cause);
    } finally {
      this.underWay.delete(running);
    }
  }

  /**
   * Takes no further work, waits at most `ms` milliseconds for what is under way, and releases what is left; what is under way even
   * then fails by that. The same end for every caller.
   */
  end(ms: number, release: () => Promise<void>): Promise<void> {
    this.ended ??= this.last(ms, release);
    return this.ended;
  }

  private async last(ms: number, release: () => Promise<void>): Promise<void> {
    this.ending.abort();
    await withinMs(ms, Promise.allSettled(this.underWay));
    await release();
  }
}
