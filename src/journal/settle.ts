// Settling: after the client's transaction has ended, its calls are either applied, or applied now, on our own connection.

import type { Pool, PoolClient } from "pg";

export interface Settled {
  readonly call: string;
  /**
   * `applied`: by the client's transaction. `repaired`: by us, just now. `waiting`: somebody holds a lock.
   * `blocked`: a constraint refuses the rows. `unknown`: what upstream did accept is applied, the rest nobody knows, and the entry stays open.
   */
  readonly state: "applied" | "repaired" | "waiting" | "blocked" | "unknown";
}

/** How long we wait for a lock: Postgres can't see a deadlock that leads through a held client. Who waits longer tries again. */
const lockTimeoutMs = 250;

/** Looks for each call, and applies the canonical rows of those that were undone. */
export async function settle(pool: Pool, calls: readonly string[]): Promise<Settled[]> {
  if (calls.length === 0) return [];
  const found = await pool.query<{ call: string }>("select call from throughline.applied where call = any($1)", [
    calls,
  ]);
  const applied = new Set(found.rows.map(({ call }) => call));
  const settled: Settled[] = [];
  for (const call of calls) {
    settled.push({ call, state: applied.has(call) ? "applied" : await settleOne(pool, call) });
  }
  return settled;
}

/** Closes entries whose rows are applied: their values go, the rest stays. */
export async function closeEntries(pool: Pool, calls: readonly string[]): Promise<void> {
  if (calls.length === 0) return;
  await pool.query(
    "update throughline.journal set closed_at = clock_timestamp(), request = null, rows = null where id = any($1) and closed_at is null",
    [calls],
  );
}

async function settleOne(pool: Pool, call: string): Promise<Settled["state"]> {
  const client = await pool.connect();
  try {
    return await apply(client, call);
  } finally {
    client.release();
  }
}

interface Entry {
  readonly mirror: number;
  readonly rows: readonly { readonly key: string }[];
  readonly state: string;
  readonly outcome_at: string;
}

/** What was accepted after this call stands: first the locks, then, with a newer snapshot, the question what came later. */
async function applyRows(client: PoolClient, call: string, { mirror, rows, outcome_at }: Entry): Promise<void> {
  const keys = rows.map(({ key }) => key);
  await client.query(`select from throughline.lock_${mirror}($1, true)`, [keys]);
  const later = await client.query<{ key: string }>(
    `select distinct unnest(keys) as key from throughline.journal
     where mirror = $1 and id <> $2 and outcome_at > $3 and state not in ('refused', 'unsent')`,
    [mirror, call, outcome_at],
  );
  const overtaken = new Set(later.rows.map(({ key }) => key));
  const page = rows.filter(({ key }) => !overtaken.has(key));
  await client.query(`select throughline.apply_${mirror}($1)`, [JSON.stringify(page)]);
}

/** The insert into applied is the mutex: it waits for a commit in flight, and yields no row when that won. */
async function apply(client: PoolClient, call: string): Promise<Settled["state"]> {
  try {
    await client.query("begin isolation level read committed");
    await client.query("select set_config('lock_timeout', $1, true)", [`${lockTimeoutMs}ms`]);
    const mine = await client.query("insert into throughline.applied (call) values ($1) on conflict do nothing", [
      call,
    ]);
    if (mine.rowCount === 0) {
      await client.query("rollback");
      return "applied";
    }
    const entry = await client.query<Entry>(
      "select mirror, rows, state, outcome_at::text from throughline.journal where id = $1 and rows is not null for update",
      [call],
    );
    const [found] = entry.rows;
    if (found) await applyRows(client, call, found);
    const open = found?.state === "unknown";
    if (open) await client.query("delete from throughline.applied where call = $1", [call]);
    await client.query("commit");
    return open ? "unknown" : "repaired";
  } catch (cause) {
    await client.query("rollback");
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
    // A lock, a deadlock, or a snapshot that somebody overtook: later it will do.
    if (code === "55P03" || code.startsWith("40")) return "waiting";
    if (!code.startsWith("22") && !code.startsWith("23")) throw cause;
    await client.query("update throughline.journal set state = 'blocked', sqlstate = $2 where id = $1", [call, code]);
    return "blocked";
  }
}
