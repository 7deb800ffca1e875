// What was asked and what came back, row by row.

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

export function rowResults(
  { call, columns, errors, columnOf, hooks, secrets, read }: Correlation,
  answer: Answer,
  rows: readonly SentRow[],
): RowResult[] {
  const results: RowResult[] = rows.map(() => ({ kind: "unreported" }));
  const { status, headers, body, request } = answer;
  const refused = (element: unknown) => {
    // Each by itself: what the body says elsewhere is of other rows.
    const { unknown, ...said } = readError(errors, element, {
      status: 400,
      headers,
      body: element,
      columnOf,
      hooks,
      secrets,
    });
    const error = { ...said, status, request };
    return { error, result: unknown ? unreported : refusalOf(error) };
  };
  const found = call.rows === undefined ? body : lookUp(body, call.rows);
  const elements = rows.length === 1 && !Array.isArray(found) ? [found] : asList(found);
  elements.forEach((element, index) => {
    if (element === undefined) return;
    const record = read(element);
    const at =
      rows.length === 1 && elements.length === 1
        ? 0
        : placeOf(call, columns, element, record, rows, index, elements.length);
    if (at === undefined || !(at in results)) return;
    if (call.ok !== undefined && lookUp(element, call.ok) !== true) results[at] = refused(element).result;
    else if (call.rows === undefined) results[at] = unread(rows[at]);
    else if (record) results[at] = { kind: "accepted", key: record.key, reported: record.row };
  });
  const failed = call.failed === undefined ? [] : asList(lookUp(body, call.failed));
  for (const element of failed) {
    const { error, result } = refused(element);
    const at = rows.length === 1 ? 0 : error.row;
    if (at !== null && results[at]?.kind === "unreported") results[at] = result;
  }
  return results;
}

const unreported: RowResult = { kind: "unreported" };

/** A 2xx that reports nothing: rows that were there were accepted, and are read again. */
export function unread(row: SentRow | undefined): RowResult {
  return row === undefined || row.key === null
    ? { kind: "unreported" }
    : { kind: "accepted", key: row.key, reported: {} };
}

function refusalOf(error: Extract<RowResult, { kind: "refused" }>["error"]): RowResult {
  return error.absent ? { kind: "absent" } : { kind: "refused", error };
}

/** Which of the rows a record of the answer is. */
function placeOf(
  { match }: Call,
  columns: readonly MirrorColumn[],
  element: unknown,
  record: UpstreamRecord | undefined,
  rows: readonly SentRow[],
  index: number,
  count: number,
): number | undefined {
  if (match === undefined) return undefined;
  // As many as were sent, or nobody knows which of them is missing.
  if (match === "order") return count === rows.length ? index : undefined;
  if (match.startsWith("/")) {
    const text = textAt(element, match);
    return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
  }
  const column = columns.find(({ name }) => name === match);
  const found = rows.findIndex(({ key, sent }) => {
    if (match === "key") return record !== undefined && key === record.key;
    const value = sent[match];
    return column !== undefined && value != null && sameValue(column, value, record?.row[match] ?? null);
  });
  return found === -1 ? undefined : found;
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
