// A connection of ours on which code of others may run: what it leaves behind, settings, cursors, temporary tables, is no later query's.

import type { Pool, PoolClient } from "pg";
import { withLease } from "./connection.js";
import { OwnPool } from "./own-pool.js";
import { endingStuckWaits } from "./stuck-wait.js";

/** Runs `work`, one statement that is a transaction of its own, and wipes the connection. Throws what `work` throws, and ConnectionLost. */
export function withConfined<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  return withLease(pool, async (lease) => {
    const { client } = lease;
    try {
      return await endingStuckWaits(pool, lease, () => work(client));
    } finally {
      // What can't be wiped is closed.
      await wipe(client, pool).catch(() => lease.discard());
    }
  });
}

async function wipe(client: PoolClient, pool: Pool): Promise<void> {
  await client.query("discard all");
  if (pool instanceof OwnPool) await client.query(pool.firstSql);
}
