// Puts the guard on a mirror: its functions, who they belong to, its triggers, and what the writer may do with the table.

import type { PoolClient } from "pg";
import { z } from "zod";
import { quoteName } from "../postgres/quote.js";
import { queryRows, queryTexts } from "../postgres/rows.js";
import type { MirrorColumn } from "./column.js";
import { guardOf } from "./guard.js";
import { keyColumns } from "./key.js";
import { asRole, giveToWriter, schemaRole, writerRole } from "./roles.js";

interface MirrorToGuard {
  readonly id: number;
  readonly schema: string;
  readonly table: string;
  readonly key: readonly string[];
  readonly columns: readonly MirrorColumn[];
}

/**
 * Puts the guard on a mirror as its table is now: the local columns are compiled into it. Under the search path of `migrate`, in a
 * transaction. `server`: the login that serves, when it is not a member of the roles that own all this.
 */
export async function putGuard(client: PoolClient, mirror: MirrorToGuard, server: string | undefined): Promise<void> {
  const target = `${quoteName(mirror.schema)}.${quoteName(mirror.table)}`;
  const mirrorColumns = new Map(mirror.columns.map((column) => [column.name, column]));
  const columns = (await tableColumns(client, target)).map((column) => {
    const mirrorColumn = mirrorColumns.get(column.name);
    return { ...column, isMirrorColumn: mirrorColumn !== undefined, unique: mirrorColumn?.unique === true };
  });
  const key = keyColumns(mirror.key, columns);
  const guard = guardOf({ ...mirror, key, columns });
  await asRole(client, schemaRole, async () => {
    const old = (await functionsOf(client, mirror.id)).filter((signature) =>
      /^throughline\.(?:apply|local|fence|take_overs)_/.test(signature),
    );
    for (const signature of old) await client.query(`drop function ${signature}`);
    for (const sql of [...guard.functions, ...guard.writerFunctions.values()]) await client.query(sql);
    await client.query(`revoke all on function ${(await functionsOf(client, mirror.id)).join(", ")} from public`);
  });
  await giveToWriter(client, [...guard.writerFunctions.keys()]);
  for (const sql of guard.triggers) await client.query(sql);
  await letWriterWrite(client, target, mirror.schema, server);
}

/** The functions of a mirror, by signature. */
export function functionsOf(client: PoolClient, id: number): Promise<string[]> {
  return queryTexts(
    client,
    "the functions of a mirror",
    `select oid::regprocedure::text from pg_proc
     where pronamespace = 'throughline'::regnamespace and proname ~ ('^[a-z_]+_' || $1 || '$')`,
    [String(id)],
  );
}

/** Row security that others put on a mirror is for their roles: the writer's policy lets it see and write every row. */
async function letWriterWrite(client: PoolClient, target: string, schema: string, server: string | undefined) {
  const readers = [writerRole, ...(server === undefined ? [] : [server])].map(quoteName).join(", ");
  await client.query(`grant usage on schema ${quoteName(schema)} to ${readers}`);
  await client.query(`grant select on ${target} to ${readers}`);
  await client.query(`grant insert, update, delete on ${target} to ${quoteName(writerRole)}`);
  await client.query(`drop policy if exists "~throughline" on ${target}`);
  await client.query(`create policy "~throughline" on ${target} to ${readers} using (true) with check (true)`);
  const sequences = await queryTexts(
    client,
    "the sequences of a mirror's columns",
    `select distinct d.refobjid::regclass::text from pg_attrdef a join pg_depend d on d.classid = 'pg_attrdef'::regclass and d.objid = a.oid
       and d.refclassid = 'pg_class'::regclass join pg_class c on c.oid = d.refobjid and c.relkind = 'S' where a.adrelid = $1::regclass`,
    [target],
  );
  for (const sequence of sequences)
    await client.query(`grant usage on sequence ${sequence} to ${quoteName(writerRole)}`);
}

const tableColumn = z.object({ name: z.string(), type: z.string(), isForeign: z.boolean() });

/** All but generated columns: those are Postgres's to fill. */
export async function tableColumns(
  client: PoolClient,
  target: string,
): Promise<readonly z.infer<typeof tableColumn>[]> {
  return queryRows(
    client,
    "the columns of a table",
    tableColumn,
    `select attname as name, format_type(atttypid, atttypmod) as type, typnamespace <> 'pg_catalog'::regnamespace as "isForeign"
     from pg_attribute join pg_type t on t.oid = atttypid
     where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = '' order by attnum`,
    [target],
  );
}
