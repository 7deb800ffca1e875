// Finds for each row of a write what the answer says of it.

import { assertNever } from "../config/assert-never.js";
import type { CleanText } from "../config/clean-text.js";
import { memberOf } from "../config/member.js";
import type { Slices } from "../config/slices.js";
import type { Call } from "../manifest/call-schema.js";
import type { ErrorAddresses } from "../manifest/error-schema.js";
import type { CheckedHooks } from "../manifest/hooks.js";
import { lookUp, textAt } from "../manifest/pointer.js";
import type { MirrorColumn } from "../mirror/column.js";
import { type ColumnOf, readError } from "./errors.js";
import type { Answer } from "./exchange.js";
import type { UpstreamRecord } from "./record.js";
import type { SentRow } from "./row-scope.js";
import { comparableForm } from "./same-value.js";
import { wordReader } from "./words.js";
import type { RowResult, UpstreamError } from "./write-outcome.js";

export interface Correlation {
  readonly call: Call;
  readonly columns: readonly MirrorColumn[];
  readonly keyColumns: readonly MirrorColumn[];
  readonly errors: ErrorAddresses;
  readonly columnOf: ColumnOf;
  readonly hooks: CheckedHooks | undefined;
  readonly secrets: readonly string[];
  /** Reads these columns of a record; undefined when it has no key. */
  read(element: unknown, columns: readonly MirrorColumn[]): Slices<UpstreamRecord | undefined>;
}

/**
 * Returns one result for each of `rows`, at the row's place. A row that the answer does not mention is unreported, and one that it calls
 * gone is refused by that error. Of an answer that names more than was sent, no more is read than what tells its place.
 */
export function* rowResults(
  correlation: Correlation,
  answer: Answer,
  rows: readonly SentRow[],
): Slices<readonly RowResult[]> {
  const { call } = correlation;
  const part = call.rows === undefined ? answer.body : lookUp(answer.body, call.rows);
  const why = part === undefined ? misfit(correlation, "rows", call.rows ?? "", "nothing") : undefined;
  const results: RowResult[] = rows.map(() => ({ kind: "unreported", why }));
  const elements = rows.length === 1 && !Array.isArray(part) ? [part] : asList(part);
  yield* readElements(correlation, answer, rows, elements, results);
  const failures = call.failed === undefined ? [] : asList(lookUp(answer.body, call.failed));
  if (failures.length === 0) return results;
  const doubt = yield* readFailures(correlation, answer, rows, failures, results);
  // Whose the error is, reading tells.
  return doubt ? results.map((result) => (result.kind === "unreported" ? { ...result, doubt } : result)) : results;
}

/** Puts what each refusal says into those of `results` that are not reported. Returns the first that names no row. */
function* readFailures(
  correlation: Correlation,
  answer: Answer,
  rows: readonly SentRow[],
  failures: readonly unknown[],
  results: RowResult[],
): Slices<UpstreamError | undefined> {
  const places = firstPlaces(rows.map(({ key }) => key));
  let doubt: UpstreamError | undefined;
  for (const element of failures) {
    if (results.every(isReported)) break;
    yield;
    const refused = refusal(correlation, answer, element);
    const named = [...refused.rows, ...refused.keys.flatMap((key) => places.get(key) ?? [])];
    const at = rows.length === 1 ? [0] : named;
    for (const place of at) if (results[place]?.kind === "unreported") results[place] = refused.result;
    if (at.length === 0 && refused.result.kind === "refused" && !refused.result.error.absent)
      doubt ??= refused.result.error;
  }
  return doubt;
}

/** Puts what each element says into `results`. Of two that name one row, the last counts, and so they are read from the last. */
function* readElements(
  correlation: Correlation,
  answer: Answer,
  rows: readonly SentRow[],
  elements: readonly unknown[],
  results: RowResult[],
): Slices<void> {
  const findPlace = yield* placeFinder(correlation, rows, elements.length);
  const isRead = rows.map(() => false);
  for (let index = elements.length - 1; index >= 0 && findPlace !== undefined; index -= 1) {
    const element = elements[index];
    yield;
    if (element === undefined) continue;
    const found = findPlace(element, index);
    const at = typeof found === "object" ? yield* found : found;
    if (at === undefined || isRead[at] !== false) continue;
    const result = yield* elementResult(correlation, answer, element, rows[at]);
    if (!result) continue;
    results[at] = result;
    isRead[at] = true;
  }
}

