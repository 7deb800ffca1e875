// What a round of recovery does on the connection that holds its lock.

import type { PoolClient } from "pg";
import type { Lease } from "../postgres/connection.js";

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

  /** Runs `work` while no page of this mirror is written. */
  async withoutPages<T>(mirror: number, work: () => Promise<T>): Promise<T> {
    const sql = (verb: string) => `select pg_advisory_${verb}(hashtext('throughline asking'), $1)`;
    await this.write((client) => client.query(sql("lock"), [mirror]));
    try {
      return await work();
    } finally {
      await this.write((client) => client.query(sql("unlock"), [mirror])).catch(() => this.lease.discard());
    }
  }
}
