// Which names can lead a statement to a mirror: its own, those of views and rules over it, and of functions whose text writes to it.

import type { Pool } from "pg";
import type { Mirror } from "./column.js";

export interface WatchedNames {
  readonly tables: readonly string[];
  readonly functions: readonly string[];
}

/** A function calls another, which calls another: so far is looked. */
const longestCallChain = 5;

export async function loadWatchedNames(pool: Pool, mirrors: readonly Mirror[]): Promise<WatchedNames> {
  if (mirrors.length === 0) return { tables: [], functions: [] };
  const over = await pool.query<{ name: string }>(
    `with recursive over(oid) as (
       select unnest($1::oid[])
       union
       select r.ev_class from over o
         join pg_depend d on d.refclassid = 'pg_class'::regclass and d.refobjid = o.oid and d.classid = 'pg_rewrite'::regclass
         join pg_rewrite r on r.oid = d.objid
     )
     select distinct c.relname as name from over join pg_class c on c.oid = over.oid`,
    [mirrors.map(({ relation }) => relation)],
  );
  const tables = over.rows.map(({ name }) => name);
  const functions = new Set<string>();
  let found = await functionsThat(pool, tables, "\\y(insert|update|delete|merge)\\y");
  for (let depth = 0; depth < longestCallChain && found.some((name) => !functions.has(name)); depth += 1) {
    for (const name of found) functions.add(name);
    found = await functionsThat(pool, [...functions], "");
  }
  return { tables, functions: [...functions] };
}

/** Names of functions whose source mentions one of `names`, and fits `also`. */
async function functionsThat(pool: Pool, names: readonly string[], also: string): Promise<string[]> {
  const mentioned = `\\y(${names.map((name) => name.replaceAll(/[^\p{L}\p{N}_]/gu, "\\$&")).join("|")})\\y`;
  const found = await pool.query<{ name: string }>(
    `select distinct proname as name from pg_proc p, lateral (select coalesce(pg_get_function_sqlbody(p.oid), p.prosrc)) b(source)
     where prokind in ('f', 'p') and prorettype <> 'trigger'::regtype
       and pronamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace, 'throughline'::regnamespace)
       and source ~* $1 and source ~* $2`,
    [mentioned, also],
  );
  return found.rows.map(({ name }) => name);
}
