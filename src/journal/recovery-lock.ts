// What a round of recovery does on the connection that holds its lock.

import { DatabaseError, type PoolClient } from "pg";
import type { Lease } from "../postgres/connection.js";
import { inTransaction } from "../postgres/transaction.js";

/** How long a page of the sync is waited for. */
const pageTimeoutMs = 500;

/**
 * The connection that holds the right to recover, for several APIs at a time: one statement after the other.
 *
 * What upstream answered is noted on it, and nowhere else. A page that was asked for later waits until then, and from then on the
 * journal keeps it out; when the connection is lost, and with it both locks, the note can't be made any more.
 */
export class RecoveryLock {
  private last: Promise<unknown> = Promise.resolve();

  constructor(private readonly lease: Lease) {}

  /** Aborted when the connection is lost: another process may recover now. */
  get lossSignal(): AbortSignal {
    return this.lease.lossSignal;
  }

  /** Runs `note` when no other statement is under way. */
  write<T>(note: (client: PoolClient) => Promise<T>): Promise<T> {
    const run = () => note(this.lease.client);
    const result = this.last.then(run, run);
    this.last = result;
    return result;
  }

  /**
   * Runs `work` while no page of this mirror is written. Returns "busy", without running it, when a page takes too long: the entries
   * of other APIs wait for this connection.
   */
  async withoutPages<T>(mirror: number, work: () => Promise<T>): Promise<T | "busy"> {
    if (!(await this.write((client) => lockOutPages(client, mirror)))) return "busy";
    try {
      return await work();
    } finally {
      const unlock = "select pg_advisory_unlock(hashtext('throughline asking'), $1)";
      await this.write((client) => client.query(unlock, [mirror])).catch(() => this.lease.discard());
    }
  }
}

/** The lock is the session's; the transaction around it is there for the time-out. */
async function lockOutPages(client: PoolClient, mirror: number): Promise<boolean> {
  try {
    await inTransaction(client, async () => {
      await client.query("select set_config('lock_timeout', $1, true)", [`${pageTimeoutMs}ms`]);
      await client.query("select pg_advisory_lock(hashtext('throughline asking'), $1)", [mirror]);
    });
    return true;
  } catch (cause) {
    if (isForLater(cause)) return false;
    throw cause;
  }
}

/** A lock, a deadlock, or a snapshot that somebody overtook: later it will do. */
function isForLater(cause: unknown): boolean {
  return cause instanceof DatabaseError && (cause.code === "55P03" || cause.code?.startsWith("40") === true);
}
