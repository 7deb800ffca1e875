// Looks at what others have put on a mirror: without its guard, with a trigger behind it, or with code that would run with our rights, no
// proxy may serve it.

import type { Pool } from "pg";
import { z } from "zod";
import { quoteName } from "../postgres/quote.js";
import { queryRows, queryTexts } from "../postgres/rows.js";
import { guardTriggers, isGuardTriggerSql, isLateTriggerSql } from "./guard-table.js";
import { isStrangerSql, schemaRole, writerRole } from "./roles.js";

const triggerRow = z.object({ name: z.string(), ours: z.boolean(), late: z.boolean(), enabled: z.boolean() });

/** Returns the first thing of a mirror's table that speaks against serving it, and what to do; undefined: nothing does. */
export async function wrongTable(pool: Pool, schema: string, table: string): Promise<string | undefined> {
  for (const look of [wrongGuard, wrongRowSecurity, strangeExpression]) {
    const wrong = await look(pool, schema, table);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

/** The guard has to be there, enabled, and the last BEFORE ROW trigger to fire. Returns what is wrong with it, and what to do; undefined: nothing. */
async function wrongGuard(pool: Pool, schema: string, table: string): Promise<string | undefined> {
  const triggers = await queryRows(
    pool,
    "the triggers of a mirror",
    triggerRow,
    `select tgname as name, ${isGuardTriggerSql} as ours, tgenabled = 'A' as enabled,
       ${isLateTriggerSql} and tgenabled <> 'D' as late
     from pg_trigger where tgrelid = format('%I.%I', $1::text, $2::text)::regclass`,
    [schema, table],
  );
  const guards = triggers.filter(({ ours, enabled }) => ours && enabled);
  if (guards.length !== Object.keys(guardTriggers).length)
    return 'its guard is missing or disabled: run "throughline migrate"';
  const late = triggers.find((trigger) => trigger.late);
  return late && `trigger "${late.name}" fires after the guard: rename it to sort before "~"`;
}

const securityRow = z.object({
  enabled: z.boolean(),
  forced: z.boolean(),
  hasOurs: z.boolean(),
  restrictive: z.string().nullable(),
});

/**
 * Row security may keep rows from `throughline_writer`, as which the sync writes, from the mirror's owner, as which rows are locked, and from the
 * login that serves, in whose transactions a policy's code would run. Returns what is wrong with it, and what to do; undefined: nothing.
 */
async function wrongRowSecurity(pool: Pool, schema: string, table: string): Promise<string | undefined> {
  const [security] = await queryRows(
    pool,
    "the row security of a mirror",
    securityRow,
    `select c.relrowsecurity as enabled, c.relforcerowsecurity as forced,
       exists (select from pg_policy p where p.polrelid = c.oid and p.polname = '~throughline') as "hasOurs",
       (select min(p.polname) from pg_policy p where p.polrelid = c.oid and not p.polpermissive
         and exists (select from unnest(p.polroles) role, unnest(array['${writerRole}', session_user]) reader
           where case when role = 0 then true else pg_has_role(reader, role, 'usage') end)) as restrictive
     from pg_class c where c.oid = format('%I.%I', $1::text, $2::text)::regclass`,
    [schema, table],
  );
  if (!security?.enabled) return undefined;
  const target = `${quoteName(schema)}.${quoteName(table)}`;
  if (security.forced)
    return `its row security is forced on its owner, so that rows can't be locked: alter table ${target} no force row level security`;
  if (!security.hasOurs)
    return 'lacks its policy "~throughline", so that the sync writes nothing: run "throughline migrate"';
  return security.restrictive === null
    ? undefined
    : `the restrictive policy "${security.restrictive}" holds for ${writerRole} or the login that serves, and keeps rows from the sync: create it again TO the roles that it is for`;
}

/**
 * Postgres runs what an index or statistics compute also while it plans our own queries of the mirror, with our rights. Returns the function of a
 * role that could not do anything anyway, and what to do; undefined: there is none.
 */
async function strangeExpression(pool: Pool, schema: string, table: string): Promise<string | undefined> {
  const [name] = await queryTexts(
    pool,
    "the functions in the indexes of a mirror",
    `select format('%s %I computes with function %s of role %I', e.kind, e.name, f.oid::regprocedure, r.rolname)
     from (select 'index' as kind, c.relname as name, 'pg_class'::regclass as class, i.indexrelid as oid, i.indrelid as relation
         from pg_index i join pg_class c on c.oid = i.indexrelid
       union all select 'statistics', s.stxname, 'pg_statistic_ext'::regclass, s.oid, s.stxrelid from pg_statistic_ext s) e
       join pg_depend d on d.classid = e.class and d.objid = e.oid and d.refclassid = 'pg_proc'::regclass
       join pg_proc f on f.oid = d.refobjid join pg_roles r on r.oid = f.proowner
     where e.relation = format('%I.%I', $1::text, $2::text)::regclass and ${isStrangerSql}
     order by 1 limit 1`,
    [schema, table],
  );
  return (
    name &&
    `${name}, which may change it and then has the rights of ${schemaRole}: drop it, or give the function to the owner of the database`
  );
}
