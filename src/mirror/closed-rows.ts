// The rows of a mirror that Postgres refuses, each closed by itself: no statement can change one until it has been read again.

import type { Pool, PoolClient } from "pg";
import { z } from "zod";
import { cleanText, textLimits } from "../config/clean-text.js";
import { queryRows } from "../postgres/rows.js";

const closedRow = z.object({
  mirror: z.number(),
  key: z.string().transform((key) => cleanText(key, textLimits.word)),
  sqlstate: z.string(),
  /** The columns that the refusal is about, where that is known. */
  columns: z.string().nullable(),
  /** What Postgres said. */
  reason: z
    .string()
    .nullable()
    .transform((reason) => cleanText(reason ?? "", textLimits.sentence)),
});

export type ClosedRow = Readonly<z.output<typeof closedRow>>;

/** Returns the rows of all mirrors, or of one, that are closed, at most so many of each; `count` in each is how many its mirror has. */
export async function loadClosedRows(
  pool: Pool | PoolClient,
  most: number,
  mirror?: number,
): Promise<readonly (ClosedRow & { readonly count: number })[]> {
  return queryRows(
    pool,
    "the closed rows of the mirrors",
    closedRow.extend({ count: z.number() }),
    `select mirror, key, sqlstate, column_names as columns, reason, count from (
       select p.*, count(*) over (partition by mirror)::int as count, row_number() over (partition by mirror order by key) as n
       from throughline.parked p where sqlstate is not null and ($2::integer is null or mirror = $2)) p
     where n <= $1 order by mirror, key`,
    [most, mirror ?? null],
  );
}

/** Returns why a row is closed, in words: `bio: index row size 4000 exceeds … (54000)`. */
export function whyClosed({
  sqlstate,
  columns,
  reason,
}: Pick<ClosedRow, "sqlstate" | "columns"> & { readonly reason: string }): string {
  const about = columns === null ? "" : `${columns}: `;
  return `${about}${reason === "" ? "Postgres refuses it" : reason} (${sqlstate})`;
}
