// The cells of a mirror that are not known to have upstream's value, and how many there are.

import type { Pool, PoolClient } from "pg";
import { z } from "zod";
import { queryRows } from "../postgres/rows.js";
import type { MirrorColumn } from "./column.js";
import { keySql } from "./key.js";

/** Names of a row's columns. `unfit`: the column can't hold what upstream has. `missing`: the last answer left it out. */
export interface CellMarks {
  readonly unfit: readonly string[];
  readonly missing: readonly string[];
}

export const cellMarksSchema: z.ZodType<CellMarks> = z.object({
  unfit: z.array(z.string()),
  missing: z.array(z.string()),
});

/** The cells of one column that are marked for one reason. */
export interface InexactColumn {
  readonly column: string;
  readonly why: keyof CellMarks;
  readonly rows: number;
  /** The key of one of the rows. */
  readonly key: string;
}

const inexactColumn = z.object({
  column: z.string(),
  why: z.enum(["unfit", "missing"]),
  rows: z.number(),
  key: z.string(),
});

/**
 * Brings the marks of a mirror to what its columns are now. Of a column that is new, no row has upstream's value until it is read again.
 */
export async function renewMarks(
  client: PoolClient,
  mirror: { readonly id: number; readonly key: readonly MirrorColumn[]; readonly columns: readonly MirrorColumn[] },
  target: string,
  newColumns: readonly string[],
): Promise<void> {
  const { id, key, columns } = mirror;
  const names = columns.map(({ name }) => name);
  await client.query(
    `update throughline.inexact set unfit = array(select n from unnest(unfit) n where n = any($2)),
       missing = array(select n from unnest(missing) n where n = any($2))
     where mirror = $1 and not (unfit || missing <@ $2)`,
    [id, names],
  );
  await client.query("delete from throughline.inexact where mirror = $1 and unfit || missing = '{}'", [id]);
  if (newColumns.length === 0) return;
  await client.query(
    `insert into throughline.inexact as i (mirror, key, unfit, missing) select $1, ${keySql(key, "t")}, '{}', $2 from ${target} t
     on conflict (mirror, key) do update set missing = i.missing || excluded.missing`,
    [id, newColumns],
  );
}

/** Returns what is marked in a mirror, by column. */
export function loadInexact(on: Pool | PoolClient, mirror: number): Promise<readonly InexactColumn[]> {
  return queryRows(
    on,
    "the inexact cells of a mirror",
    inexactColumn,
    `select m.name as column, m.why, count(*)::int as rows, min(i.key) as key
     from throughline.inexact i cross join lateral (
       select unnest(i.unfit) as name, 'unfit' as why union all select unnest(i.missing), 'missing') m
     where i.mirror = $1 group by m.name, m.why order by m.name, m.why`,
    [mirror],
  );
}
