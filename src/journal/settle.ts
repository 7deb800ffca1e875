// Settling: after the client's transaction has ended, its calls are either applied, or applied now, on our own connection.

import type { Pool, PoolClient } from "pg";
import { z } from "zod";
import { assertNever } from "../config/assert-never.js";
import { withClient } from "../postgres/connection.js";
import { rowRefusal } from "../postgres/row-refusal.js";
import { queryRows, queryTexts } from "../postgres/rows.js";
import { inTransaction } from "../postgres/transaction.js";

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

/** How long we wait for a lock: Postgres can't see a deadlock that leads through a held client. Who waits longer tries again. */
const lockTimeoutMs = 250;

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

/** Closes entries whose rows are applied: their values go, the rest stays. */
export async function closeEntries(pool: Pool | PoolClient, calls: readonly string[]): Promise<void> {
  if (calls.length === 0) return;
  await pool.query(
    `update throughline.journal set closed_at = clock_timestamp(), blocked = null, request = null, rows = null
     where id = any($1) and closed_at is null and state not in ('intent', 'sent', 'unknown')`,
    [calls],
  );
}

type Settlement = Omit<SettleResult, "call">;

async function settleOne(pool: Pool, call: string): Promise<Settlement> {
  return withClient(pool, async (client) => {
    try {
      return await inTransaction(
        client,
        () => apply(client, call),
        ({ state }) => state !== "waiting",
      );
    } catch (cause) {
      const refusal = rowRefusal(cause);
      if (refusal === undefined) throw cause;
      if (refusal === "wait") return { state: "waiting" };
      await client.query("update throughline.journal set blocked = $2 where id = $1", [call, refusal.sqlstate]);
      return { state: "blocked", refusal: `${refusal.sqlstate}: ${refusal.message}` };
    }
  });
}

const entryRow = z.object({
  mirror: z.number(),
  has_rows: z.boolean(),
  state: z.string(),
  outcome_at: z.string().nullable(),
});

type Entry = z.infer<typeof entryRow>;

/** The rows of an outcome, of any size, are read where they are. */
const rowsSql = "throughline.journal j, pg_catalog.json_array_elements(j.rows) r(body) where j.id = $1";

/** What was accepted after this call stands: first the locks, then, with a newer snapshot, the question what came later. */
async function applyCanonicalRows(client: PoolClient, call: string, { mirror, outcome_at }: Entry): Promise<void> {
  const keysSql = `array(select r.body ->> 'key' from ${rowsSql})`;
  await client.query(`select from throughline.lock_${mirror}(${keysSql}, true)`, [call]);
  const laterKeys = await queryTexts(
    client,
    "the keys that were written later",
    `select distinct unnest(keys) as key from throughline.journal
     where mirror = $1 and id <> $2 and outcome_at > $3 and state not in ('refused', 'unsent')`,
    [mirror, call, outcome_at],
  );
  const page = `(select coalesce(json_agg(r.body), '[]') from ${rowsSql} and r.body ->> 'key' <> all($2))`;
  // Its own entry is no later one.
  const since = "$3::timestamptz + interval '1 microsecond'";
  await client.query(`select throughline.apply_${mirror}(${page}, ${since})`, [call, laterKeys, outcome_at]);
}

/** In a transaction. The insert into applied is the mutex: it waits for a commit in flight, and yields no row when that won. */
async function apply(client: PoolClient, call: string): Promise<Settlement> {
  await client.query("select set_config('lock_timeout', $1, true)", [`${lockTimeoutMs}ms`]);
  const mine = await client.query("insert into throughline.applied (call) values ($1) on conflict do nothing", [call]);
  if (mine.rowCount === 0) return { state: "applied" };
  const [entry] = await queryRows(
    client,
    "a journal entry that is settled",
    entryRow,
    `select mirror, rows is not null as has_rows, state, outcome_at::text
     from throughline.journal where id = $1 and closed_at is null for update`,
    [call],
  );
  if (entry && !entry.has_rows) return { state: "waiting" };
  if (entry) await applyCanonicalRows(client, call, entry);
  const open = entry?.state === "unknown";
  if (open) {
    await client.query("delete from throughline.applied where call = $1", [call]);
    // They are applied once: what comes later is newer.
    await client.query("update throughline.journal set rows = '[]' where id = $1", [call]);
  }
  return { state: open ? "unknown" : "repaired" };
}
