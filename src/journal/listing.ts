// The journal as people read it, and what they say of an entry that nobody else can tell.

import type { Pool } from "pg";
import { z } from "zod";
import { queryRows } from "../postgres/rows.js";
import { requestRowSchema } from "./journal.js";

const listedEntry = z.object({
  id: z.string(),
  api: z.string(),
  table: z.string(),
  verb: z.string(),
  state: z.string(),
  open: z.boolean(),
  /** The SQLSTATE by which Postgres refuses its rows. */
  blocked: z.string().nullable(),
  /** The columns that it says so of, and what it said. */
  blockedBecause: z.string().nullable(),
  rows: z.number(),
  keys: z.array(z.string()),
  role: z.string(),
  application: z.string(),
  client: z.string(),
  statementHash: z.string(),
  idempotencyKey: z.string().nullable(),
  request: z.string().nullable(),
  status: z.number().nullable(),
  sqlstate: z.string().nullable(),
  /** ISO 8601. */
  intentAt: z.string(),
  sentAt: z.string().nullable(),
  outcomeAt: z.string().nullable(),
  closedAt: z.string().nullable(),
  tries: z.number(),
  /** When upstream was last looked at, and had it undone or absent. */
  lookedAt: z.string().nullable(),
  because: z.string().nullable(),
  /** What was sent: only while the entry is open, or will be looked for once more. */
  values: z.array(requestRowSchema).nullable(),
});

export type ListedEntry = Readonly<z.infer<typeof listedEntry>>;

export interface EntryFilter {
  readonly id?: string | undefined;
  readonly open?: boolean | undefined;
  readonly api?: string | undefined;
  /** With or without its schema. */
  readonly table?: string | undefined;
  readonly state?: string | undefined;
  /** No older than this. */
  readonly sinceMs?: number | undefined;
  readonly limit: number;
}

const iso = (column: string) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** Newest first. */
export async function listEntries(pool: Pool, filter: EntryFilter): Promise<readonly ListedEntry[]> {
  return queryRows(
    pool,
    "the journal's entries",
    listedEntry,
    `select id, api, table_name as "table", verb, state, closed_at is null as open, blocked,
       case when blocked is not null then blocked_because end as "blockedBecause", row_count as rows, keys, role, application,
       client_address as client, statement_hash as "statementHash", idempotency_key as "idempotencyKey", request_id as request,
       http_status as status, sqlstate, ${iso("intent_at")} as "intentAt", ${iso("sent_at")} as "sentAt",
       ${iso("outcome_at")} as "outcomeAt", ${iso("closed_at")} as "closedAt", tries, ${iso("looked_at")} as "lookedAt", because, request as values
     from throughline.journal
     where ($1::uuid is null or id = $1) and ($2::boolean is not true or closed_at is null) and ($3::text is null or api = $3)
       and ($4::text is null or table_name = $4 or right(table_name, length($4) + 1) = '.' || $4) and ($5::text is null or state = $5)
       and ($6::float8 is null or intent_at > clock_timestamp() - $6 * interval '1 millisecond')
     order by intent_at desc limit $7`,
    [
      filter.id ?? null,
      filter.open ?? null,
      filter.api ?? null,
      filter.table ?? null,
      filter.state ?? null,
      filter.sinceMs ?? null,
      filter.limit,
    ],
  );
}

const openCount = z.object({ api: z.string(), state: z.string(), count: z.number() });

/** Open entries, counted. */
export async function countOpen(pool: Pool): Promise<readonly { api: string; state: string; count: number }[]> {
  return queryRows(
    pool,
    "the number of open entries",
    openCount,
    `select api, case when blocked is null then state else 'blocked' end as state, count(*)::int as count
     from throughline.journal where closed_at is null group by 1, 2`,
  );
}

/**
 * Closes an entry that nobody can tell of, or whose rows Postgres refuses, by a person's word. What upstream has made of it is in the
 * mirror when the next pull has brought it. False: it is closed already, or still under way.
 */
export async function resolveEntry(
  pool: Pool,
  call: string,
  state: "accepted" | "refused",
  because: string,
): Promise<boolean> {
  const result = await pool.query(
    `update throughline.journal set state = case when state = 'unknown' then $2 else state end, because = $3, blocked = null,
       outcome_at = clock_timestamp(), outcome_moment = nextval('throughline.moment'), closed_at = clock_timestamp(), request = null, rows = null
     where id = $1 and closed_at is null and (state = 'unknown' or (blocked is not null and $2 = 'accepted'))`,
    [call, state, because],
  );
  return result.rowCount === 1;
}
