// What was asked and what came back, row by row, and what that makes of the whole call. Pure.

import { assertNever } from "../config/assert-never.js";
import type { CanonicalRow, Outcome } from "../journal/journal.js";
import type { Mirror, MirrorColumn, TextRow } from "../mirror/column.js";
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
  readonly merged: readonly CanonicalRow[];
  readonly refused: readonly { readonly row: number; readonly error: UpstreamError }[];
  readonly absent: readonly number[];
  readonly unreported: readonly number[];
  readonly dropped: readonly Dropped[];
  /** Rows of an upsert that were another record's upstream. */
  readonly moved: readonly number[];
}

export interface Comparison {
  /** What upstream is expected to report for a value that was sent. */
  expected(column: MirrorColumn, sent: string | null): string | null;
  same(column: MirrorColumn, a: string | null, b: string | null): boolean;
}

/** What is found of one row: the fields that apply to it. */
interface RowFinding {
  readonly canonical: CanonicalRow | null;
  readonly merged?: CanonicalRow;
  readonly refused?: UpstreamError;
  readonly isAbsent?: true;
  readonly isUnreported?: true;
  readonly isMoved?: true;
  readonly dropped?: readonly MirrorColumn[];
}

/** Compares the rows of a call with what came back. `results` are in the order of `sent`; a row without a result is unreported. */
export function judge(
  mirror: Mirror,
  verb: Verb,
  sent: readonly RowToSend[],
  results: readonly RowResult[],
  compare: Comparison,
): Verdict {
  const judgeRow = verb === "delete" ? judgeDelete : judgeWrite(mirror, verb, compare);
  const findings = sent.map((row, index) => judgeRow(row, results[index] ?? { kind: "unreported" }));
  const rowsThat = (holds: (finding: RowFinding) => boolean | undefined) =>
    findings.flatMap((finding, row) => (holds(finding) ? [row] : []));
  const refused = findings.flatMap(({ refused: error }, row) => (error ? [{ row, error }] : []));
  const absent = rowsThat(({ isAbsent }) => isAbsent);
  const unreported = rowsThat(({ isUnreported }) => isUnreported);
  return {
    state: stateOf(sent.length, refused.length, absent.length, unreported.length),
    canonical: findings.map(({ canonical }) => canonical),
    merged: findings.flatMap(({ merged }) => (merged ? [merged] : [])),
    refused,
    absent,
    unreported,
    dropped: findings.flatMap(({ dropped = [] }, row) => dropped.map((column) => ({ column, row }))),
    moved: rowsThat(({ isMoved }) => isMoved),
  };
}

/** A row that upstream no longer has is deleted as well as one that it deletes now. */
function judgeDelete({ planned }: RowToSend, result: RowResult): RowFinding {
  switch (result.kind) {
    case "accepted":
    case "absent":
      return { canonical: { key: planned.key ?? "", row: null } };
    case "refused":
      return { canonical: null, refused: result.error };
    case "unreported":
      return { canonical: null, isUnreported: true };
    default:
      return assertNever(result);
  }
}

function judgeWrite(mirror: Mirror, verb: Verb, compare: Comparison) {
  return (row: RowToSend, result: RowResult): RowFinding => {
    const { planned } = row;
    switch (result.kind) {
      case "accepted": {
        const canonical = { key: result.key, row: { ...managed(mirror, planned.after), ...result.reported } };
        const dropped = droppedOf(mirror, row, result.reported, compare);
        if (planned.key === null || planned.key === result.key) return { canonical, dropped };
        // Of an upsert, another key only says that another record has the value by now.
        return verb === "upsert"
          ? { canonical, dropped, isMoved: true }
          : { canonical, dropped, merged: { key: planned.key, row: null } };
      }
      case "absent":
        return { canonical: planned.key === null ? null : { key: planned.key, row: null }, isAbsent: true };
      case "refused":
        return { canonical: null, refused: result.error };
      case "unreported":
        return { canonical: null, isUnreported: true };
      default:
        return assertNever(result);
    }
  };
}

function stateOf(all: number, refused: number, absent: number, unreported: number): Verdict["state"] {
  if (unreported > 0) return "unknown";
  if (refused === all) return "refused";
  if (absent === all) return "absent";
  return refused + absent === 0 ? "accepted" : "partial";
}

/** Upstream's columns of a planned row: what it does not report stays as it was planned. */
function managed(mirror: Mirror, planned: TextRow | null): TextRow {
  return Object.fromEntries(mirror.columns.map(({ name }) => [name, planned?.[name] ?? null]));
}

/** It came back as it was before, although something else was sent. One that came back different is canonical. */
function droppedOf(
  mirror: Mirror,
  { planned, sent }: RowToSend,
  reported: TextRow,
  compare: Comparison,
): readonly MirrorColumn[] {
  return mirror.columns.filter((column) => {
    const value = sent[column.name];
    const now = reported[column.name];
    if (value === undefined || now === undefined) return false;
    const before = planned.before?.[column.name] ?? null;
    return compare.same(column, now, before) && !compare.same(column, compare.expected(column, value), now);
  });
}
