// What is refused by the rows and values that would be sent. Pure: from the rows to an error, or none.

import { memberOf } from "../config/member.js";
import type { Slices } from "../config/slices.js";
import type { Mirror, MirrorColumn } from "../mirror/column.js";
import { mentionsPlaceholder } from "../mirror/placeholder.js";
import type { SqlError } from "../postgres/error-catalogue.js";
import { readArray } from "../upstream/array-text.js";
import type { ConnectorTable } from "../upstream/table.js";
import { tooManyRows } from "./errors/plan-errors.js";
import {
  missingValue,
  notAnOption,
  placeholderSent,
  tooLong,
  unclearable,
  valueWithoutForm,
} from "./errors/value-errors.js";
import { placeholderNumbers, type RowToSend } from "./plan.js";

/** Returns the error of the first row that breaks a rule of its column, or none. `limit` is the most rows of one statement. */
export function* refuseSent(
  mirror: Mirror,
  rows: readonly RowToSend[],
  limit: number,
  table: Pick<ConnectorTable, "takes" | "clears">,
): Slices<SqlError | undefined> {
  if (rows.length > limit) return tooManyRows(mirror, rows.length, limit);
  const numbers = placeholderNumbers(
    mirror,
    rows.map((row) => row.plannedRow),
  );
  for (const row of rows) {
    for (const column of mirror.columns) {
      yield;
      const error = yield* refuseValue(mirror, column, row, numbers, table);
      if (error) return error;
    }
  }
  return undefined;
}

function* refuseValue(
  mirror: Mirror,
  column: MirrorColumn,
  { plannedRow, values }: RowToSend,
  numbers: ReadonlySet<string>,
  table: Pick<ConnectorTable, "takes" | "clears">,
): Slices<SqlError | undefined> {
  const value = memberOf(values, column.name);
  if (value == null) {
    const isMissing = column.required && (plannedRow.verb === "insert" || value === null);
    if (isMissing) return missingValue(mirror, column);
    return value === null && isKept(column, plannedRow) ? unclearable(mirror, column) : undefined;
  }
  if (mentionsPlaceholder(value) || numbers.has(value)) return placeholderSent(mirror, column);
  if (!(yield* table.takes(column, value))) return valueWithoutForm(mirror, column);
  if (isKept(column, plannedRow) && table.clears(value)) return unclearable(mirror, column);
  if (column.max !== null && isLonger(value, column.max)) return tooLong(mirror, column);
  return refuseOption(mirror, column, value);
}

/** Upstream can't clear what the column has. */
function isKept({ clear, name }: MirrorColumn, { before }: RowToSend["plannedRow"]): boolean {
  return clear === "never" && memberOf(before, name) != null;
}

/** Returns whether a text has more than `max` characters, of which one takes up to two places. */
function isLonger(text: string, max: number): boolean {
  return text.length > max && (text.length > 2 * max || [...text].length > max);
}

/** An empty text clears the column, and each element of an array is an option of its own. */
function refuseOption(mirror: Mirror, column: MirrorColumn, value: string): SqlError | undefined {
  const { options } = column;
  if (options === null || value === "") return undefined;
  const choices = column.type === "text[]" ? readArray(value) : [value];
  const isStrange = choices.some((one) => one !== null && !options.includes(one));
  return isStrange ? notAnOption(mirror, column, options) : undefined;
}
