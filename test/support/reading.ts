// A reader of a mirror, as a pull is one.

import type { Pool } from "pg";
import type { Mirror } from "../../src/mirror/column.js";
import { inTurn, inTurnSoon, type Turn } from "../../src/mirror/turn.js";
import { withLease } from "../../src/postgres/connection.js";
import { applyPage } from "../../src/sync/page.js";
import type { MirroredTable } from "../../src/upstream/mirrored-table.js";

/** Runs `read` in a reader's turn. */
export function inReadersTurn<T>(pool: Pool, { id }: Mirror, read: (turn: Turn) => Promise<T>): Promise<T> {
  return withLease(pool, (lease) => inTurn(lease, id, read));
}

/** A reader that has asked, and has not written yet. */
export interface AskedPage {
  /** Ends its turn, and writes the page before if it is wanted. */
  end(how: "write it" | "drop it"): Promise<void>;
}

/** Asks for the first page of a mirror. Returns undefined when another reader has its turn. */
export function askForPage(pool: Pool, { mirror, table }: MirroredTable): Promise<AskedPage | undefined> {
  return new Promise((resolve, reject) => {
    const read = async (turn: Turn) => {
      const page = await table.list(mirror.columns, null);
      const how = await new Promise<"write it" | "drop it">((end) => {
        resolve({
          end: async (way) => {
            end(way);
            await reading;
          },
        });
      });
      if (how === "write it") await applyPage(pool, { mirror, turn, rows: page.records });
    };
    const reading = withLease(pool, (lease) => inTurnSoon(lease, mirror.id, read));
    reading.then((end) => end === "busy" && resolve(undefined), reject);
  });
}
