// Settling: after the client's transaction has ended, its calls are either applied, or applied now, on our own connection.

import type { Pool, PoolClient } from "pg";
import { z } from "zod";
import { assertNever } from "../config/assert-never.js";
import { cleanText, textLimits } from "../config/clean-text.js";
import { withConfined } from "../postgres/confined.js";
import { queryRows, queryTexts } from "../postgres/rows.js";
import { lastLook } from "./evidence.js";
import type { State } from "./states.js";

export interface SettleResult {
  readonly call: string;
  /**
   * `applied`: the client's transaction applied the rows. `repaired`: we applied them just now. `waiting`: another session holds a lock, or
   * the outcome is yet to be noted. `blocked`: a constraint or a trigger of the user's refuses the rows. `unknown`: what upstream is known to
   * have accepted is applied, the rest is not known, and the entry stays open.
   */
  readonly state: "applied" | "repaired" | "waiting" | "blocked" | "unknown";
  /** What Postgres said when it blocked the rows. */
  readonly refusal?: string;
}

/** Whether the mirror has the rows of the call, so that its entry can be closed. */
export function isInMirror({ state }: Pick<SettleResult, "state">): boolean {
  switch (state) {
    case "applied":
    case "repaired":
      return true;
    case "waiting":
    case "blocked":
    case "unknown":
      return false;
    default:
      return assertNever(state);
  }
}

/** Looks for each call, and applies the canonical rows of those that were undone. */
export async function settle(pool: Pool, calls: readonly string[]): Promise<SettleResult[]> {
  if (calls.length === 0) return [];
  const sql = "select call from throughline.applied where call = any($1)";
  const appliedCalls = new Set(await queryTexts(pool, "the calls that are applied", sql, [calls]));
  const results: SettleResult[] = [];
  for (const call of calls) {
    results.push(appliedCalls.has(call) ? { call, state: "applied" } : { call, ...(await settleOne(pool, call)) });
  }
  return results;
}

/** Those of `transactions` that have committed or rolled back. */
export async function endedTransactions(pool: Pool, transactions: readonly string[]): Promise<ReadonlySet<string>> {
  const transactionIds = await queryTexts(
    pool,
    "the transactions that have ended",
    "select id from unnest($1::text[]) id where pg_xact_status(id::xid8) is distinct from 'in progress'",
    [[...new Set(transactions)]],
  );
  return new Set(transactionIds);
}

/**
 * Closes entries whose rows are applied: their values go, the rest stays. What has lapsed is looked for once more, by its values. `state`: what
 * they were when they were settled; one that is something else by now stays open.
 */
export async function closeEntries(pool: Pool | PoolClient, calls: readonly string[], state?: State): Promise<void> {
  if (calls.length === 0) return;
  await pool.query(
    `update throughline.journal set closed_at = clock_timestamp(), blocked = null, rows = null,
       request = case when state = 'lapsed' and looks < $2 then request end
     where id = any($1) and closed_at is null and state not in ('intent', 'sent', 'unknown') and state = coalesce($3, state)`,
    [calls, lastLook, state ?? null],
  );
}

type Settlement = Omit<SettleResult, "call">;

const settlementRow = z.object({
  state: z.enum(["applied", "repaired", "waiting", "blocked", "unknown"]),
  code: z.string().nullable(),
  message: z.string().nullable(),
});

async function settleOne(pool: Pool, call: string): Promise<Settlement> {
  const [row] = await withConfined(pool, (client) =>
    queryRows(client, "what became of a call", settlementRow, "select * from throughline.settle($1)", [call]),
  );
  if (!row) throw new Error("settling returned no row");
  const { state, code, message } = row;
  return code === null ? { state } : { state, refusal: `${code}: ${cleanText(message ?? "", textLimits.sentence)}` };
}
