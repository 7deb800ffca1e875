// An advisory lock of a session, around a piece of work that only one process may do at a time.

import type { Pool } from "pg";
import { z } from "zod";
import { type Lease, withLease } from "./connection.js";
import { queryRows } from "./rows.js";

export interface AdvisoryLock {
  /** Such as "throughline pull"; its hash is the first half of the lock. */
  readonly name: string;
  readonly id: number;
}

const answer = z.object({ mine: z.boolean() });

/**
 * Runs `work` while its connection holds the lock. Returns undefined, without running it, when another session has the lock.
 *
 * Whoever loses the connection loses the lock, and another process may take it at once. Postgres itself keeps two holders from
 * writing beside each other as long as `work` writes on `lease.client` only: a session that ends has its transaction rolled back
 * before its locks go, and a statement on a client that is gone is never run. What `work` does elsewhere ends with `lease.lossSignal`.
 *
 * Throws what `work` throws; ConnectionLost when that was the loss. A lock that can't be given back goes with its connection.
 */
export function withAdvisoryLock<T>(
  pool: Pool,
  { name, id }: AdvisoryLock,
  work: (lease: Lease) => Promise<T>,
): Promise<T | undefined> {
  return withLease(pool, async (lease) => {
    const sql = "select pg_try_advisory_lock(hashtext($1), $2) as mine";
    const [attempt] = await queryRows(lease.client, `the lock "${name}"`, answer, sql, [name, id]);
    if (attempt?.mine !== true) return undefined;
    try {
      return await work(lease);
    } finally {
      await unlock(lease, { name, id });
    }
  });
}

/** Never rejects, so that the cause of a failure stays what it is. */
async function unlock(lease: Lease, { name, id }: AdvisoryLock): Promise<void> {
  const sql = "select pg_advisory_unlock(hashtext($1), $2) as mine";
  const [release] = await queryRows(lease.client, `the lock "${name}"`, answer, sql, [name, id]).catch(() => []);
  if (release?.mine !== true) lease.discard();
}
