// What the journal forgets: entries that have been closed for longer than they are kept.

import type { Pool } from "pg";

/** Rows deleted at a time: each batch holds its locks, and its WAL, for a moment only. */
const batchRows = 1_000;

/** Returns how many entries were forgotten. */
export async function deleteOldEntries(pool: Pool, keepMs: number): Promise<number> {
  let entryCount = 0;
  for (;;) {
    const batch = await pool.query(
      `with old as (
         select id from throughline.journal where closed_at < clock_timestamp() - $1 * interval '1 millisecond' limit $2
       ), marks as (
         delete from throughline.applied where call in (select id from old)
       )
       delete from throughline.journal where id in (select id from old)`,
      [keepMs, batchRows],
    );
    entryCount += batch.rowCount ?? 0;
    if ((batch.rowCount ?? 0) < batchRows) return entryCount;
  }
}
