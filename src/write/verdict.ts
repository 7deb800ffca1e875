// What was asked and what came back, row by row, and what that makes of the whole call. Pure.

import { assertNever } from "../config/assert-never.js";
import type { CleanText } from "../config/clean-text.js";
import { memberOf } from "../config/member.js";
import type { Slices } from "../config/slices.js";
import type { CanonicalRow, Outcome } from "../journal/journal.js";
import type { Mirror, MirrorColumn, TextRow } from "../mirror/column.js";
import type { CellMarks } from "../mirror/inexact.js";
import type { UpstreamRecord } from "../upstream/record.js";
import type { Verb } from "../upstream/table.js";
import type { RowResult, UpstreamError } from "../upstream/write-outcome.js";
import type { RowToSend } from "./plan.js";

/** A field that upstream was sent and left as it was. */
interface Dropped {
  readonly column: MirrorColumn;
  readonly row: number;
}

export interface Verdict {
  readonly state: Exclude<Outcome["state"], "unsent" | "lapsed" | "settled">;
  /** Full canonical rows and tombstones, in the order of the rows that were sent; null where upstream did not accept. */
  readonly canonical: readonly (CanonicalRow | null)[];
  /** Tombstones of rows that upstream answered for under another key. */
  readonly mergedRows: readonly CanonicalRow[];
  readonly refusals: readonly { readonly row: number; readonly error: UpstreamError }[];
  readonly absentRows: readonly number[];
  readonly unreportedRows: readonly number[];
  /** What in the manifest does not fit the answer; undefined: nothing that could be told. */
  readonly misfit: CleanText | undefined;
  readonly droppedFields: readonly Dropped[];
  /** Rows of an upsert that were another record's upstream. */
  readonly movedRows: readonly number[];
}

export interface Comparison {
  /** What upstream is expected to report for a value that was sent. */
  expectedText(column: MirrorColumn, text: string | null): Slices<string | null>;
  same(column: MirrorColumn, a: string | null, b: string | null): Slices<boolean>;
  /** Whether upstream may have made `reported` of what it was sent. */
  means(column: MirrorColumn, sent: string | null, reported: string | null): Slices<boolean>;
}

/** What is found of one row: the fields that apply to it. */
interface RowFinding {
  readonly canonical: CanonicalRow | null;
  readonly merged?: CanonicalRow;
  readonly refused?: UpstreamError;
  readonly isAbsent?: true;
  readonly unreported?: { readonly why: CleanText | undefined };
  readonly isMoved?: true;
  readonly dropped?: readonly MirrorColumn[];
}

/** Compares the rows of a call with what came back. `results` are in the order of `sent`; a row without a result is unreported. */
export function* judge(
  mirror: Mirror,
  verb: Verb,
  rowsToSend: readonly RowToSend[],
  results: readonly RowResult[],
  compare: Comparison,
): Slices<Verdict> {
  const findings: RowFinding[] = [];
  for (const [index, row] of rowsToSend.entries()) {
    yield;
    const result = results[index] ?? { kind: "unreported" };
    findings.push(verb === "delete" ? judgeDelete(row, result) : yield* judgeWrite(mirror, verb, compare, row, result));
  }
  const rowsThat = (holds: (finding: RowFinding) => boolean | undefined) =>
    findings.flatMap((finding, row) => (holds(finding) ? [row] : []));
  const refusals = findings.flatMap(({ refused: error }, row) => (error ? [{ row, error }] : []));
  const absentRows = rowsThat(({ isAbsent }) => isAbsent);
  const unreportedRows = rowsThat(({ unreported }) => unreported !== undefined);
  return {
    state: stateOf(rowsToSend.length, refusals.length, absentRows.length, unreportedRows.length),
    canonical: findings.map(({ canonical }) => canonical),
    mergedRows: findings.flatMap(({ merged }) => (merged ? [merged] : [])),
    refusals,
    absentRows,
    unreportedRows,
    misfit: findings.find(({ unreported }) => unreported?.why)?.unreported?.why,
    droppedFields: findings.flatMap(({ dropped: droppedColumns = [] }, row) =>
      droppedColumns.map((column) => ({ column, row })),
    ),
    movedRows: rowsThat(({ isMoved }) => isMoved),
  };
}

