// Postgres sets no timer for a time-out while one is running that is due before, by a clock that may have been moved on since: until that one
// ends, which may be minutes, no wait for a lock ends, and no deadlock is found. Who works for everybody is helped from outside.

import type { Pool, PoolClient } from "pg";
import { z } from "zod";
import type { Lease } from "./connection.js";
import { OwnPool } from "./own-pool.js";
import { queryRows } from "./rows.js";

/** Longer than any time-out that a statement of ours has for a lock, in milliseconds. */
const lookMs = 10_000;

/** A page waits for the page before it, however long that takes. */
const lookSql = `select waitstart::text as "beganAt", case when waitstart::text = $2 then pg_cancel_backend(pid) end as "isEnded"
  from pg_locks where pid = $1 and not granted and locktype <> 'advisory'`;

const wait = z.object({ beganAt: z.string().nullable(), isEnded: z.boolean().nullable() });

/**
 * Does `work` on the connection. When it is seen twice, `lookMs` apart, in one and the same wait for a lock, its statement is cancelled, and the
 * connection used no more.
 */
export async function endingStuckWaits<T>(pool: Pool, lease: Lease, work: () => Promise<T>): Promise<T> {
  let beganAt: string | null = null;
  const look = async () => {
    // The pool's own connections may all be at such a wait.
    const own = pool instanceof OwnPool ? pool.another() : undefined;
    try {
      const values = [processOf(lease.client), beganAt];
      const [seen] = await queryRows(own ?? pool, "a wait for a lock", wait, lookSql, values);
      beganAt = seen?.beganAt ?? null;
      if (seen?.isEnded === true) lease.discard();
    } finally {
      await own?.close();
    }
  };
  let looking = Promise.resolve();
  const lookAgain = () => {
    // When Postgres can't be asked, the work hears of it as well.
    looking = look().catch(() => undefined);
  };
  const timer = setInterval(lookAgain, lookMs).unref();
  try {
    return await work();
  } finally {
    clearInterval(timer);
    await looking;
  }
}

/** The driver's types do not tell of it. */
function processOf(client: PoolClient): number | null {
  return "processID" in client && typeof client.processID === "number" ? client.processID : null;
}
