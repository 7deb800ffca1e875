// The mirrors of this database, as `migrate` registered them.

import type { Pool, PoolClient } from "pg";
import { z } from "zod";
import { queryRows } from "../postgres/rows.js";
import { type Mirror, mirrorColumnSchema } from "./column.js";
import { keyColumns } from "./key.js";

const registerRow = z.object({
  id: z.number(),
  relation: z.number().nullable(),
  api: z.string(),
  resource: z.string(),
  schema_name: z.string(),
  table_name: z.string(),
  key_columns: z.array(z.string()),
  /** Those of another version of the program may have other fields. */
  columns: z.unknown(),
  revision: z.number(),
  complete: z.boolean(),
  /** Absent from the register of an earlier version. */
  missing_indexes: z.record(z.string(), z.array(z.string())).nullable(),
});

const registeredColumns = z.array(mirrorColumnSchema);

/** All registered mirrors whose table exists. One whose columns another version of the program registered is not among them: it has to be migrated. */
export async function loadMirrors(pool: Pool | PoolClient): Promise<readonly Mirror[]> {
  const rows = await queryRows(
    pool,
    "the register of mirrors",
    registerRow,
    `select id, to_regclass(format('%I.%I', schema_name, table_name))::oid::int8::float8 as relation, api, resource, schema_name,
       table_name, key_columns, columns, revision, complete_at is not null as complete, to_jsonb(m) -> 'missing_indexes' as missing_indexes
     from throughline.mirror m order by id`,
  );
  return rows.flatMap((row) => {
    const { success, data: columns } = registeredColumns.safeParse(row.columns);
    if (row.relation === null || !success) return [];
    const missingIndexes = new Map(Object.entries(row.missing_indexes ?? {}));
    const key = keyColumns(row.key_columns, columns);
    const { id, relation, api, resource, schema_name: schema, table_name: table, revision, complete } = row;
    return [{ id, relation, api, resource, schema, table, key, columns, revision, complete, missingIndexes }];
  });
}

/** Returns the mirror as it is at work: a column whose index is away is not unique, so that nothing is told by its values. */
export function asIndexed(mirror: Mirror): Mirror {
  const { missingIndexes } = mirror;
  if (missingIndexes.size === 0) return mirror;
  const columns = mirror.columns.map((column) => ({
    ...column,
    unique: column.unique && !missingIndexes.has(column.name),
  }));
  const names = mirror.key.map(({ name }) => name);
  return { ...mirror, columns, key: keyColumns(names, columns) };
}
