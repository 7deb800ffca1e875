// What was asked and what came back, row by row, and what that makes of the whole call. Pure.

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

export function judge(
  mirror: Mirror,
  verb: Verb,
  sent: readonly RowToSend[],
  results: readonly RowResult[],
  compare: Comparison,
): Verdict {
  const rows = sent.map((row, index) => ({ row, index, result: results[index] ?? ({ kind: "unreported" } as const) }));
  const canonical = rows.map(({ row, result }): CanonicalRow | null => {
    if (verb === "delete") {
      return result.kind === "accepted" || result.kind === "absent" ? { key: row.planned.key ?? "", row: null } : null;
    }
    if (result.kind === "absent") return row.planned.key === null ? null : { key: row.planned.key, row: null };
    if (result.kind !== "accepted") return null;
    return { key: result.key, row: { ...managed(mirror, row.planned.after), ...result.reported } };
  });
  const refused = rows.flatMap(({ index, result }) =>
    result.kind === "refused" ? [{ row: index, error: result.error }] : [],
  );
  const elsewhere = (planned: RowToSend["planned"], result: RowResult): boolean =>
    result.kind === "accepted" && planned.key !== null && result.key !== planned.key;
  // Of an upsert it only says that another record has the value by now.
  const moved = rows.flatMap(({ row: { planned }, index, result }) =>
    verb === "upsert" && elsewhere(planned, result) ? [index] : [],
  );
  const merged = rows.flatMap(({ row: { planned }, result }) =>
    verb !== "upsert" && planned.key !== null && elsewhere(planned, result) ? [{ key: planned.key, row: null }] : [],
  );
  const absent = rows.flatMap(({ index, result }) => (result.kind === "absent" && verb !== "delete" ? [index] : []));
  const unreported = rows.flatMap(({ index, result }) => (result.kind === "unreported" ? [index] : []));
  const dropped = rows.flatMap(({ row, index, result }) =>
    result.kind === "accepted" ? droppedOf(mirror, row, result.reported, index, compare) : [],
  );
  return {
    state: stateOf(sent.length, refused.length, absent.length, unreported.length),
    canonical,
    merged,
    refused,
    absent,
    unreported,
    dropped,
    moved,
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
  row: number,
  compare: Comparison,
): Dropped[] {
  return mirror.columns
    .filter((column) => {
      const value = sent[column.name];
      const now = reported[column.name];
      if (value === undefined || now === undefined) return false;
      const before = planned.before?.[column.name] ?? null;
      return compare.same(column, now, before) && !compare.same(column, compare.expected(column, value), now);
    })
    .map((column) => ({ column, row }));
}
