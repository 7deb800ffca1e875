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
  /** Null: it goes; with `n`: the candidate meets its conflict again, or is not written if it has a key. */
  readonly row: TextRow | null;
  /** The planned local columns: nothing mixes two evaluations. */
  readonly local: TextRow;
  readonly marks?: CellMarks | undefined;
}

/**
 * As JSON. `canonical` belongs to those of `rows` that were sent, in order; the others become what was planned. Where upstream has answered for
 * several rows with one record, the statement writes that once: a row that it has already, or else the last new one, with what was said last.
 * `conflicts` are the INSERT candidates that met one.
 */
export function* stagedRows(
  mirror: Mirror,
  rows: readonly RowToSend[],
  conflicts: readonly number[],
  canonical: readonly (CanonicalRow | null)[],
): Slices<Portions> {
  const answers = canonical.values();
  const repeated = repeatedRecords(rows, canonical);
  const managedNames = new Set(mirror.columns.map(({ name }) => name));
  const stagedRow: StagedRow[] = [];
  for (const [index, { plannedRow, sends, marks }] of rows.entries()) {
    yield;
    const own = sends ? answers.next().value : undefined;
    const record = repeated.get(own?.key ?? plannedRow.key ?? "");
    if (record && record.writer !== index) {
      stagedRow.push({ n: plannedRow.n, key: plannedRow.key ?? record.report.key, row: null, local: {} });
      continue;
    }
    const answer = record?.report ?? own;
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

/** A record that several rows of a statement are, as upstream has it. */
interface RepeatedRecord {
  /** What was said of it last. */
  readonly report: CanonicalRow;
  /** The place of the row that is written. */
  readonly writer: number;
}

function repeatedRecords(
  rows: readonly RowToSend[],
  canonical: readonly (CanonicalRow | null)[],
): ReadonlyMap<string, RepeatedRecord> {
  const answers = canonical.values();
  const records = new Map<string, RepeatedRecord & { readonly isRepeated: boolean }>();
  for (const [index, { plannedRow, sends }] of rows.entries()) {
    const answer = sends ? answers.next().value : undefined;
    const key = answer?.key ?? plannedRow.key;
    if (key == null) continue;
    const earlier = records.get(key);
    const isThere = earlier !== undefined && rows[earlier.writer]?.plannedRow.key === key;
    const report = answer ?? earlier?.report ?? { key, row: plannedRow.after };
    records.set(key, { report, writer: isThere ? earlier.writer : index, isRepeated: earlier !== undefined });
  }
  return new Map([...records].filter(([, { isRepeated }]) => isRepeated));
}

function pick(row: TextRow, isWanted: (name: string) => boolean): TextRow {
  return Object.fromEntries(Object.entries(row).filter(([name]) => isWanted(name)));
}
