// What the journal has of each mirror that is not finished, and what went wrong last.

import type { Pool } from "pg";

export interface OpenEntries {
  /** That of the entries, or `blocked`: Postgres refuses their rows. */
  readonly state: string;
  readonly count: number;
  /** ISO 8601. */
  readonly oldestAt: string;
  readonly oldestSeconds: number;
}

export interface LastFailure {
  readonly state: "refused" | "unknown";
  readonly sqlstate: string | null;
  /** ISO 8601. */
  readonly at: string;
}

export interface MirrorSummary {
  readonly mirror: number;
  readonly open: readonly OpenEntries[];
  readonly lastFailure: LastFailure | null;
}

/** Of the mirrors that have anything of it. */
export async function loadSummaries(pool: Pool): Promise<readonly MirrorSummary[]> {
  const found = await pool.query<MirrorSummary>(
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
  return found.rows;
}

const iso = (instant: string) => `to_char(${instant} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
