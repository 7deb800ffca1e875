// One record of an answer: its key, and its columns as Postgres's text.

import { storedAs } from "../manifest/column-types.js";
import { lookUp, pointerTo, textAt } from "../manifest/pointer.js";
import type { TableManifest } from "../manifest/table-schema.js";
import type { MirrorColumn, TextRow } from "../mirror/column.js";
import { joinKey } from "../mirror/key.js";
import { decode, storable, type ValueRules } from "./codec.js";

export interface UpstreamRecord {
  readonly key: string;
  readonly row: TextRow;
}

/** Returns the record of `element`; undefined when it lacks a part of its key. */
export function readRecord(
  { key, record }: Pick<TableManifest, "key" | "record">,
  columns: readonly MirrorColumn[],
  rules: ValueRules,
  element: unknown,
): UpstreamRecord | undefined {
  const parts = record.key.flatMap((pointer, index) => {
    const text = textAt(element, pointer);
    if (text === undefined) return [];
    // Postgres may write the key in another form than upstream, and rows are found by Postgres's form.
    const type = columns.find(({ name }) => name === key[index])?.type ?? "text";
    return [storedAs(type, storable(text)) ?? storable(text)];
  });
  if (parts.length < record.key.length) return undefined;
  const fields = lookUp(element, record.fields);
  const row: { [name: string]: string | null } = {};
  for (const column of columns) {
    const value = column.from === null ? lookUp(fields, pointerTo(column.upstream)) : lookUp(element, column.from);
    if (value !== undefined) row[column.name] = decode(column, value, rules);
    else if (column.absent !== null) row[column.name] = decode(column, column.absent, { ...rules, asStrings: true });
    else if (record.absent === "null") row[column.name] = null;
  }
  key.forEach((name, index) => {
    row[name] = parts[index] ?? null;
  });
  return { key: joinKey(parts), row };
}
