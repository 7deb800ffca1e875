// Looks at the triggers of a mirror: without its guard, or with a trigger behind it, no proxy may serve it.

import type { Pool } from "pg";
import { z } from "zod";
import { quoteName } from "../postgres/quote.js";
import { queryRows } from "../postgres/rows.js";
import { guardTriggers, isGuardTriggerSql, isLateTriggerSql } from "./guard-table.js";
import { writerRole } from "./roles.js";

const triggerRow = z.object({ name: z.string(), ours: z.boolean(), late: z.boolean(), enabled: z.boolean() });

/** The guard has to be there, enabled, and the last BEFORE ROW trigger to fire. Returns what is wrong with it, and what to do; undefined: nothing. */
export async function wrongGuard(pool: Pool, schema: string, table: string): Promise<string | undefined> {
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
 * login that serves, in whose transactions a policy's code would run. Returns
 * what is wrong with it, and what to do; undefined: nothing.
 */
export async function wrongRowSecurity(pool: Pool, schema: string, table: string): Promise<string | undefined> {
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
