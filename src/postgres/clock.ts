// Postgres's clock: the one that all stamps of the journal and of the sync come from.

import type { Pool } from "pg";

/** The stamp of everything that is asked for after it. */
export async function serverTime(pool: Pool): Promise<string> {
  const now = await pool.query<{ at: string }>("select clock_timestamp()::text as at");
  return now.rows[0]?.at ?? "";
}
