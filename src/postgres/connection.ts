// One connection of the pool's, for a while: it is given back when the work has ended, and closed when it can't be used again.

import { DatabaseError, type Pool, type PoolClient } from "pg";
import { Explained } from "../config/explained.js";

/** The connection to Postgres is gone, or there was none to be had. Its message is a sentence without what to do. */
export class ConnectionLost extends Explained {}

/** No connection to Postgres could be made. */
export class PostgresUnreachable extends ConnectionLost {}

/**
 * The codes with which Postgres, or what stands in front of it, ends a session (manual, appendix A): class 08 but for a protocol
 * violation, a shutdown, a crash, a dropped database, an idle or a transaction time-out.
 */
const lostStates = /^(?:08(?!P01)...|57P0[1245]|25P0[34])$/;
const lostErrnos = new Set([
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENETDOWN",
]);
/** The driver gives these errors no code. */
const lostWords = /^(?:Connection terminated|Client has encountered a connection error|Client was closed)/;

/** Whether a connection that was there is gone. A connection that could not be made is not lost. */
export function isConnectionLost(cause: unknown): boolean {
  if (cause instanceof ConnectionLost) return true;
  if (!(cause instanceof Error)) return false;
  if (cause instanceof DatabaseError) return lostStates.test(cause.code ?? "");
  if (!("code" in cause)) return lostWords.test(cause.message);
  return lostErrnos.has(String(cause.code)) && !("syscall" in cause && cause.syscall === "connect");
}

/** The one sentence for a connection that was lost or can't be made. Returns any other cause as it is. */
export function explainLoss(cause: unknown): unknown {
  if (cause instanceof ConnectionLost) return cause;
  if (isConnectionLost(cause)) return lossOf(cause);
  return isUnreachable(cause)
    ? new PostgresUnreachable(`Postgres can't be reached (${wordsOf(cause)})`, { cause })
    : cause;
}

function lossOf(cause: unknown): ConnectionLost {
  return new ConnectionLost(`the connection to Postgres was lost (${wordsOf(cause)})`, { cause });
}

/** Runs `work` on a connection of the pool's. Throws what `work` throws, and ConnectionLost when the connection is lost or can't be made. */
export function withClient<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  return withLease(pool, ({ client }) => work(client));
}

/** Does what `withClient` does, for a work that has to know at once when the connection is lost. */
export async function withLease<T>(pool: Pool, work: (lease: Lease) => Promise<T>): Promise<T> {
  const lease = await Lease.take(pool);
  try {
    return await work(lease);
  } catch (cause) {
    throw lease.explain(cause);
  } finally {
    lease.end();
  }
}

/** A connection between its way out of the pool and its way back. */
export class Lease {
  private readonly loss = new AbortController();
  private readonly lose = (cause?: unknown): void => {
    // "end" has no cause.
    const reason = cause ?? new Error("Connection terminated");
    this.loss.abort(lossOf(reason));
  };
  private isDiscarded = false;

  private constructor(readonly client: PoolClient) {
    client.on("error", this.lose);
    client.on("end", this.lose);
  }

  /** Waits for a free connection. Throws ConnectionLost when Postgres can't be reached. */
  static async take(pool: Pool): Promise<Lease> {
    try {
      return new Lease(await pool.connect());
    } catch (cause) {
      throw explainLoss(cause);
    }
  }

  /** Aborted as soon as the connection is lost; the reason is a ConnectionLost. */
  get lossSignal(): AbortSignal {
    return this.loss.signal;
  }

  /** Resolves as `answer` does. Rejects as soon as the connection is lost: an answer can't be used then, and is not waited for. */
  async unlessLost<T>(answer: Promise<T>): Promise<T> {
    const { lossSignal } = this;
    const settled = new AbortController();
    const lossPromise = new Promise<never>((_, reject) => {
      const end = () => reject(lossSignal.reason);
      if (lossSignal.aborted) end();
      else lossSignal.addEventListener("abort", end, { signal: settled.signal });
    });
    return Promise.race([answer, lossPromise]).finally(() => settled.abort());
  }

  /** The connection has something on it that can't be undone, such as a lock: `end` closes it. */
  discard(): void {
    this.isDiscarded = true;
  }

  /** What to throw for `cause`: the loss of this connection in one sentence, by whichever error tells most of it. */
  explain(cause: unknown): unknown {
    if (!isConnectionLost(cause)) return cause;
    this.discard();
    // What Postgres said as it ended the session tells more than the driver's word that it has ended.
    const isBySession = cause instanceof ConnectionLost || cause instanceof DatabaseError;
    return isBySession || !this.lossSignal.aborted ? explainLoss(cause) : this.lossSignal.reason;
  }

  /** Gives the connection back. It is closed instead when it is lost, discarded, or still in a transaction. */
  end(): void {
    const { client } = this;
    client.off("error", this.lose);
    client.off("end", this.lose);
    client.release(this.isDiscarded || this.lossSignal.aborted || client.getTransactionStatus() !== "I");
  }
}

/** Of several addresses that were tried, the first tells. */
function isUnreachable(cause: unknown): boolean {
  if (cause instanceof AggregateError) return isUnreachable(cause.errors[0]);
  return cause instanceof Error && "syscall" in cause && ["connect", "getaddrinfo"].includes(String(cause.syscall));
}

/** Of several tries in one, the first. */
function wordsOf(cause: unknown): string {
  if (cause instanceof AggregateError) return wordsOf(cause.errors[0]);
  return cause instanceof Error ? cause.message : String(cause);
}