/** A row that upstream no longer has is deleted as well as one that it deletes now. */
function judgeDelete({ plannedRow }: RowToSend, result: RowResult): RowFinding {
  switch (result.kind) {
    case "accepted":
    case "absent":
      return { canonical: { key: plannedRow.key ?? "", row: null } };
    case "refused":
      return { canonical: null, refused: result.error };
    case "unreported":
      return { canonical: null, unreported: { why: result.why } };
    default:
      return assertNever(result);
  }
}

function* judgeWrite(
  mirror: Mirror,
  verb: Verb,
  compare: Comparison,
  row: RowToSend,
  result: RowResult,
): Slices<RowFinding> {
  const { plannedRow } = row;
  switch (result.kind) {
    case "accepted": {
      const canonical = {
        key: result.key,
        row: { ...managed(mirror, plannedRow.after), ...result.row },
        marks: marksAfter(row, result),
      };
      const droppedColumns = yield* droppedOf(mirror, row, result, compare);
      if (result.doubt && droppedColumns.length > 0) return { canonical: null, refused: result.doubt };
      if (plannedRow.key === null || plannedRow.key === result.key) return { canonical, dropped: droppedColumns };
      // Of an upsert, another key only says that another record has the value by now.
      return verb === "upsert"
        ? { canonical, dropped: droppedColumns, isMoved: true }
        : { canonical, dropped: droppedColumns, merged: { key: plannedRow.key, row: null } };
    }
    case "absent":
      return { canonical: plannedRow.key === null ? null : { key: plannedRow.key, row: null }, isAbsent: true };
    case "refused":
      return { canonical: null, refused: result.error };
    case "unreported":
      return { canonical: null, unreported: { why: result.why } };
    default:
      return assertNever(result);
  }
}

function stateOf(all: number, refusals: number, absent: number, unreportedRows: number): Verdict["state"] {
  if (unreportedRows > 0) return "unknown";
  if (refusals === all) return "refused";
  if (absent === all) return "absent";
  return refusals + absent === 0 ? "accepted" : "partial";
}

/** Upstream's columns of a planned row: what it does not report stays as it was planned. */
function managed(mirror: Mirror, plannedRow: TextRow | null): TextRow {
  return Object.fromEntries(mirror.columns.map(({ name }) => [name, memberOf(plannedRow, name) ?? null]));
}

/** A cell that was neither sent nor reported is what it was. Of what was sent and not reported, upstream has accepted the value. */
function marksAfter({ marks, values }: RowToSend, { row, marks: reported }: UpstreamRecord): CellMarks | undefined {
  const stays = (name: string) => memberOf(row, name) === undefined && memberOf(values, name) === undefined;
  const unfit = [...(marks?.unfit.filter(stays) ?? []), ...(reported?.unfit ?? [])];
  const missing = marks?.missing.filter(stays) ?? [];
  return unfit.length + missing.length === 0 ? undefined : { unfit, missing };
}

/** It came back as it was before, although what was sent means something else. One that came back different is canonical. */
function* droppedOf(
  mirror: Mirror,
  { plannedRow, values }: RowToSend,
  { row: reported, marks }: UpstreamRecord,
  compare: Comparison,
): Slices<readonly MirrorColumn[]> {
  const droppedColumns: MirrorColumn[] = [];
  for (const column of mirror.columns) {
    const value = memberOf(values, column.name);
    const now = memberOf(reported, column.name);
    // What its column can't hold is not what it was.
    if (value === undefined || now === undefined || marks?.unfit.includes(column.name)) continue;
    yield;
    const before = memberOf(plannedRow.before, column.name) ?? null;
    if (!(yield* compare.same(column, now, before))) continue;
    if (!(yield* compare.means(column, yield* compare.expectedText(column, value), now))) droppedColumns.push(column);
  }
  return droppedColumns;
}
