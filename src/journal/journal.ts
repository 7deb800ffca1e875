// The journal, on our own connections: an upstream call is noted before it is made and closed when its rows are applied.

import type { Pool, PoolClient } from "pg";
import { z } from "zod";
import type { CleanText } from "../config/clean-text.js";
import { inSlices } from "../config/slices.js";
import { writingUtf8Json } from "../manifest/lossless-json.js";
import { type TextRow, textRowSchema } from "../mirror/column.js";
import { queryLong } from "../postgres/long-query.js";
import type { Verb } from "../upstream/table.js";
import { before, isIdle, type State } from "./states.js";

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
  /** What is sent: kept only while the entry is open. */
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
}

export const canonicalRowSchema: z.ZodType<CanonicalRow> = z.object({ key: z.string(), row: textRowSchema.nullable() });

export interface Outcome {
  readonly state: Exclude<State, "intent" | "sent">;
  readonly rows: readonly CanonicalRow[];
  readonly status: number | null;
  /** Upstream's id of the exchange. */
  readonly request: CleanText | null;
  readonly sqlstate: string | null;
  /** Since when the rows are known to be so, by Postgres's clock; left out: now. */
  readonly at?: string;
}

/** Durable when it returns true. False: the mirror has been migrated since, or there is an entry of this id; nothing was noted. */
export async function noteIntent(pool: Pool, intent: Intent, state: "intent" | "sent"): Promise<boolean> {
  const request = await inSlices(writingUtf8Json(intent.request));
  const result = await queryLong(
    pool,
    `insert into throughline.journal (id, proxy, mirror, api, table_name, verb, keys, row_count, role, application,
       client_address, statement_hash, idempotency_key, request, state, sent_at)
     select $1, $2, id, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, case when $15 = 'sent' then clock_timestamp() end
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
    ],
  );
  return result.rowCount === 1;
}

/** Durable when it returns true. False: somebody else has decided what became of it. */
export async function noteProgress(pool: Pool, call: string, state: "intent" | "sent"): Promise<boolean> {
  const result = await pool.query(
    `update throughline.journal set state = $2, sent_at = case when $2 = 'sent' then clock_timestamp() end
     where id = $1 and closed_at is null and state = any($3)`,
    [call, state, before(state)],
  );
  return result.rowCount === 1;
}

/** Whether there is an entry, open or closed. */
export async function hasEntry(pool: Pool, call: string): Promise<boolean> {
  const { rowCount } = await pool.query("select from throughline.journal where id = $1", [call]);
  return rowCount !== 0;
}

/** Durable when it returns true; what changed nothing upstream is closed at once. False: somebody else has decided. */
export async function noteOutcome(pool: Pool | PoolClient, call: string, outcome: Outcome): Promise<boolean> {
  const isClosed = isIdle(outcome.state);
  const rows = isClosed ? null : await inSlices(writingUtf8Json(outcome.rows));
  const result = await queryLong(
    pool,
    `update throughline.journal set state = $2, rows = $3, http_status = coalesce($4, http_status),
       request_id = coalesce($5, request_id), sqlstate = coalesce($6, sqlstate),
       keys = case when cardinality($7::text[]) > 0 then $7 else keys end,
       outcome_at = coalesce($10::timestamptz, clock_timestamp()),
       closed_at = case when $8 then clock_timestamp() end, request = case when $8 then null else request end
     where id = $1 and closed_at is null and state = any($9)`,
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
  pool: Pool | PoolClient,
  call: string,
  rows: readonly CanonicalRow[],
  at: string,
): Promise<void> {
  await queryLong(
    pool,
    `update throughline.journal set rows = $2, outcome_at = $3
     where id = $1 and closed_at is null and outcome_at <= $3`,
    [call, await inSlices(writingUtf8Json(rows)), at],
  );
}
