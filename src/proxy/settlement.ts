// The calls of a transaction that has ended: applied if the transaction undid them, closed, and told to the client.

import type { Pool } from "pg";
import type { Logger } from "pino";
import { closeEntries, endedTransactions, isInMirror, type SettleResult, settle } from "../journal/settle.js";
import type { OpenCall } from "../write/session-port.js";
import { writeWarning } from "../write/sql-error.js";
import { FailureLog } from "./failure-log.js";
import type { Settlement } from "./open-calls.js";
import { mirrorNotChecked, rollbackNotUndone } from "./proxy-errors.js";

/** How long to wait before what was locked is tried again; doubled each time, up to the longest. */
const firstRetryMs = 250;
const longestRetryMs = 30_000;

export interface SettlementParts {
  /** Our own connections. */
  readonly pool: Pool;
  readonly log: Logger;
  /** Notes work that is under way, so that a stop can wait for it. */
  track<T>(work: Promise<T>): Promise<T>;
}

export class JournalSettlement implements Settlement {
  private readonly failures: FailureLog;

  constructor(private readonly parts: SettlementParts) {
    this.failures = new FailureLog(parts.log, "settling the calls of ended transactions");
  }

  /** Those whose transaction is over. Where that can't be told, none: they are settled at the end of the session's transaction. */
  endedCalls(calls: readonly OpenCall[]): Promise<readonly OpenCall[]> {
    return this.parts.track(this.findEnded(calls));
  }

  /** Settles, and returns the bytes of the client's warnings. */
  settle(calls: readonly OpenCall[]): Promise<Buffer> {
    return this.parts.track(this.settleHeld(calls));
  }

  /** Settles behind the client's back, until nothing is left to be tried again. The journal has what a stop cuts off. */
  settleLater(calls: readonly OpenCall[]): void {
    this.retry(calls, firstRetryMs);
  }

  private async findEnded(calls: readonly OpenCall[]): Promise<readonly OpenCall[]> {
    const transactions = calls.flatMap(({ transaction }) => (transaction === null ? [] : [transaction]));
    try {
      const endedIds = await endedTransactions(this.parts.pool, transactions);
      this.failures.succeeded();
      return calls.filter(({ transaction }) => transaction !== null && endedIds.has(transaction));
    } catch (cause) {
      this.failures.failed(cause);
      return [];
    }
  }

  private async settleHeld(calls: readonly OpenCall[]): Promise<Buffer> {
    try {
      const results = await this.settleAndClose(calls);
      this.settleLater(waitingOf(calls, results));
      const undone = undoneChanges(calls, results);
      return undone.length === 0 ? Buffer.alloc(0) : writeWarning(rollbackNotUndone(undone));
    } catch (cause) {
      this.failures.failed(cause);
      this.settleLater(calls);
      return writeWarning(mirrorNotChecked());
    }
  }

  /** Only that the rows are applied is worth waiting for: the entries are closed later. */
  private async settleAndClose(calls: readonly OpenCall[]): Promise<readonly SettleResult[]> {
    const { pool, track } = this.parts;
    const open = calls.filter(({ isSettled }) => !isSettled).map(({ call }) => call);
    const results = await settle(pool, open);
    if (open.length > 0) this.failures.succeeded();
    const closable = results.filter(isInMirror).map(({ call }) => call);
    track(closeEntries(pool, closable)).catch((cause: unknown) => this.failures.failed(cause));
    return results;
  }

  private retry(calls: readonly OpenCall[], delayMs: number): void {
    const { pool, track } = this.parts;
    const again = (waiting: readonly OpenCall[]) => {
      if (waiting.length === 0 || pool.ending) return;
      const next = () => {
        if (!pool.ending) this.retry(waiting, Math.min(2 * delayMs, longestRetryMs));
      };
      setTimeout(next, delayMs).unref();
    };
    track(this.settleAndClose(calls)).then(
      (results) => again(waitingOf(calls, results)),
      (cause: unknown) => {
        if (!pool.ending) this.failures.failed(cause);
        again(calls);
      },
    );
  }
}

function waitingOf(calls: readonly OpenCall[], results: readonly SettleResult[]): readonly OpenCall[] {
  return calls.filter(({ call }) => results.some((one) => one.call === call && one.state === "waiting"));
}

/** What the transaction undid here and not upstream, of the calls whose client has not been told. */
function undoneChanges(calls: readonly OpenCall[], results: readonly SettleResult[]): readonly string[] {
  return calls.flatMap(({ call, change, isReported }) => {
    const isUndone = results.some((one) => one.call === call && one.state !== "applied");
    return change !== null && !isReported && isUndone ? [change] : [];
  });
}
