// The readers of a mirror take turns: a pull, recovery, and whoever reads parked rows again.

import { DatabaseError, type PoolClient } from "pg";
import { z } from "zod";
import type { Lease } from "../postgres/connection.js";
import type { Moment } from "../postgres/moment.js";
import { queryRows } from "../postgres/rows.js";
import { inTransaction } from "../postgres/transaction.js";

/**
 * A reader's turn lasts from before it asks upstream until what it read is written or noted. So no answer is written after one that was asked
 * for later, and one moment tells which calls an answer may not have seen.
 */
export interface Turn {
  /** Drawn before anything is asked for. */
  readonly asked: Moment;
  /** The process id of the session that holds the turn. */
  readonly reader: number;
}

/** A process that stands still is not waited for: Postgres ends a session that asks nothing for so long, whose turn is over then. */
const longestMs = 600_000;

/** How long one waits who has other things to do. */
const soonMs = 500;

/**
 * Runs `read` in a turn, which the connection of `lease` holds: Postgres gives it to those who wait in the order in which they came. The turn
 * goes with the connection, and what is written in its name afterwards is refused (throughline.begin_page).
 */
export async function inTurn<T>(lease: Lease, mirror: number, read: (turn: Turn) => Promise<T>): Promise<T> {
  await takeTurn(lease.client, mirror);
  return duringTurn(lease, mirror, read);
}

/** Does what `inTurn` does, and returns "busy" without running `read` when another's turn lasts. */
export async function inTurnSoon<T>(
  lease: Lease,
  mirror: number,
  read: (turn: Turn) => Promise<T>,
): Promise<T | "busy"> {
  try {
    // The lock is the session's; the transaction around it is there for the time-out.
    await inTransaction(lease.client, async (client) => {
      await client.query("select set_config('lock_timeout', $1, true)", [`${soonMs}ms`]);
      await takeTurn(client, mirror);
    });
  } catch (cause) {
    if (isTurnTaken(cause)) return "busy";
    throw cause;
  }
  return duringTurn(lease, mirror, read);
}

/** Whether a lock time-out ended the wait for a turn. */
export function isTurnTaken(cause: unknown): boolean {
  return cause instanceof DatabaseError && cause.code === "55P03";
}

async function takeTurn(client: PoolClient, mirror: number): Promise<void> {
  const sql =
    "select pg_advisory_lock(hashtext('throughline turn'), $1), set_config('idle_session_timeout', $2, false)";
  await client.query(sql, [mirror, `${longestMs}ms`]);
}

const turnRow = z.object({ asked: z.string(), reader: z.number() });

async function duringTurn<T>(lease: Lease, mirror: number, read: (turn: Turn) => Promise<T>): Promise<T> {
  const { client } = lease;
  try {
    const sql = "select nextval('throughline.moment')::text as asked, pg_backend_pid() as reader";
    const [turn] = await queryRows(client, "the turn of a reader", turnRow, sql);
    if (!turn) throw new Error("no turn was returned");
    return await read(turn);
  } finally {
    const end =
      "select pg_advisory_unlock(hashtext('throughline turn'), $1), set_config('idle_session_timeout', '0', false)";
    await client.query(end, [mirror]).catch(() => lease.discard());
  }
}
