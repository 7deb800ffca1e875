// Postgres's clock: the one that all stamps of the journal and of the sync come from.

import type { Pool, PoolClient } from "pg";
import { queryTexts } from "./rows.js";

/** The stamp of everything that is asked for after it, as Postgres writes a timestamptz. */
export async function serverTime(on: Pool | PoolClient): Promise<string> {
  const [at = ""] = await queryTexts(on, "Postgres's clock", "select clock_timestamp()::text");
  return at;
}
