// What is staged: for each row that the statement is to write again, what upstream made of it.

import type { Portions } from "../../protocol/portions.js";
import type { Slices } from "../config/slices.js";
import type { CanonicalRow } from "../journal/journal.js";
import { writingUtf8Json } from "../manifest/lossless-json.js";
import type { Mirror, TextRow } from "../mirror/column.js";
import type { CellMarks } from "../mirror/inexact.js";
import type { RowToSend } from "./plan.js";

interface StagedRow {
  /** The place among the statement's INSERT candidates, from 1; null for UPDATE and DELETE. */
  readonly n: number | null;
  readonly key: string;
  /** Null: it goes; with `n`: the candidate meets its conflict again. */
  readonly row: TextRow | null;
  /** The planned local columns: nothing mixes two evaluations. */
  readonly local: TextRow;
  readonly marks?: CellMarks | undefined;
}

/**
 * As JSON. `canonical` belongs to those of `rows` that were sent, in order; the others become what was planned.
 * `conflicts` are the INSERT candidates that met one.
 */
export function* stagedRows(
  mirror: Mirror,
  rows: readonly RowToSend[],
  conflicts: readonly number[],
  canonical: readonly (CanonicalRow | null)[],
): Slices<Portions> {
  const answers = canonical.values();
  const managedNames = new Set(mirror.columns.map(({ name }) => name));
  const stagedRow: StagedRow[] = [];
  for (const { plannedRow, sends, marks } of rows) {
    yield;
    const answer = sends ? answers.next().value : undefined;
    const after = plannedRow.after ?? {};
    stagedRow.push({
      n: plannedRow.n,
      // The row is met under the key that it has here, even if upstream has merged it into another.
      key: plannedRow.key ?? answer?.key ?? "",
      row: answer ? answer.row : pick(after, (name) => managedNames.has(name)),
      local: pick(after, (name) => !managedNames.has(name)),
      marks: answer ? answer.marks : marks,
    });
  }
  const unmet = conflicts.map((n): StagedRow => ({ n, key: "", row: null, local: {} }));
  return yield* writingUtf8Json([...stagedRow, ...unmet]);
}

function pick(row: TextRow, isWanted: (name: string) => boolean): TextRow {
  return Object.fromEntries(Object.entries(row).filter(([name]) => isWanted(name)));
}
