// The steps of a stop: each is taken whatever became of the one before, and none is waited for beyond the end.

import type { Logger } from "pino";
import { withinMs } from "../observe/time-limit.js";
import { ConnectionLost, explainLoss } from "../postgres/connection-lost.js";

export class Closing {
  private readonly endMs: number;

  /** All steps together have `ms` milliseconds; `log` hears of those that fail or take longer. */
  constructor(
    private readonly log: Logger,
    ms: number,
  ) {
    this.endMs = performance.now() + ms;
  }

  /** Takes one step, `what` as the subject of a sentence. Resolves when it has ended, has failed, or its time is over; never rejects. */
  async step(what: string, work: () => Promise<unknown>): Promise<void> {
    try {
      const result = await withinMs(this.endMs - performance.now(), work());
      if (result === "late") this.log.warn(`${what} took too long, and was not waited for`);
    } catch (cause) {
      const known = explainLoss(cause);
      if (known instanceof ConnectionLost) this.log.warn(`${what} failed: ${known.message}`);
      else this.log.warn({ err: cause }, `${what} failed`);
    }
  }
}
