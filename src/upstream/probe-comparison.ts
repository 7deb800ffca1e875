// Compares the records of a page with the columns that are to mirror them: fields and values that the mirror would lose. Values themselves
// do not leave this file.

import { isRecord } from "../config/json.js";
import type { Call } from "../manifest/call-schema.js";
import { numberText } from "../manifest/json-number.js";
import { lookUp, pointerTo } from "../manifest/pointer.js";
import type { TableManifest } from "../manifest/table-schema.js";
import type { MirrorColumn } from "../mirror/column.js";
import { decode, Loss } from "./decode.js";
import type { ValueRules } from "./value-rules.js";
import { upstreamName } from "./words.js";

interface Misfit {
  readonly column: string;
  /** The type that the manifest gives the column. */
  readonly type: string;
  /** The JSON kind of one of the values that the type can't hold. */
  readonly found: string;
  readonly records: number;
}

export interface Comparison {
  /** Columns that no record has. */
  readonly missing: readonly string[];
  /** Columns that some records have and others have not, and of which the manifest does not say what that means. */
  readonly partial: readonly { readonly column: string; readonly records: number }[];
  readonly undecoded: readonly Misfit[];
  /** Fields that no column mirrors: by name, or by pointer when they stand outside the record's fields. */
  readonly unmirrored: readonly string[];
}

/** Compares `elements`, the records as the API has them, with the columns of a table. */
export function compareRecords(
  table: TableManifest,
  rules: ValueRules,
  columns: readonly MirrorColumn[],
  elements: readonly unknown[],
): Comparison {
  const at = { ...table.record, ...definedIn(table.read.list.record) };
  const values = (column: MirrorColumn) => {
    const pointer =
      at.key[table.key.indexOf(column.name)] ?? column.from ?? `${at.fields}${pointerTo(column.upstream)}`;
    return elements.map((element) => lookUp(element, pointer));
  };
  return {
    missing: columns
      .filter((column) => elements.length > 0 && values(column).every((value) => value === undefined))
      .map(({ name }) => name),
    partial: columns.flatMap((column) => {
      const having = values(column).filter((value) => value !== undefined).length;
      const isPartial = column.absent === undefined && having > 0 && having < elements.length;
      return isPartial ? [{ column: column.name, records: having }] : [];
    }),
    undecoded: columns.flatMap((column) => {
      const wrong = values(column).filter((value) => !fits(column, value, rules));
      const { name, type } = column;
      return wrong.length > 0 ? [{ column: name, type, found: kindOf(wrong[0]), records: wrong.length }] : [];
    }),
    unmirrored: unmirroredFields(elements, columns, at),
  };
}

/** Returns the kind of a JSON value: list, number, or what JavaScript calls it. */
export function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "list";
  return numberText(value) === undefined ? typeof value : "number";
}

/** The column holds the value as it is. */
function fits(column: MirrorColumn, value: unknown, rules: ValueRules): boolean {
  const loss = new Loss();
  if (value !== undefined) decode(column, value, rules, loss);
  return !loss.isFound;
}

interface RecordAt {
  readonly key: readonly string[];
  readonly fields: string;
}

function definedIn(at: Call["record"]): Partial<RecordAt> {
  return { ...(at?.key ? { key: at.key } : {}), ...(at?.fields === undefined ? {} : { fields: at.fields }) };
}

function unmirroredFields(elements: readonly unknown[], columns: readonly MirrorColumn[], at: RecordAt): string[] {
  const pointers = [...at.key, ...columns.map(({ from, upstream }) => from ?? `${at.fields}${pointerTo(upstream)}`)];
  const strange = (within: string, columnPointers: readonly string[]) =>
    namesOf(elements.map((element) => lookUp(element, within))).filter((name) => {
      const here = `${within}${pointerTo(name)}`;
      return name !== ".." && !columnPointers.some((pointer) => pointer === here || pointer.startsWith(`${here}/`));
    });
  const outside = at.fields === "" ? [] : strange("", [...pointers, at.fields]).map(pointerTo);
  return [...strange(at.fields, pointers), ...outside].map(upstreamName);
}

function namesOf(records: readonly unknown[]): string[] {
  return [...new Set(records.flatMap((record) => (isRecord(record) ? Object.keys(record) : [])))];
}
