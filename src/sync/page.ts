// Writes one page of upstream's rows into a mirror, behind the fence: a page never overwrites a later accepted write.

import type { Pool } from "pg";
import { inSlices } from "../config/slices.js";
import type { CanonicalRow } from "../journal/journal.js";
import { writingUtf8Json } from "../manifest/lossless-json.js";
import type { Mirror } from "../mirror/column.js";
import type { Turn } from "../mirror/turn.js";
import { withConfined } from "../postgres/confined.js";
import { queryLong } from "../postgres/long-query.js";
import type { Moment } from "../postgres/moment.js";

export interface PageToApply {
  readonly mirror: Mirror;
  /** The turn in which the page was read, and which lasts. */
  readonly turn: Turn;
  readonly rows: readonly CanonicalRow[];
  /** A row whose unique value another one holds is parked; otherwise it takes the value. */
  readonly givesWay?: boolean;
  /** Stored with the rows it covers; undefined: no checkpoint. */
  readonly checkpoint?: Checkpoint | null;
}

/** Where a pull goes on, and when it began. */
export interface Checkpoint {
  readonly cursor: string;
  readonly from: Moment;
}

/** Writes the page in one transaction. Returns the keys that are parked: the fence kept them out, or Postgres refused them. */
export async function applyPage(pool: Pool, page: PageToApply): Promise<readonly string[]> {
  const { mirror, turn, givesWay = false, checkpoint } = page;
  const rows = await inSlices(writingUtf8Json(page.rows));
  const mark = checkpoint == null ? null : JSON.stringify(checkpoint);
  return withConfined(pool, async (client) => {
    const { rows: parked } = await queryLong(
      client,
      "select throughline.sync_page($1, $2, $3, $4, $5, $6, $7) as key",
      [mirror.id, rows, turn.asked, turn.reader, givesWay, checkpoint !== undefined, mark],
    );
    return parked.map(({ key }) => String(key));
  });
}
