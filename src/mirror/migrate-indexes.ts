// Brings the unique indexes of a mirror to what its columns are now.

import { DatabaseError, type PoolClient } from "pg";
import { quoteName } from "../postgres/quote.js";
import { inSavepoint } from "../postgres/transaction.js";
import type { MirrorColumn } from "./column.js";
import { keyColumns } from "./key.js";
import { MigrateError } from "./migrate-error.js";
import { missingIndexWords } from "./missing-index.js";
import { findShared } from "./shared-values.js";
import { findUniqueIndexes, type IndexedTable, uniqueIndexSql } from "./unique-index.js";

interface MirrorToIndex extends IndexedTable {
  readonly id: number;
  readonly api: string;
  readonly resource: string;
  readonly key: readonly string[];
  readonly columns: readonly MirrorColumn[];
}

interface Steps {
  /** Runs SQL that people are told of. */
  run(sql: string): Promise<void>;
  /** What people are told among the SQL. */
  note(text: string): void;
}

/**
 * Drops our index of a column that is unique no more, and builds the missing ones, in the transaction of the migration. Of a column in which
 * rows share a value, the index stays away. Throws MigrateError when one can't be built for another reason.
 */
export async function migrateUniqueIndexes(client: PoolClient, mirror: MirrorToIndex, steps: Steps): Promise<void> {
  const { schema, table } = mirror;
  const indexes = await findUniqueIndexes(client, mirror);
  const uniqueNames = indexedColumns(mirror).map(({ name }) => name);
  const mirrorNames = mirror.columns.map(({ name }) => name);
  for (const { column, name, valid, isOurs } of indexes) {
    const isWanted = valid && uniqueNames.includes(column);
    if (isOurs && !isWanted && mirrorNames.includes(column))
      await steps.run(`drop index ${quoteName(schema)}.${quoteName(name)}`);
  }
  const key = keyColumns(mirror.key, mirror.columns);
  const missing = new Map<string, readonly string[]>();
  for (const column of indexedColumns(mirror)) {
    if (indexes.some(({ column: name, valid }) => valid && name === column.name)) continue;
    const keys = await findShared(client, { schema, table, key }, column.name);
    if (keys === undefined) await build(client, mirror, column, steps);
    else {
      missing.set(column.name, keys);
      steps.note(`-- ${schema}.${table}: ${missingIndexWords({ column: column.name, keys })}`);
    }
  }
  const sql =
    "update throughline.mirror set missing_indexes = $2 where id = $1 and missing_indexes is distinct from $2";
  await client.query(sql, [mirror.id, JSON.stringify(Object.fromEntries(missing))]);
}

async function build(client: PoolClient, mirror: MirrorToIndex, column: MirrorColumn, { run }: Steps): Promise<void> {
  const sql = await uniqueIndexSql(client, mirror, column);
  await inSavepoint(client, () => run(sql)).catch((cause: unknown) => {
    // A value that is too long for an index.
    if (!(cause instanceof DatabaseError) || cause.code !== "54000") throw cause;
    throw new MigrateError(
      `the unique index of column "${column.name}" can't be built: ${cause.message}; say "unique: false", or the columns that shall have one, under apis.${mirror.api}.tables.${mirror.resource} in throughline.yaml`,
    );
  });
}

/** The columns that have an index of their own: the primary key is one already. */
function indexedColumns({ key, columns }: MirrorToIndex): readonly MirrorColumn[] {
  return columns.filter(({ name, unique }) => unique && !(key.length === 1 && key[0] === name));
}
