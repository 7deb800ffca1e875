// What the journal has of each mirror that is not finished, and what went wrong last.

import type { Pool } from "pg";
import { z } from "zod";
import { queryRows } from "../postgres/rows.js";

const openEntries = z.object({
  /** That of the entries, or `blocked`: Postgres refuses their rows. */
  state: z.string(),
  count: z.number(),
  /** ISO 8601. */
  oldestAt: z.string(),
  oldestSeconds: z.number(),
});

const lastFailure = z.object({
  state: z.enum(["refused", "unknown"]),
  sqlstate: z.string().nullable(),
  /** ISO 8601. */
  at: z.string(),
});

const mirrorSummary = z.object({
  mirror: z.number(),
  open: z.array(openEntries),
  lastFailure: lastFailure.nullable(),
});

export type OpenEntries = Readonly<z.infer<typeof openEntries>>;
export type LastFailure = Readonly<z.infer<typeof lastFailure>>;
export type MirrorSummary = Readonly<z.infer<typeof mirrorSummary>>;

/** Of the mirrors that have anything of it. */
export async function loadSummaries(pool: Pool): Promise<readonly MirrorSummary[]> {
  return queryRows(
    pool,
    "the journal's summary of each mirror",
    mirrorSummary,
    `select m.id as mirror,
       (select coalesce(json_agg(o), '[]') from (
          select case when blocked is null then state else 'blocked' end as state, count(*)::int as count, ${iso("min(intent_at)")} as "oldestAt",
            floor(extract(epoch from clock_timestamp() - min(intent_at)))::int as "oldestSeconds"
          from throughline.journal where mirror = m.id and closed_at is null group by 1 order by 1) o) as open,
       -- What is unknown is open, and what was refused has an outcome: an index has either.
       (select json_build_object('state', f.state, 'sqlstate', f.sqlstate, 'at', ${iso("f.intent_at")}) from (
          (select state, sqlstate, intent_at from throughline.journal where mirror = m.id and state = 'unknown' and closed_at is null
             order by intent_at desc limit 1)
          union all
          (select state, sqlstate, intent_at from throughline.journal where mirror = m.id and state = 'refused' and outcome_at is not null
             order by outcome_at desc limit 1)) f order by f.intent_at desc limit 1) as "lastFailure"
     from throughline.mirror m order by m.id`,
  );
}

const iso = (instant: string) => `to_char(${instant} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
