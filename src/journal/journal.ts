// The journal, on our own connections: an upstream call is noted before it is made and closed when its rows are applied.

import type { Pool } from "pg";
import type { TextRow } from "../mirror/column.js";

export interface Intent {
  readonly call: string;
  readonly proxy: string;
  readonly mirror: { readonly id: number; readonly revision: number };
  readonly api: string;
  readonly table: string;
  readonly verb: "insert" | "update" | "delete";
  readonly keys: readonly string[];
  readonly rowCount: number;
  readonly role: string;
  readonly application: string;
  readonly clientAddress: string;
  readonly statementHash: string;
  /** What is sent: kept only while the entry is open. */
  readonly request: readonly { readonly key: string | null; readonly sent: TextRow }[];
}

/** A canonical row; null: upstream no longer has it. */
export interface CanonicalRow {
  readonly key: string;
  readonly row: TextRow | null;
}

export interface Outcome {
  readonly state: "accepted" | "partial" | "absent" | "refused" | "unsent" | "unknown";
  readonly rows: readonly CanonicalRow[];
  readonly status: number | null;
  readonly request: string | null;
  readonly sqlstate: string | null;
}

/** Durable when it returns true. False: the mirror has been migrated since, and nothing was noted. */
export async function noteIntent(pool: Pool, intent: Intent): Promise<boolean> {
  const noted = await pool.query(
    `insert into throughline.journal (id, proxy, mirror, api, table_name, verb, keys, row_count, role, application,
       client_address, statement_hash, request)
     select $1, $2, id, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13 from throughline.mirror where id = $3 and revision = $14`,
    [
      intent.call,
      intent.proxy,
      intent.mirror.id,
      intent.api,
      intent.table,
      intent.verb,
      intent.keys,
      intent.rowCount,
      intent.role,
      intent.application,
      intent.clientAddress,
      intent.statementHash,
      JSON.stringify(intent.request),
      intent.mirror.revision,
    ],
  );
  return noted.rowCount === 1;
}

/** Durable when it returns. What changed nothing upstream is closed at once. */
export async function noteOutcome(pool: Pool, call: string, outcome: Outcome): Promise<void> {
  const closed = outcome.state === "refused" || outcome.state === "unsent";
  await pool.query(
    `update throughline.journal set state = $2, rows = $3, http_status = $4, request_id = $5, sqlstate = $6,
       keys = case when cardinality($7::text[]) > 0 then $7 else keys end, outcome_at = clock_timestamp(),
       closed_at = case when $8 then clock_timestamp() end, request = case when $8 then null else request end
     where id = $1`,
    [
      call,
      outcome.state,
      closed ? null : JSON.stringify(outcome.rows),
      outcome.status,
      outcome.request,
      outcome.sqlstate,
      outcome.rows.map(({ key }) => key),
      closed,
    ],
  );
}
