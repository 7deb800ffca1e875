// Looks at the triggers of a mirror: without its guard, or with a trigger behind it, no proxy may serve it.

import type { Pool } from "pg";
import { z } from "zod";
import { queryRows } from "../postgres/rows.js";
import { guardTriggers, isGuardTriggerSql, isLateTriggerSql } from "./guard-table.js";

const triggerRow = z.object({ name: z.string(), ours: z.boolean(), late: z.boolean(), enabled: z.boolean() });

/** The guard has to be there, enabled, and the last BEFORE ROW trigger to fire. Returns what is wrong with it, and what to do; undefined: nothing. */
export async function wrongGuard(pool: Pool, schema: string, table: string): Promise<string | undefined> {
  const triggers = await queryRows(
    pool,
    "the triggers of a mirror",
    triggerRow,
    `select tgname as name, ${isGuardTriggerSql} as ours, tgenabled = 'A' as enabled,
       ${isLateTriggerSql} as late
     from pg_trigger where tgrelid = format('%I.%I', $1::text, $2::text)::regclass`,
    [schema, table],
  );
  const guards = triggers.filter(({ ours, enabled }) => ours && enabled);
  if (guards.length !== Object.keys(guardTriggers).length)
    return 'its guard is missing or disabled: run "throughline migrate"';
  const late = triggers.find((trigger) => trigger.late);
  return late && `trigger "${late.name}" fires after the guard: rename it to sort before "~"`;
}
