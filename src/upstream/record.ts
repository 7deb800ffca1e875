// One record of an answer: its key, and its columns as Postgres's text.

import type { Slices } from "../config/slices.js";
import { storedAs } from "../manifest/column-types.js";
import { lookUp, pointerTo, textAt } from "../manifest/pointer.js";
import type { TableManifest } from "../manifest/table-schema.js";
import type { MirrorColumn, TextRow } from "../mirror/column.js";
import type { CellMarks } from "../mirror/inexact.js";
import { joinKey } from "../mirror/key.js";
import { decode, decoding, Loss, storing } from "./decode.js";
import type { ValueRules } from "./value-rules.js";

export interface UpstreamRecord {
  readonly key: string;
  readonly row: TextRow;
  /** Undefined: the row is what upstream has. */
  readonly marks?: CellMarks | undefined;
}

/** Returns the record of `element` with these columns; undefined when it lacks a part of its key. */
export function* readingRecord(
  { key, record }: Pick<TableManifest, "key" | "record">,
  columns: readonly MirrorColumn[],
  rules: ValueRules,
  element: unknown,
): Slices<UpstreamRecord | undefined> {
  const parts = yield* keyParts({ key, record }, columns, element);
  if (!parts) return undefined;
  const fields = lookUp(element, record.fields);
  const row = new Map<string, string | null>();
  const unfit: string[] = [];
  const missing: string[] = [];
  for (const column of columns) {
    if (key.includes(column.name)) continue;
    const value = column.from === null ? lookUp(fields, pointerTo(column.upstream)) : lookUp(element, column.from);
    yield;
    const loss = new Loss();
    if (value !== undefined) row.set(column.name, yield* decoding(column, value, rules, loss));
    else if (column.absent === undefined) missing.push(column.name);
    else row.set(column.name, column.absent && decode(column, column.absent, { ...rules, asStrings: true }));
    if (loss.isFound) unfit.push(column.name);
  }
  key.forEach((name, index) => {
    row.set(name, parts[index] ?? null);
  });
  return { key: joinKey(parts), row: Object.fromEntries(row), ...marksOf(unfit, missing) };
}

/** Returns the record of which each of `parts` has some columns. */
export function joinParts(key: string, parts: readonly UpstreamRecord[]): UpstreamRecord {
  const row = Object.fromEntries(parts.flatMap((part) => Object.entries(part.row)));
  const unfit = parts.flatMap(({ marks }) => marks?.unfit ?? []);
  const missing = parts.flatMap(({ marks }) => marks?.missing ?? []);
  return { key, row, ...marksOf(unfit, missing) };
}

/** Nothing where each cell is what upstream has. */
function marksOf(unfit: readonly string[], missing: readonly string[]): Pick<UpstreamRecord, "marks"> {
  return unfit.length === 0 && missing.length === 0 ? {} : { marks: { unfit, missing } };
}

function* keyParts(
  { key, record }: Pick<TableManifest, "key" | "record">,
  columns: readonly MirrorColumn[],
  element: unknown,
): Slices<readonly string[] | undefined> {
  const parts: string[] = [];
  for (const [index, pointer] of record.key.entries()) {
    const text = textAt(element, pointer);
    if (text === undefined) return undefined;
    // Postgres may write the key in another form than upstream, and rows are found by Postgres's form.
    const type = columns.find(({ name }) => name === key[index])?.type ?? "text";
    const storable = yield* storing(text);
    parts.push(storedAs(type, storable) ?? storable);
  }
  return parts;
}
