// A transaction around a piece of work: it commits when the work is done, and rolls back when it fails.

import type { Pool, PoolClient } from "pg";
import { withClient } from "./connection.js";
import { ownPathSql } from "./own-pool.js";

/**
 * Runs `work` in a transaction at READ COMMITTED: on a connection of its own when `on` is a pool, otherwise on that client.
 * Rolls back a result that `keep` refuses, and returns it all the same. Throws what `work` throws: a rollback that fails as
 * well says nothing new, and whoever took the client out of the pool sees that it is still in a transaction.
 */
export async function inTransaction<T>(
  on: Pool | PoolClient,
  work: (client: PoolClient) => Promise<T>,
  keep: (result: T) => boolean = () => true,
): Promise<T> {
  if (!("release" in on)) return withClient(on, (client) => inTransaction(client, work, keep));
  await on.query("begin isolation level read committed");
  try {
    const result = await work(on);
    // A trigger of others may have set the search_path of the session, and a deferred one has just run.
    await on.query(keep(result) ? `commit; ${ownPathSql}` : "rollback");
    return result;
  } catch (cause) {
    await on.query("rollback").catch(() => undefined);
    throw cause;
  }
}

/** Runs `work` behind a savepoint of the open transaction: when it fails, what it did is undone, and what was done before stays. Throws what `work` throws. */
export async function inSavepoint<T>(client: PoolClient, work: () => Promise<T>): Promise<T> {
  await client.query("savepoint work");
  try {
    const result = await work();
    await client.query(`release savepoint work; ${ownPathSql}`);
    return result;
  } catch (cause) {
    await client.query("rollback to savepoint work").catch(() => undefined);
    throw cause;
  }
}
