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

/** How long we wait for a lock while a client is held. Postgres can't see a deadlock that leads through us. */
export const heldLockTimeoutMs = 250;
/** How long when nobody waits for us. */
export const freeLockTimeoutMs = 10_000;

/** Looks for each call, and applies the canonical rows of those that were undone. */
export async function settle(pool: Pool, calls: readonly string[], lockTimeoutMs: number): Promise<Settled[]> {
  if (calls.length === 0) return [];
  const found = await pool.query<{ call: string }>("select call from throughline.applied where call = any($1)", [
    calls,
  ]);
  const applied = new Set(found.rows.map(({ call }) => call));
  const settled: Settled[] = [];
  for (const call of calls) {
    settled.push({ call, state: applied.has(call) ? "applied" : await settleOne(pool, call, lockTimeoutMs) });
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

async function settleOne(pool: Pool, call: string, lockTimeoutMs: number): Promise<Settled["state"]> {
  const client = await pool.connect();
  try {
    return await apply(client, call, lockTimeoutMs);
  } finally {
    client.release();
  }
}

/** The insert into applied is the mutex: it waits for a commit in flight, and yields no row when that won. */
async function apply(client: PoolClient, call: string, lockTimeoutMs: number): Promise<Settled["state"]> {
  try {
    await client.query("begin");
    await client.query("select set_config('lock_timeout', $1, true)", [`${lockTimeoutMs}ms`]);
    const mine = await client.query("insert into throughline.applied (call) values ($1) on conflict do nothing", [
      call,
    ]);
    if (mine.rowCount === 0) {
      await client.query("rollback");
      return "applied";
    }
    const entry = await client.query<{ mirror: number; rows: unknown; state: string }>(
      "select mirror, rows, state from throughline.journal where id = $1 and rows is not null for update",
      [call],
    );
    const [found] = entry.rows;
    if (found) await client.query(`select throughline.apply_${found.mirror}($1)`, [JSON.stringify(found.rows)]);
    const open = found?.state === "unknown";
    if (open) await client.query("delete from throughline.applied where call = $1", [call]);
    await client.query("commit");
    return open ? "unknown" : "repaired";
  } catch (cause) {
    await client.query("rollback");
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
    if (code === "55P03") return "waiting";
    if (!code.startsWith("22") && !code.startsWith("23")) throw cause;
    await client.query("update throughline.journal set state = 'blocked', sqlstate = $2 where id = $1", [call, code]);
    return "blocked";
  }
}
