// Writes one page of upstream's rows into a mirror, behind the fence: a page never overwrites a later accepted write.

import type { Pool } from "pg";
import { inSlices } from "../config/slices.js";
import type { CanonicalRow } from "../journal/journal.js";
import { writingUtf8Json } from "../manifest/lossless-json.js";
import type { Mirror } from "../mirror/column.js";
import { withConfined } from "../postgres/confined.js";
import { queryLong } from "../postgres/long-query.js";

export interface PageToApply {
  readonly mirror: Mirror;
  /** Postgres's clock before the page was asked for. */
  readonly askedAt: string;
  readonly rows: readonly CanonicalRow[];
  /** The process id of the session that holds the lock of the pull; undefined: it is no pull's page. */
  readonly puller?: number;
  /** Stored with the rows it covers; undefined: no checkpoint. */
  readonly checkpoint?: Checkpoint | null;
}

/** Where a pull goes on, and when it began, by Postgres's clock. */
export interface Checkpoint {
  readonly cursor: string;
  readonly from: string;
}

/** Writes the page in one transaction. Returns the keys that the fence kept out, or that Postgres refused: they are parked, and have to be read again. */
export async function applyPage(pool: Pool, page: PageToApply): Promise<readonly string[]> {
  const { mirror, askedAt, puller = null, checkpoint } = page;
  const rows = await inSlices(writingUtf8Json(page.rows));
  const mark = checkpoint == null ? null : JSON.stringify(checkpoint);
  return withConfined(pool, async (client) => {
    const { rows: parked } = await queryLong(client, "select throughline.sync_page($1, $2, $3, $4, $5, $6) as key", [
      mirror.id,
      rows,
      askedAt,
      puller,
      checkpoint !== undefined,
      mark,
    ]);
    return parked.map(({ key }) => String(key));
  });
}
