// Which names can lead a statement to a mirror: its own, those of views and rules over it, and of functions whose text writes to it.

import type { Pool } from "pg";
import { z } from "zod";
import { queryRows, queryTexts } from "../postgres/rows.js";
import { sourcePattern, type WatchedTable } from "../sql/watch-list.js";
import type { Mirror } from "./column.js";

export interface WatchedNames {
  readonly tables: readonly WatchedTable[];
  readonly functions: readonly string[];
}

const relation = z.object({ schema: z.string(), name: z.string() });

/** A function calls another, which calls another: so far is looked. */
const longestCallChain = 5;

export async function loadWatchedNames(pool: Pool, mirrors: readonly Mirror[]): Promise<WatchedNames> {
  if (mirrors.length === 0) return { tables: [], functions: [] };
  const tables = await queryRows(
    pool,
    "the views over the mirrors",
    relation,
    `with recursive over(oid) as (
       select unnest($1::oid[])
       union
       select r.ev_class from over o
         join pg_depend d on d.refclassid = 'pg_class'::regclass and d.refobjid = o.oid and d.classid = 'pg_rewrite'::regclass
         join pg_rewrite r on r.oid = d.objid
     )
     select distinct n.nspname as schema, c.relname as name from over join pg_class c on c.oid = over.oid
       join pg_namespace n on n.oid = c.relnamespace`,
    [mirrors.map(({ relation }) => relation)],
  );
  const functions = new Set<string>();
  for (let depth = 0; depth < longestCallChain; depth += 1) {
    const names = await functionsThat(pool, sourcePattern(tables, [...functions]));
    if (names.every((name) => functions.has(name))) break;
    for (const name of names) functions.add(name);
  }
  return { tables, functions: [...functions] };
}

/** What is not volatile writes nothing. */
async function functionsThat(pool: Pool, pattern: string): Promise<string[]> {
  return queryTexts(
    pool,
    "the functions that name a mirror",
    `select distinct proname from pg_proc p
     where prokind in ('f', 'p') and prorettype <> 'trigger'::regtype and provolatile = 'v'
       and pronamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace, 'throughline'::regnamespace)
       and coalesce(pg_get_function_sqlbody(p.oid), p.prosrc) ~* $1`,
    [pattern],
  );
}
