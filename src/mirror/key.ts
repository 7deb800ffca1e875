// A row's key as one text, in the journal, in staged rows and on the way to the connector: its only key column's text, or a JSON
// array of several's. What is written here and what the generated SQL writes is the same, byte for byte.

import { z } from "zod";
import { memberOf } from "../config/member.js";
import { quoteLiteral, quoteName } from "../postgres/quote.js";
import { parseJson } from "../postgres/rows.js";
import type { MirrorColumn, TextRow } from "./column.js";

interface KeyColumn {
  readonly name: string;
  readonly type: string;
}

/** The columns of a key, in its order, by their names. */
export function keyColumns<Column extends { readonly name: string }>(
  key: readonly string[],
  columns: readonly Column[],
): readonly Column[] {
  return key.flatMap((part) => columns.find(({ name }) => name === part) ?? []);
}

export function joinKey(parts: readonly string[]): string {
  const [only = "", ...more] = parts;
  return more.length === 0 ? only : JSON.stringify(parts);
}

const partsSchema = z.array(z.string());

/** The text of each of its columns; `key` has as many. Throws UnexpectedValue when `text` is no key of several columns. */
export function splitKey(key: readonly unknown[], text: string): readonly string[] {
  return key.length === 1 ? [text] : parseJson("a key of several columns", partsSchema, text);
}

/** Null when the row lacks a part of it. */
export function keyOf(key: readonly MirrorColumn[], row: TextRow | null): string | null {
  const parts = key.flatMap(({ name }) => memberOf(row, name) ?? []);
  return parts.length === key.length ? joinKey(parts) : null;
}

/** SQL: the key of the row `of`. */
export function keySql(key: readonly KeyColumn[], of: string): string {
  return joinedSql(key.map(({ name }) => `${of}.${quoteName(name)}::text`));
}

/** SQL: the key of a row that is JSON; NULL where that is. */
export function jsonKeySql(key: readonly KeyColumn[], json: string): string {
  return joinedSql(key.map(({ name }) => `${json} ->> ${quoteLiteral(name)}`));
}

/** SQL: the row `of` has the key `text`; an index serves it. */
export function hasKeySql(key: readonly KeyColumn[], of: string, text: string): string {
  return key
    .map(({ name, type }, index) => `${of}.${quoteName(name)} = (${partSql(key, text, index)})::${type}`)
    .join(" and ");
}

/** SQL: two rows have the same key. */
export function sameKeySql(key: readonly KeyColumn[], one: string, other: string): string {
  return key.map(({ name }) => `${one}.${quoteName(name)} = ${other}.${quoteName(name)}`).join(" and ");
}

/** SQL: the key of the row `of` is among `texts`, an array. */
export function amongKeysSql(key: readonly KeyColumn[], of: string, texts: string): string {
  const [only, ...more] = key;
  if (only && more.length === 0) return `${of}.${quoteName(only.name)} = any(${texts}::${only.type}[])`;
  const parts = key.map(({ type }, index) => `(${partSql(key, "k", index)})::${type}`);
  return `(${keyNamesSql(key, of)}) in (select ${parts.join(", ")} from unnest(${texts}) k)`;
}

/** SQL: the key columns of the row `of`, as a list. */
export function keyNamesSql(key: readonly KeyColumn[], of?: string): string {
  return key.map(({ name }) => (of === undefined ? "" : `${of}.`) + quoteName(name)).join(", ");
}

function joinedSql(parts: readonly string[]): string {
  const [only = "", ...more] = parts;
  if (more.length === 0) return only;
  return `('[' || ${parts.map((part) => `to_json(${part})::text`).join(` || ',' || `)} || ']')`;
}

function partSql(key: readonly KeyColumn[], text: string, index: number): string {
  return key.length === 1 ? text : `(${text})::json ->> ${index}`;
}
