// What the log says of work that is done again and again and fails: the first failure, now and then how many there were, and the end.

import type { Logger } from "pino";
import { ConnectionLost, explainLoss } from "../postgres/connection-lost.js";

/** How often failures that go on are told, in milliseconds. */
const everyMs = 300_000;

/** The failures since the work was last done. */
interface Streak {
  failureCount: number;
  readonly since: Date;
  toldAtMs: number;
  /** Each kind of failure is told once. */
  readonly kinds: Set<string>;
}

export class FailureLog {
  private streak: Streak | undefined;

  /** `what` failed, as the subject of a sentence: "recovery". `nowMs` is a clock of its own for tests. */
  constructor(
    private readonly log: Logger,
    private readonly what: string,
    private readonly nowMs: () => number = Date.now,
  ) {}

  /** How many times in a row the work has failed. */
  get count(): number {
    return this.streak?.failureCount ?? 0;
  }

  /** Tells a failure that is the first of its kind, and otherwise now and then how many there were. */
  failed(cause: unknown): void {
    const now = this.nowMs();
    this.streak ??= { failureCount: 0, since: new Date(now), toldAtMs: now, kinds: new Set() };
    const { streak } = this;
    streak.failureCount += 1;
    const known = explainLoss(cause);
    const kind = kindOf(known);
    if (!streak.kinds.has(kind)) {
      streak.kinds.add(kind);
      // A lost connection is known by its sentence; a stack would say nothing more.
      if (known instanceof ConnectionLost) this.log.warn(`${this.what} failed, and is tried again: ${known.message}`);
      else this.log.warn({ err: cause }, `${this.what} failed, and is tried again`);
      return;
    }
    if (now - streak.toldAtMs < everyMs) return;
    streak.toldAtMs = now;
    const times = { failures: streak.failureCount, since: streak.since.toISOString() };
    this.log.warn(times, `${this.what} has failed ${times.failures} times since ${times.since}`);
  }

  /** Ends the failures, and says how many there were. */
  succeeded(): void {
    if (!this.streak) return;
    const { failureCount: failures } = this.streak;
    this.streak = undefined;
    this.log.info(
      { failures },
      `${this.what} works again after ${failures} ${failures === 1 ? "failure" : "failures"}`,
    );
  }
}

/** Two failures of one kind tell the same. */
function kindOf(cause: unknown): string {
  if (cause instanceof ConnectionLost) return "connection";
  if (!(cause instanceof Error)) return typeof cause;
  return "code" in cause ? `${cause.name} ${String(cause.code)}` : cause.name;
}
