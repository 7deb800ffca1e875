// The rows of a mirror that a whole copy did not list: upstream may have deleted them. Each is asked for by its key before it goes.

import type { Pool, PoolClient } from "pg";
import type { Mirror } from "../mirror/column.js";
import { keySql } from "../mirror/key.js";
import { inTurn } from "../mirror/turn.js";
import type { Lease } from "../postgres/connection.js";
import { quoteName } from "../postgres/quote.js";
import { queryTexts } from "../postgres/rows.js";
import type { ConnectorTable } from "../upstream/table.js";
import { applyPage, type PageToApply } from "./page.js";

/** What reads a mirror's records and writes them. */
export interface Reader {
  /** Connections for its pages: none of them waits for one that holds a lock of another reader's. */
  readonly pool: Pool;
  /** The connection that holds its turns. No code of others runs on it. */
  readonly lease: Lease;
}

/** How many keys are asked for at a time. */
const portion = 1_000;

/** Returns the keys of the mirror's rows that are not among `listedKeys`, and how many rows the mirror has. */
export async function findUnlistedKeys(
  client: PoolClient,
  { key, schema, table }: Mirror,
  listedKeys: ReadonlySet<string>,
): Promise<{ readonly unlistedKeys: readonly string[]; readonly all: number }> {
  const keys = await queryTexts(
    client,
    "the keys of a mirror",
    `select ${keySql(key, "t")} from ${quoteName(schema)}.${quoteName(table)} t`,
  );
  return { unlistedKeys: keys.filter((one) => !listedKeys.has(one)), all: keys.length };
}

/** Reads these records again; a key that upstream no longer has is gone here as well. Returns how many those are. */
export async function refreshRows(
  { pool, lease }: Reader,
  mirror: Mirror,
  table: ConnectorTable,
  keys: readonly string[],
  { givesWay = false }: Pick<PageToApply, "givesWay"> = {},
): Promise<number> {
  let deletedCount = 0;
  for (let at = 0; at < keys.length; at += portion) {
    const batch = keys.slice(at, at + portion);
    await inTurn(lease, mirror.id, async (turn) => {
      const answer = await lease.unlessLost(table.get(mirror.columns, batch, { signal: lease.lossSignal }));
      const found = new Set(answer.map(({ key }) => key));
      const gone = batch.filter((key) => !found.has(key)).map((key) => ({ key, row: null }));
      // An answer may tell of more than was asked for: all of a list, or the record that another was merged into.
      await applyPage(pool, { mirror, turn, rows: [...answer, ...gone], givesWay });
      deletedCount += gone.length;
    });
  }
  return deletedCount;
}
