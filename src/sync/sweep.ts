// What a copy of everything has not met: rows that upstream may have deleted. Each is asked for by its key before it goes.

import type { Pool } from "pg";
import type { Mirror } from "../mirror/column.js";
import { keySql } from "../mirror/key.js";
import { serverTime } from "../postgres/clock.js";
import { quoteName } from "../postgres/quote.js";
import type { ConnectorTable } from "../upstream/table.js";
import { applyPage } from "./page.js";

/** How many keys are asked for at a time. */
const portion = 1_000;

/** The keys of the mirror's rows that are not among these. */
export async function unseenKeys(
  pool: Pool,
  { key, schema, table }: Mirror,
  seen: ReadonlySet<string>,
): Promise<{ readonly unseen: readonly string[]; readonly all: number }> {
  const found = await pool.query<{ key: string }>(
    `select ${keySql(key, "t")} as key from ${quoteName(schema)}.${quoteName(table)} t`,
  );
  return { unseen: found.rows.flatMap((row) => (seen.has(row.key) ? [] : [row.key])), all: found.rows.length };
}

/** Reads these records again; a key that upstream no longer has is gone here as well. Returns how many those are. */
export async function refreshRows(
  pool: Pool,
  mirror: Mirror,
  table: ConnectorTable,
  keys: readonly string[],
): Promise<number> {
  let gone = 0;
  for (let at = 0; at < keys.length; at += portion) {
    const asked = keys.slice(at, at + portion);
    const askedAt = await serverTime(pool);
    const records = new Map((await table.get(mirror.columns, asked)).map((record) => [record.key, record]));
    const rows = asked.map((key) => records.get(key) ?? { key, row: null });
    await applyPage(pool, { mirror, askedAt, rows });
    gone += asked.length - records.size;
  }
  return gone;
}
