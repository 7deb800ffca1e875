// What is refused because a cell does not have upstream's value: a value that was computed from it would take upstream's away. Pure.

import { memberOf } from "../config/member.js";
import type { Slices } from "../config/slices.js";
import type { Mirror, MirrorColumn } from "../mirror/column.js";
import type { SqlError } from "../postgres/error-catalogue.js";
import { keepsInexactKeys } from "../upstream/merge.js";
import { missingCell, unfitCell } from "./errors/value-errors.js";
import type { RowToSend } from "./plan.js";

/** Returns the error of the first row that would send such a cell, or none. `constants`: columns that get a value in which no column has a part. */
export function* refuseInexact(
  mirror: Mirror,
  rows: readonly RowToSend[],
  constants: readonly string[],
): Slices<SqlError | undefined> {
  for (const row of rows) {
    yield;
    if (row.marks === undefined) continue;
    for (const column of mirror.columns) {
      const error = constants.includes(column.name) ? undefined : yield* refuseCell(mirror, column, row);
      if (error) return error;
    }
  }
  return undefined;
}

function* refuseCell(mirror: Mirror, column: MirrorColumn, row: RowToSend): Slices<SqlError | undefined> {
  const { marks, values, plannedRow } = row;
  const value = memberOf(values, column.name);
  const key = row.key ?? "";
  if (value === undefined) return undefined;
  if (marks?.missing.includes(column.name)) return missingCell(mirror, column, key);
  if (!marks?.unfit.includes(column.name)) return undefined;
  const before = memberOf(plannedRow.before, column.name) ?? null;
  if (column.merge && value !== null && (yield* keepsInexactKeys(value, before))) return undefined;
  return unfitCell(mirror, column, key);
}
