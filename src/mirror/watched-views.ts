// The relations by which a statement may reach a mirror: the mirrors, the views over them, and tables with a rule that names one.

import type { Pool } from "pg";
import { z } from "zod";
import { queryRows } from "../postgres/rows.js";
import type { NamedRelation } from "./call-graph.js";
import { inCatalogue } from "./catalogue-query.js";

const relationRow = z.object({ oid: z.number(), schema: z.string(), name: z.string(), owner: z.string() });

/** A view of a view of a view: so far is looked. */
const deepest = 32;
/** So many of each role's are watched, those that were made first. */
const mostOfRole = 10_000;

/**
 * Finds the relations, level by level. What one role has too much of is left out, and takes nobody else's place.
 * Throws what Postgres does, when a level takes longer than a look at the catalogue may.
 */
export async function loadWatchedRelations(pool: Pool, mirrors: readonly number[]): Promise<NamedRelation[]> {
  const found = new Map<number, NamedRelation>();
  const counts = new Map<string, number>();
  let level = await namedRelations(pool, mirrors);
  for (const relation of level) found.set(relation.oid, relation);
  for (let depth = 0; depth < deepest && level.length > 0; depth += 1) {
    const next = await relationsOver(
      pool,
      level.map(({ oid }) => oid),
    );
    level = next.filter(({ oid, owner }) => {
      const count = counts.get(owner) ?? 0;
      if (found.has(oid) || count >= mostOfRole) return false;
      counts.set(owner, count + 1);
      return true;
    });
    for (const relation of level) found.set(relation.oid, relation);
  }
  return [...found.values()];
}

const named = `select c.oid, n.nspname as schema, c.relname as name, pg_get_userbyid(c.relowner)::text as owner`;

async function namedRelations(pool: Pool, oids: readonly number[]) {
  return inCatalogue(pool, (client) =>
    queryRows(
      client,
      "the mirrors",
      relationRow,
      `${named} from unnest($1::oid[]) m(oid) join pg_class c on c.oid = m.oid join pg_namespace n on n.oid = c.relnamespace`,
      [oids],
    ),
  );
}

async function relationsOver(pool: Pool, oids: readonly number[]) {
  return inCatalogue(pool, (client) =>
    queryRows(
      client,
      "the views over the mirrors",
      relationRow,
      `select oid, schema, name, owner from (
         ${named}, row_number() over (partition by c.relowner order by c.oid) as position
         from (select distinct r.ev_class from unnest($1::oid[]) o(oid)
             join pg_depend d on d.refclassid = 'pg_class'::regclass and d.refobjid = o.oid and d.classid = 'pg_rewrite'::regclass
             join pg_rewrite r on r.oid = d.objid) over_them
           join pg_class c on c.oid = over_them.ev_class join pg_namespace n on n.oid = c.relnamespace) of_role
       where position <= $2 order by oid`,
      [oids, mostOfRole],
    ),
  );
}
