// One record of an answer: its key, and its columns as Postgres's text.

import type { MirrorColumn, TextRow } from "../mirror/column.js";
import { joinKey } from "../mirror/key.js";
import { decode, storable, type ValueRules } from "./codec.js";
import type { TableManifest } from "./manifest.js";
import { lookUp, textAt } from "./pointer.js";

export interface Record {
  readonly key: string;
  readonly row: TextRow;
}

/** Undefined: it has no key, or none that can be trusted. */
export function readRecord(
  { key, record }: TableManifest,
  columns: readonly MirrorColumn[],
  rules: ValueRules,
  element: unknown,
): Record | undefined {
  const parts = record.key.flatMap((pointer) => keyPartAt(element, pointer) ?? []);
  if (parts.length < record.key.length) return undefined;
  const fields = lookUp(element, record.fields);
  const row: { [name: string]: string | null } = {};
  for (const column of columns) {
    const value = column.from === null ? lookUp(fields, `/${column.upstream}`) : lookUp(element, column.from);
    if (value !== undefined) row[column.name] = decode(column, value, rules);
    else if (record.absent === "null") row[column.name] = null;
  }
  key.forEach((name, index) => {
    row[name] = parts[index] ?? null;
  });
  return { key: joinKey(parts), row };
}

/** A number that JSON could not hold would be the key of another record. */
function keyPartAt(element: unknown, pointer: string): string | undefined {
  const found = lookUp(element, pointer);
  if (typeof found === "number" && !Number.isSafeInteger(found)) return undefined;
  const text = textAt(element, pointer);
  return text === undefined ? undefined : storable(text);
}
