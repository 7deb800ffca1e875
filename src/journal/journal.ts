// The journal, on our own connections: an upstream call is noted before it is made and closed when its rows are applied.

import type { Pool, PoolClient } from "pg";
import { z } from "zod";
import type { CleanText } from "../config/clean-text.js";
import { inSlices } from "../config/slices.js";
import { writingUtf8Json } from "../manifest/lossless-json.js";
import { type TextRow, textRowSchema } from "../mirror/column.js";
import { type CellMarks, cellMarksSchema } from "../mirror/inexact.js";
import { queryLong } from "../postgres/long-query.js";
import type { Moment } from "../postgres/moment.js";
import { queryRows } from "../postgres/rows.js";
import type { Verb } from "../upstream/table.js";
import { lastLook } from "./evidence.js";
import { before, isIdle, isLookedForAgainSql, type State } from "./states.js";

export interface Intent {
  readonly call: string;
  readonly proxy: string;
  readonly mirror: { readonly id: number; readonly revision: number };
  readonly api: string;
  readonly table: string;
  readonly verb: Verb;
  readonly keys: readonly string[];
  readonly role: string;
  readonly application: string;
  readonly clientAddress: string;
  readonly statementHash: string;
  /** Under which upstream does it only once, however often it is sent; null: it knows no such thing. */
  readonly idempotencyKey: string | null;
  /** What is sent: kept while the entry is open, or has lapsed and is looked for once more. */
  readonly request: readonly RequestRow[];
}

export interface RequestRow {
  /** Null: upstream assigns it. */
  readonly key: string | null;
  readonly sent: TextRow;
  /** What the columns that are sent were before. */
  readonly before: TextRow;
}

export const requestRowSchema: z.ZodType<RequestRow> = z.object({
  key: z.string().nullable(),
  sent: textRowSchema,
  before: textRowSchema,
});

/** A canonical row; null: upstream no longer has it. */
export interface CanonicalRow {
  readonly key: string;
  readonly row: TextRow | null;
  /** Those of its cells that are not known to be upstream's; undefined: none. */
  readonly marks?: CellMarks | undefined;
}

export const canonicalRowSchema: z.ZodType<CanonicalRow> = z.object({
  key: z.string(),
  row: textRowSchema.nullable(),
  marks: cellMarksSchema.optional(),
});

export interface Outcome {
  readonly state: Exclude<State, "intent" | "sent">;
  readonly rows: readonly CanonicalRow[];
  readonly status: number | null;
  /** Upstream's id of the exchange. */
  readonly request: CleanText | null;
  readonly sqlstate: string | null;
  /** Since when the rows are known to be so; left out: since now. */
  readonly at?: Moment;
}

/** Durable when it returns true. False: the mirror has been migrated since, or there is an entry of this id; nothing was noted. */
export async function noteIntent(pool: Pool, intent: Intent, state: "intent" | "sent"): Promise<boolean> {
  const request = await inSlices(writingUtf8Json(intent.request));
  const result = await queryLong(
    pool,
    `insert into throughline.journal (id, proxy, mirror, api, table_name, verb, keys, row_count, role, application,
       client_address, statement_hash, idempotency_key, request, state, sent_at, proxy_sent_at)
     select $1, $2, id, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, case when $15 = 'sent' then clock_timestamp() end, $17
       from throughline.mirror where id = $3 and revision = $16
     on conflict (id) do nothing`,
    [
      intent.call,
      intent.proxy,
      intent.mirror.id,
      intent.api,
      intent.table,
      intent.verb,
      intent.keys,
      intent.request.length,
      intent.role,
      intent.application,
      intent.clientAddress,
      intent.statementHash,
      intent.idempotencyKey,
      request,
      state,
      intent.mirror.revision,
      ownTimeOf(state),
    ],
  );
  return result.rowCount === 1;
}

/** Durable when it returns true. False: somebody else has decided what became of it. */
export async function noteProgress(pool: Pool, call: string, state: "intent" | "sent"): Promise<boolean> {
  const result = await pool.query(
    `update throughline.journal set state = $2, sent_at = case when $2 = 'sent' then clock_timestamp() end, proxy_sent_at = $4
     where id = $1 and closed_at is null and state = any($3)`,
    [call, state, before(state), ownTimeOf(state)],
  );
  return result.rowCount === 1;
}

/** When it is sent, by this machine's clock: one clock that was moved is told by the other. */
function ownTimeOf(state: "intent" | "sent"): Date | null {
  return state === "sent" ? new Date() : null;
}

/** Whether there is an entry, open or closed. */
export async function hasEntry(pool: Pool, call: string): Promise<boolean> {
  const { rowCount } = await pool.query("select from throughline.journal where id = $1", [call]);
  return rowCount !== 0;
}

/** Durable when it returns true; what changed nothing upstream is closed at once, and what had lapsed is open again. False: somebody else has decided. */
export async function noteOutcome(pool: Pool | PoolClient, call: string, outcome: Outcome): Promise<boolean> {
  const isClosed = isIdle(outcome.state);
  const rows = isClosed ? null : await inSlices(writingUtf8Json(outcome.rows));
  const result = await queryLong(
    pool,
    `update throughline.journal set state = $2, rows = $3, http_status = coalesce($4, http_status),
       request_id = coalesce($5, request_id), sqlstate = coalesce($6, sqlstate),
       keys = case when cardinality($7::text[]) > 0 then $7 else keys end,
       outcome_at = clock_timestamp(), outcome_moment = coalesce($10::bigint, nextval('throughline.moment')),
       closed_at = case when $8 then clock_timestamp() end, request = case when $8 then null else request end
     where id = $1 and (closed_at is null or state = 'lapsed') and state = any($9)`,
    [
      call,
      outcome.state,
      rows,
      outcome.status,
      outcome.request,
      outcome.sqlstate,
      outcome.rows.map(({ key }) => key),
      isClosed,
      before(outcome.state),
      outcome.at ?? null,
    ],
  );
  return result.rowCount === 1;
}

/** The same rows as upstream has them since `at`. */
export async function renewRows(
  client: PoolClient,
  call: string,
  rows: readonly CanonicalRow[],
  at: Moment,
): Promise<void> {
  await queryLong(
    client,
    `update throughline.journal set rows = $2, outcome_moment = $3
     where id = $1 and closed_at is null and outcome_moment <= $3::bigint`,
    [call, await inSlices(writingUtf8Json(rows)), at],
  );
}

const lookRow = z.object({ looks: z.number() });

/** What the call was to change was looked for, and is undone or absent. Returns how often by now; undefined: somebody else has decided. */
export async function noteLook(client: PoolClient, call: string): Promise<number | undefined> {
  const [row] = await queryRows(
    client,
    "how often a call was looked for",
    lookRow,
    `update throughline.journal set looks = looks + 1, looked_at = clock_timestamp(), quiet_moment = nextval('throughline.moment'),
       request = case when state = 'lapsed' and looks + 1 >= $2 then null else request end
     where id = $1 and (closed_at is null and state = 'unknown' or ${isLookedForAgainSql}) returning looks`,
    [call, lastLook],
  );
  return row?.looks;
}
