// Brings the unique indexes of a mirror to what its columns are now.

import type { PoolClient } from "pg";
import { quoteName } from "../postgres/quote.js";
import type { MirrorColumn } from "./column.js";
import { findUniqueIndexes, type IndexedTable, uniqueIndexSql } from "./unique-index.js";

interface MirrorToIndex extends IndexedTable {
  readonly key: readonly string[];
  readonly columns: readonly MirrorColumn[];
}

/** Drops our index of a column that is unique no more, and builds the missing ones, in the transaction of the migration. `run` hears the SQL. */
export async function migrateUniqueIndexes(
  client: PoolClient,
  mirror: MirrorToIndex,
  run: (sql: string) => Promise<void>,
): Promise<void> {
  const indexes = await findUniqueIndexes(client, mirror);
  const uniqueNames = indexedColumns(mirror).map(({ name }) => name);
  const mirrorNames = mirror.columns.map(({ name }) => name);
  for (const { column, name, valid, isOurs } of indexes) {
    const isWanted = valid && uniqueNames.includes(column);
    if (isOurs && !isWanted && mirrorNames.includes(column))
      await run(`drop index ${quoteName(mirror.schema)}.${quoteName(name)}`);
  }
  for (const column of indexedColumns(mirror)) {
    if (!indexes.some(({ column: name, valid }) => valid && name === column.name))
      await run(await uniqueIndexSql(client, mirror, column));
  }
}

/** The columns that have an index of their own: the primary key is one already. */
function indexedColumns({ key, columns }: MirrorToIndex): readonly MirrorColumn[] {
  return columns.filter(({ name, unique }) => unique && !(key.length === 1 && key[0] === name));
}