function* elementResult(
  correlation: Correlation,
  answer: Answer,
  element: unknown,
  row: SentRow | undefined,
): Slices<RowResult | undefined> {
  const { call, columns } = correlation;
  const ok = call.ok === undefined ? true : lookUp(element, call.ok);
  if (ok !== true) {
    const refused = refusal(correlation, answer, element);
    if (ok === false || refused.isNamed) return refused.result;
    return { kind: "unreported", why: misfit(correlation, "ok", call.ok ?? "", "neither true nor false") };
  }
  if (call.rows === undefined) return silentResult(row);
  const record = yield* correlation.read(element, columns);
  return record && { kind: "accepted", ...record };
}

/** What an error inside an answer says, and of which rows if it names any. */
interface Refusal {
  readonly rows: readonly number[];
  readonly keys: readonly string[];
  readonly isNamed: boolean;
  readonly result: RowResult;
}

function refusal(
  { errors, columnOf, hooks, secrets }: Correlation,
  { status, headers, request }: Answer,
  element: unknown,
): Refusal {
  // The error is read by itself: the rest of the body is about other rows.
  const context = { status, isInside: true, headers, body: element, columnOf, hooks, secrets };
  const { unknown, retry: _, mayPass: __, rows, keys, isNamed, ...read } = readError(errors, element, context);
  const error = { ...read, request };
  const said = { rows, keys, isNamed };
  return { ...said, result: unknown ? { kind: "unreported" } : { kind: "refused", error } };
}

/** What a manifest says of an answer, and the answer does not bear out: a sentence behind "nobody knows whether …". */
function misfit({ secrets }: Correlation, key: "rows" | "ok", pointer: string, found: string): CleanText {
  return wordReader(secrets).sentence(`"${key}" of the manifest is ${pointer}, where its answer has ${found}`);
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

type Place = number | undefined;

/** Returns the place among the rows that were sent of an element of the answer; undefined when the answer does not tell. */
type FindPlace = (element: unknown, index: number) => Place | Slices<Place>;

/** Returns how the call tells the places; undefined when no element of this answer has one. */
function* placeFinder(
  correlation: Correlation,
  rows: readonly SentRow[],
  count: number,
): Slices<FindPlace | undefined> {
  const { match } = correlation.call;
  if (rows.length === 1 && count === 1) return () => 0;
  if (match === undefined) return undefined;
  // With fewer records than rows, the order does not tell which row is missing.
  if (match === "order") return count === rows.length ? (_, index) => index : undefined;
  if (match.startsWith("/"))
    return (element) => {
      const text = textAt(element, match);
      return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
    };
  return match === "key" ? byKey(correlation, rows) : yield* byColumn(correlation, match, rows);
}

function byKey({ read, keyColumns }: Correlation, rows: readonly SentRow[]): FindPlace {
  const places = firstPlaces(rows.map(({ key }) => key));
  return function* find(element) {
    const record = yield* read(element, keyColumns);
    return record && places.get(record.key);
  };
}

function* byColumn(
  { read, columns }: Correlation,
  name: string,
  rows: readonly SentRow[],
): Slices<FindPlace | undefined> {
  const column = columns.find((one) => one.name === name);
  if (!column) return undefined;
  const forms: (string | null)[] = [];
  for (const { sent } of rows) {
    const value = memberOf(sent, name);
    forms.push(value == null ? null : yield* comparableForm(column, value));
  }
  const places = firstPlaces(forms);
  return function* find(element) {
    const value = memberOf((yield* read(element, [column]))?.row, name);
    return value == null ? undefined : places.get(yield* comparableForm(column, value));
  };
}

/** Of rows that have a text in common, the first counts. */
function firstPlaces(texts: readonly (string | null)[]): ReadonlyMap<string | null, number> {
  return new Map(texts.map((text, place) => [text, place] as const).reverse());
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
