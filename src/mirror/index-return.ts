// A unique index that is away comes back once upstream has each value once: built CONCURRENTLY on a connection of ours, so that no client waits.

import { DatabaseError, type Pool, type PoolClient } from "pg";
import { withAdvisoryLock } from "../postgres/advisory-lock.js";
import { isConnectionLost } from "../postgres/connection-lost.js";
import { quoteName } from "../postgres/quote.js";
import type { Mirror } from "./column.js";
import { indexLock } from "./migrate.js";
import { missingIndexesOf } from "./missing-index.js";
import { mayChangeMirrors } from "./roles.js";
import { findShared } from "./shared-values.js";
import { findUniqueIndexes, uniqueIndexSql } from "./unique-index.js";

/** The longest wait for transactions that are in the way, in which no client waits. */
const patienceMs = 10_000;

/**
 * Builds the indexes of these mirrors that are away, where no two rows share a value any more. Returns the names of the columns that have theirs
 * again, as `"crm"."contacts" (email)`. It leaves all as it is for a login that may not change mirrors: `migrate` builds them then.
 */
export async function bringBack(pool: Pool, mirrors: readonly Mirror[]): Promise<readonly string[]> {
  const built: string[] = [];
  await withAdvisoryLock(pool, indexLock, async (lease) => {
    // What is set for it stays on the connection.
    lease.discard();
    const { client } = lease;
    if (!(await mayChangeMirrors(client))) return;
    for (const mirror of mirrors)
      for (const { column, keys } of missingIndexesOf(mirror))
        if (await isBack(client, mirror, column, keys)) built.push(`"${mirror.schema}"."${mirror.table}" (${column})`);
  });
  return built;
}

async function isBack(client: PoolClient, mirror: Mirror, column: string, keys: readonly string[]): Promise<boolean> {
  // Most often they still are what they were.
  if ((await findShared(client, mirror, column, keys)) !== undefined) return false;
  const shared = await findShared(client, mirror, column);
  if (shared !== undefined) {
    await note(client, mirror, column, shared);
    return false;
  }
  if (!(await build(client, mirror, column))) return false;
  const sql = "update throughline.mirror set missing_indexes = missing_indexes - $2::text where id = $1";
  await client.query(sql, [mirror.id, column]);
  return true;
}

async function note(client: PoolClient, { id }: Mirror, column: string, keys: readonly string[]): Promise<void> {
  const sql = `update throughline.mirror set missing_indexes = missing_indexes || jsonb_build_object($2::text, to_jsonb($3::text[]))
    where id = $1 and missing_indexes -> $2 is not null`;
  await client.query(sql, [id, column, keys]);
}

/** False: it can't be built yet, and nothing of it is left. */
async function build(client: PoolClient, mirror: Mirror, name: string): Promise<boolean> {
  const dropRest = async () => {
    for (const { column, name: index, valid } of await findUniqueIndexes(client, mirror))
      if (column === name && !valid)
        await client.query(`drop index concurrently ${quoteName(mirror.schema)}.${quoteName(index)}`);
  };
  await client.query(`set statement_timeout = 0; set lock_timeout = ${patienceMs}`);
  try {
    await dropRest();
    await client.query(await uniqueIndexSql(client, mirror, { name }, "concurrently"));
    return true;
  } catch (cause) {
    // A row came between, or a transaction was in the way: the next time tells.
    if (!(cause instanceof DatabaseError) || isConnectionLost(cause)) throw cause;
    await dropRest().catch(() => undefined);
    return false;
  }
}
