// What is refused by the rows and values that would be sent. Pure: from the rows to an error, or none.

import type { Mirror, MirrorColumn } from "../mirror/column.js";
import type { SqlError } from "../postgres/error-catalogue.js";
import { readArray } from "../upstream/codec.js";
import type { ConnectorTable } from "../upstream/table.js";
import { tooManyRows } from "./errors/plan-errors.js";
import { missingValue, notAnOption, placeholderSent, tooLong, valueWithoutForm } from "./errors/value-errors.js";
import { holdsPlaceholder, type PlannedRow, type RowToSend } from "./plan.js";

/** `limit` is the most rows of one statement. The first row that breaks a rule of its column decides. */
export function refuseSent(
  mirror: Mirror,
  rows: readonly RowToSend[],
  limit: number,
  table: Pick<ConnectorTable, "takes">,
): SqlError | undefined {
  if (rows.length > limit) return tooManyRows(mirror, rows.length, limit);
  const plannedRows = rows.map((row) => row.plannedRow);
  for (const row of rows) {
    for (const column of mirror.columns) {
      const error = refuseValue(mirror, column, row, plannedRows, table);
      if (error) return error;
    }
  }
  return undefined;
}

function refuseValue(
  mirror: Mirror,
  column: MirrorColumn,
  { plannedRow, values }: RowToSend,
  all: readonly PlannedRow[],
  table: Pick<ConnectorTable, "takes">,
): SqlError | undefined {
  const value = values[column.name];
  if (value == null) {
    const isMissing = column.required && (plannedRow.verb === "insert" || value === null);
    return isMissing ? missingValue(mirror, column) : undefined;
  }
  if (holdsPlaceholder(mirror, all, value)) return placeholderSent(mirror, column);
  if (!table.takes(column, value)) return valueWithoutForm(mirror, column);
  if (column.max !== null && [...value].length > column.max) return tooLong(mirror, column);
  return refuseOption(mirror, column, value);
}

/** An empty text clears the column, and each element of an array is an option of its own. */
function refuseOption(mirror: Mirror, column: MirrorColumn, value: string): SqlError | undefined {
  const { options } = column;
  if (options === null || value === "") return undefined;
  const choices = column.type === "text[]" ? readArray(value) : [value];
  const isStrange = choices.some((one) => one !== null && !options.includes(one));
  return isStrange ? notAnOption(mirror, column, options) : undefined;
}
