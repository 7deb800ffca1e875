// The mirrors of this database, as `migrate` registered them.

import type { Pool, PoolClient } from "pg";
import type { Mirror, MirrorColumn } from "./column.js";

interface RegisterRow {
  readonly id: number;
  readonly relation: number | null;
  readonly api: string;
  readonly resource: string;
  readonly schema_name: string;
  readonly table_name: string;
  readonly key_columns: readonly string[];
  readonly columns: readonly MirrorColumn[];
  readonly revision: number;
  readonly complete: boolean;
}

/** All registered mirrors whose table exists. */
export async function loadMirrors(pool: Pool | PoolClient): Promise<readonly Mirror[]> {
  const found = await pool.query<RegisterRow>(
    `select id, to_regclass(format('%I.%I', schema_name, table_name))::oid::int8::float8 as relation, api, resource, schema_name,
       table_name, key_columns, columns, revision, complete_at is not null as complete from throughline.mirror order by id`,
  );
  return found.rows.flatMap((row) => {
    const key = row.key_columns.flatMap((part) => row.columns.find(({ name }) => name === part) ?? []);
    if (row.relation === null) return [];
    const { id, relation, api, resource, schema_name: schema, table_name: table, columns, revision, complete } = row;
    return [{ id, relation, api, resource, schema, table, key, columns, revision, complete }];
  });
}
