// The mirrors of this database, as `migrate` registered them.

import type { Pool, PoolClient } from "pg";
import { z } from "zod";
import { queryRows } from "../postgres/rows.js";
import { type Mirror, mirrorColumnSchema } from "./column.js";

const registerRow = z.object({
  id: z.number(),
  relation: z.number().nullable(),
  api: z.string(),
  resource: z.string(),
  schema_name: z.string(),
  table_name: z.string(),
  key_columns: z.array(z.string()),
  columns: z.array(mirrorColumnSchema),
  revision: z.number(),
  complete: z.boolean(),
});

/** All registered mirrors whose table exists. */
export async function loadMirrors(pool: Pool | PoolClient): Promise<readonly Mirror[]> {
  const rows = await queryRows(
    pool,
    "the register of mirrors",
    registerRow,
    `select id, to_regclass(format('%I.%I', schema_name, table_name))::oid::int8::float8 as relation, api, resource, schema_name,
       table_name, key_columns, columns, revision, complete_at is not null as complete from throughline.mirror order by id`,
  );
  return rows.flatMap((row) => {
    const key = row.key_columns.flatMap((part) => row.columns.find(({ name }) => name === part) ?? []);
    if (row.relation === null) return [];
    const { id, relation, api, resource, schema_name: schema, table_name: table, columns, revision, complete } = row;
    return [{ id, relation, api, resource, schema, table, key, columns, revision, complete }];
  });
}
