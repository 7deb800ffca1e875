// What a proxy does again and again by itself. A work that fails is tried less and less often, and all are tried at once when one works again.

import type { Logger } from "pino";
import { ConnectionLost, explainLoss } from "../postgres/connection-lost.js";
import { FailureLog } from "./failure-log.js";

export interface Round {
  /** The work as the subject of a sentence: "recovery". */
  readonly what: string;
  /** When it is done for the first time; `everyMs` if absent. */
  readonly firstMs?: number;
  /** How long after its end it is done again. */
  readonly everyMs: number;
  /** The longest wait after failures that a lost connection explains; half a minute if absent. */
  readonly longestMs?: number;
  work(): Promise<unknown>;
}

/** What is asked for again and again is done that seldom. */
const hastenedMs = 250;
const firstRetryMs = 500;
const longestRetryMs = 30_000;

export class Rounds {
  private readonly repeated: readonly Repeated[];

  /** Begins at once. `log` hears of failures. */
  constructor(log: Logger, rounds: readonly Round[]) {
    const worksAgain = () => {
      for (const one of this.repeated) one.hurry();
    };
    this.repeated = rounds.map((round) => new Repeated(round, new FailureLog(log, round.what), worksAgain));
  }

  /** Does this work soon, and in `afterMs` at the earliest, without waiting for its time. */
  hasten(what: string, afterMs = 0): void {
    this.repeated.find((one) => one.what === what)?.hasten(Math.max(afterMs, hastenedMs));
  }

  /** No work begins any more. Resolves when none is under way; never rejects. */
  async stop(): Promise<void> {
    await Promise.all(this.repeated.map((one) => one.stop()));
  }
}

/** One work, never twice at a time. */
class Repeated {
  private isStopped = false;
  private isRunning = false;
  /** It was hastened, and has not begun since. */
  private isWanted = false;
  private current = Promise.resolve();
  private timer: NodeJS.Timeout;
  /** It waits because Postgres could not be reached. */
  private isCutOff = false;

  constructor(
    private readonly round: Round,
    private readonly failures: FailureLog,
    private readonly worksAgain: () => void,
  ) {
    this.timer = this.beginIn(round.firstMs ?? round.everyMs);
  }

  stop(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.timer);
    return this.current;
  }

  get what(): string {
    return this.round.what;
  }

  /** The work is done soon; once more, if it is under way. */
  hasten(inMs: number): void {
    if (this.isWanted || this.isStopped || this.isCutOff) return;
    this.isWanted = true;
    if (this.isRunning) return;
    clearTimeout(this.timer);
    this.timer = this.beginIn(inMs);
  }

  /** Postgres can be reached again: what waits for that is tried at once. */
  hurry(): void {
    if (!this.isCutOff || this.isStopped) return;
    this.isCutOff = false;
    clearTimeout(this.timer);
    this.timer = this.beginIn(0);
  }

  private beginIn(delayMs: number): NodeJS.Timeout {
    return setTimeout(() => {
      this.current = this.run();
    }, delayMs).unref();
  }

  private async run(): Promise<void> {
    this.isCutOff = false;
    this.isRunning = true;
    this.isWanted = false;
    const delayMs = await this.round.work().then(
      () => this.afterSuccess(),
      (cause: unknown) => this.afterFailure(cause),
    );
    this.isRunning = false;
    if (!this.isStopped) this.timer = this.beginIn(this.isWanted && !this.isCutOff ? hastenedMs : delayMs);
  }

  /** Returns when the work is done next, in milliseconds. */
  private afterSuccess(): number {
    const hadFailed = this.failures.count > 0;
    this.failures.succeeded();
    if (hadFailed) this.worksAgain();
    return this.round.everyMs;
  }

  private afterFailure(cause: unknown): number {
    if (this.isStopped) return 0;
    this.failures.failed(cause);
    const { everyMs, longestMs = longestRetryMs } = this.round;
    const backOffMs = Math.min(longestMs, firstRetryMs * 2 ** Math.min(this.failures.count - 1, 10));
    this.isCutOff = explainLoss(cause) instanceof ConnectionLost;
    // What fails for another reason may be costly, and is not tried more often than work that succeeds.
    return this.isCutOff ? backOffMs : Math.max(everyMs, backOffMs);
  }
}
