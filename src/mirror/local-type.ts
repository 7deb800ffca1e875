// The type of a local column: found where the login of postgres.url looks for names, and spelt so that it is found from anywhere.

import type { PoolClient } from "pg";
import { z } from "zod";
import { ownPathSql } from "../postgres/own-pool.js";
import { queryRows, queryTexts } from "../postgres/rows.js";
import { MigrateError } from "./migrate-error.js";
import { isStrangerSql } from "./roles.js";

/**
 * Returns the type as SQL, with its schema where it is not Postgres's own: `public.mood` for `mood`. Throws MigrateError when it is no
 * type, when it is more than a type, such as a default behind it, and when its own code would run as the login. In a transaction.
 */
export async function localType(client: PoolClient, type: string): Promise<string> {
  const found = await findType(client, type);
  if (!found)
    throw new MigrateError(
      `"${type}" is no type of this database; a local column has a type and no more, such as integer, text[] or numeric(10,2)`,
    );
  const [strangePart] = await queryRows(client, "the owners of a domain", ownedPart, strangePartsSql, [found.oid]);
  if (strangePart)
    throw new MigrateError(
      `${strangePart.part} belongs to role "${strangePart.owner}", whose code would run as the login while the column is added: choose the type below this domain, or let the owner of the database own it and what it calls`,
    );
  return found.name;
}

interface FoundType {
  readonly oid: number;
  readonly name: string;
}

const typeRow = z.object({ oid: z.number(), domain: z.boolean() });

/** Others may have filled the schemas where the login looks: no name but the type's is looked for there. */
async function findType(client: PoolClient, type: string): Promise<FoundType | undefined> {
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
    const [name = ""] = await queryTexts(client, "the name of a type", "select format_type($1, $2)", [
      row.oid,
      modifier,
    ]);
    return { oid: row.oid, name };
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "42601") return undefined;
    throw cause;
  }
}

const ownedPart = z.object({ part: z.string(), owner: z.string() });

/**
 * A domain, those below it, and what their checks and defaults call, as far as they belong to a role that is neither a superuser, nor the
 * owner of the database, nor the login. ALTER TABLE runs the checks for each row, and the owner of a domain may change them at any time.
 */
const strangePartsSql = `with recursive domain(oid, below) as (
    select oid, typbasetype from pg_type where oid = $1 and typtype = 'd'
    union all
    select t.oid, t.typbasetype from domain join pg_type t on t.oid = domain.below where t.typtype = 'd'
  ), dependent(classid, objid) as (
    select 'pg_type'::regclass::oid, oid from domain
    union all
    select 'pg_constraint'::regclass::oid, c.oid from pg_constraint c join domain on c.contypid = domain.oid
  ), part(part, owner) as (
    select 'the domain ' || format_type(t.oid, null), t.typowner from domain join pg_type t using (oid)
    union all
    select 'the function ' || p.oid::regprocedure, p.proowner from dependent join pg_depend d using (classid, objid)
      left join pg_operator o on d.refclassid = 'pg_operator'::regclass and o.oid = d.refobjid
      join pg_proc p on p.oid = o.oprcode or (d.refclassid = 'pg_proc'::regclass and p.oid = d.refobjid)
  )
  select part, r.rolname::text as owner from part join pg_roles r on r.oid = part.owner
  where ${isStrangerSql}
  limit 1`;
