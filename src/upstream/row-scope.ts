// The values of a row that a call's templates may name.

import { memberOf } from "../config/member.js";
import type { Slices } from "../config/slices.js";
import type { Scope } from "../manifest/template.js";
import type { MirrorColumn, TextRow } from "../mirror/column.js";
import { splitKey } from "../mirror/key.js";
import { encode, encoding } from "./codec.js";
import type { ValueRules } from "./value-rules.js";

/** A row to write: its key, which is null when upstream assigns it, and the columns to send. */
export interface SentRow {
  readonly key: string | null;
  readonly sent: TextRow;
  /** The previous values of the columns to send. */
  readonly before?: TextRow | undefined;
}

/** The parts that all rows of one call share. */
interface RowShape {
  readonly columns: readonly MirrorColumn[];
  readonly keyNames: readonly string[];
  readonly rules: ValueRules;
  /** Maps the manifest's names of columns to the mirror's. */
  readonly rename: Readonly<Record<string, string>>;
}

/** Returns the names that templates can use for one row: `key`, `index`, `record` and `row`. `isNew` marks a row of an INSERT. */
export function* rowScope(
  { columns, keyNames, rules, rename }: RowShape,
  { key, sent, before }: SentRow,
  index: number,
  isNew: boolean,
): Slices<Scope & { readonly record: Scope }> {
  const manifestNames = new Map(Object.entries(rename).map(([name, mirrorName]) => [mirrorName, name]));
  const values: { readonly column: MirrorColumn; readonly value: unknown }[] = [];
  for (const column of columns) {
    const text = memberOf(sent, column.name);
    const isSent = text !== null || !isNew || (rules.createClears && column.clear !== "never");
    if (text === undefined || !isSent) continue;
    yield;
    const value = yield* encoding(column, text, rules, memberOf(before, column.name) ?? null);
    if (value !== undefined) values.push({ column, value });
  }
  return {
    key: key === null ? null : keyScope(columns, keyNames, rules, key),
    index: String(index),
    record: Object.fromEntries(values.map(({ column, value }) => [column.upstream, value])),
    row: Object.fromEntries(values.map(({ column, value }) => [manifestNames.get(column.name) ?? column.name, value])),
  };
}

/** Returns the value of `{key}`; for a key of several columns, an object for `{key.NAME}`. */
export function keyScope(
  columns: readonly MirrorColumn[],
  keyNames: readonly string[],
  rules: ValueRules,
  key: string,
): unknown {
  const parts = splitKey(keyNames, key).map((part, index) => {
    const column = columns.find(({ name }) => name === keyNames[index]);
    return column ? encode(column, part, rules) : part;
  });
  return keyNames.length === 1 ? parts[0] : Object.fromEntries(keyNames.map((name, index) => [name, parts[index]]));
}
