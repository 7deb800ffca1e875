// One connection of the pool's, for a while: it is given back when the work has ended, and closed when it can't be used again.

import { DatabaseError, type Pool, type PoolClient } from "pg";
import { ConnectionLost, explainLoss, isConnectionLost, lossOf } from "./connection-lost.js";

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
