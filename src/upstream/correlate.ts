// Finds for each row of a write what the answer says of it.

import { assertNever } from "../config/assert-never.js";
import type { Call } from "../manifest/call-schema.js";
import type { ErrorAddresses } from "../manifest/error-schema.js";
import type { CheckedHooks } from "../manifest/hooks.js";
import { lookUp, textAt } from "../manifest/pointer.js";
import type { MirrorColumn } from "../mirror/column.js";
import { sameValue } from "./codec.js";
import { type ColumnOf, readError } from "./errors.js";
import type { Answer } from "./exchange.js";
import type { UpstreamRecord } from "./record.js";
import type { SentRow } from "./row-scope.js";
import type { RowResult } from "./write-outcome.js";

export interface Correlation {
  readonly call: Call;
  readonly columns: readonly MirrorColumn[];
  readonly errors: ErrorAddresses;
  readonly columnOf: ColumnOf;
  readonly hooks: CheckedHooks | undefined;
  readonly secrets: readonly string[];
  read(element: unknown): UpstreamRecord | undefined;
}

/** Returns one result for each of `rows`, at the row's place. A row that the answer does not mention is unreported. */
export function rowResults(correlation: Correlation, answer: Answer, rows: readonly SentRow[]): RowResult[] {
  const { call, read } = correlation;
  const results: RowResult[] = rows.map(() => ({ kind: "unreported" }));
  const part = call.rows === undefined ? answer.body : lookUp(answer.body, call.rows);
  const elements = rows.length === 1 && !Array.isArray(part) ? [part] : asList(part);
  elements.forEach((element, index) => {
    if (element === undefined) return;
    const record = read(element);
    const at =
      rows.length === 1 && elements.length === 1
        ? 0
        : placeOf(correlation, element, record, rows, index, elements.length);
    if (at === undefined || !(at in results)) return;
    if (call.ok !== undefined && lookUp(element, call.ok) !== true)
      results[at] = refusal(correlation, answer, element).result;
    else if (call.rows === undefined) results[at] = silentResult(rows[at]);
    else if (record) results[at] = { kind: "accepted", key: record.key, row: record.row };
  });
  const failures = call.failed === undefined ? [] : asList(lookUp(answer.body, call.failed));
  for (const element of failures) {
    const { row, result } = refusal(correlation, answer, element);
    const at = rows.length === 1 ? 0 : row;
    const before = at === null ? undefined : results[at];
    if (at !== null && before && !isReported(before)) results[at] = result;
  }
  return results;
}

/** Returns what an error in the answer says of its row, and the row's place in the call if the error names it. */
function refusal(
  { errors, columnOf, hooks, secrets }: Correlation,
  { status, headers, request }: Answer,
  element: unknown,
): { readonly row: number | null; readonly result: RowResult } {
  // The error is read by itself: the rest of the body is about other rows.
  const context = { status: 400, headers, body: element, columnOf, hooks, secrets };
  const { unknown, ...read } = readError(errors, element, context);
  const error = { ...read, status, request };
  if (unknown) return { row: error.row, result: { kind: "unreported" } };
  return { row: error.row, result: error.absent ? { kind: "absent" } : { kind: "refused", error } };
}

function isReported(result: RowResult): boolean {
  switch (result.kind) {
    case "unreported":
      return false;
    case "accepted":
    case "refused":
    case "absent":
      return true;
    default:
      return assertNever(result);
  }
}

/** Returns the result of a row whose 2xx answer reports nothing: a row that had a key was accepted, and is read again. */
export function silentResult(row: SentRow | undefined): RowResult {
  return row === undefined || row.key === null ? { kind: "unreported" } : { kind: "accepted", key: row.key, row: {} };
}

/** Returns the place in `rows` of a record of the answer; undefined when the answer does not tell. */
function placeOf(
  { call: { match }, columns }: Correlation,
  element: unknown,
  record: UpstreamRecord | undefined,
  rows: readonly SentRow[],
  index: number,
  count: number,
): number | undefined {
  if (match === undefined) return undefined;
  // With fewer records than rows, the order does not tell which row is missing.
  if (match === "order") return count === rows.length ? index : undefined;
  if (match.startsWith("/")) {
    const text = textAt(element, match);
    return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
  }
  const column = columns.find(({ name }) => name === match);
  const place = rows.findIndex(({ key, sent }) => {
    if (match === "key") return record !== undefined && key === record.key;
    const value = sent[match];
    return column !== undefined && value != null && sameValue(column, value, record?.row[match] ?? null);
  });
  return place === -1 ? undefined : place;
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
