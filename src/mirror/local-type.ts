// The type of a local column: found where the login of postgres.url looks for names, and spelt so that it is found from anywhere.

import type { PoolClient } from "pg";
import { z } from "zod";
import { ownPathSql } from "../postgres/own-pool.js";
import { queryRows, queryTexts } from "../postgres/rows.js";
import { MigrateError } from "./migrate.js";

/**
 * Returns the type as SQL, with its schema where it is not Postgres's own: `public.mood` for `mood`. Throws MigrateError when it is no
 * type, or more than a type, such as a default behind it. In a transaction.
 */
export async function localType(client: PoolClient, type: string): Promise<string> {
  const found = await findType(client, type);
  if (found !== undefined) return found;
  throw new MigrateError(
    `"${type}" is no type of this database; a local column has a type and no more, such as integer, text[] or numeric(10,2)`,
  );
}

const typeRow = z.object({ oid: z.number(), domain: z.boolean() });

/** Others may have filled the schemas where the login looks: no name but the type's is looked for there. */
async function findType(client: PoolClient, type: string): Promise<string | undefined> {
  await client.query("set local search_path to default");
  try {
    const sql = `select t.oid, t.typtype operator(pg_catalog.=) 'd' as domain
      from pg_catalog.pg_type t where t.oid operator(pg_catalog.=) pg_catalog.to_regtype($1)::pg_catalog.oid`;
    const [row] = await queryRows(client, "the type of a local column", typeRow, sql, [type]);
    if (!row) return undefined;
    // It computes nothing. Behind a domain it describes what is below; a domain has no modifier of its own.
    const { fields } = await client.query(`select null::${type}\nwhere false`);
    const modifier = row.domain ? -1 : fields[0]?.dataTypeModifier;
    await client.query(ownPathSql);
    const [name] = await queryTexts(client, "the name of a type", "select format_type($1, $2)", [row.oid, modifier]);
    return name;
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "42601") return undefined;
    throw cause;
  }
}
