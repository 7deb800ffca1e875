// One value, between Postgres's text and upstream's JSON.

import { isRecord } from "../config/json.js";
import type { MirrorColumn } from "../mirror/column.js";
import { numberOf, numberText, parseJson, toJson } from "./json.js";
import { day, elementType, instantMs, isNumber, isoInstant, storedAs } from "./types.js";

/** How this API writes values: all as strings, what clears a field, and what a cleared one may read as. */
export interface ValueRules {
  readonly asStrings: boolean;
  readonly clear: "" | null;
  readonly emptyIsNull: boolean;
  /** A new record is sent its NULLs. */
  readonly createClears: boolean;
}

/** What is sent for `text`, Postgres's own text under our pinned settings. `before`: what the row had. */
export function encode(
  column: MirrorColumn,
  text: string | null,
  rules: ValueRules,
  before: string | null = null,
): unknown {
  if (text === null) return rules.clear;
  if (column.merge) return merged(parseJson(text), before === null ? undefined : parseJson(before), rules);
  const { name, separator } = readCodec(column.codec);
  switch (name) {
    case "string":
      return column.type === "timestamptz" ? (isoInstant(text) ?? text) : text;
    case "utc_midnight":
      return instant(text, instantMs(`${text}T00:00:00Z`), rules);
    case "unix_ms":
      return instant(text, instantMs(text), rules);
    case "unix":
      return instant(text, Math.floor(instantMs(text) / 1000), rules);
    case "join":
      return readArray(text).join(separator);
    default:
      return plain(column.type, text, rules);
  }
}

function plain(type: string, text: string, rules: ValueRules): unknown {
  const element = elementType(type);
  if (element !== undefined) return readArray(text).map((one) => plain(element, one, rules));
  if (type === "timestamptz") return isoInstant(text) ?? text;
  if (rules.asStrings) return text;
  if (type === "boolean") return text === "true";
  if (type === "jsonb") return parseJson(text);
  // JSON has no place for NaN and the infinities.
  return isNumber(type) && /\d/.test(text) ? numberOf(text) : text;
}

/** Upstream keeps the keys that it is not sent. */
function merged(value: unknown, before: unknown, rules: ValueRules): unknown {
  if (!isRecord(value) || !isRecord(before)) return value;
  const gone = Object.keys(before).filter((name) => !Object.hasOwn(value, name));
  return { ...value, ...Object.fromEntries(gone.map((name) => [name, rules.clear])) };
}

function instant(text: string, at: number, rules: ValueRules): unknown {
  if (Number.isNaN(at)) return text;
  return rules.asStrings ? String(at) : at;
}

/** What Postgres stores for `value`; what its type could not hold becomes NULL, or accepted rows could not be applied. */
export function decode(column: MirrorColumn, value: unknown, rules: ValueRules): string | null {
  if (value === null || (value === "" && (rules.emptyIsNull || column.type !== "text"))) return null;
  const text = textOf(value);
  const { name, separator } = readCodec(column.codec);
  switch (name) {
    case "utc_midnight":
      return day(text);
    case "unix":
      return /^-?\d+(\.\d+)?$/.test(text) ? storedAs("timestamptz", milliseconds(Number(text) * 1000)) : null;
    case "unix_ms":
      return /^-?\d+$/.test(text) ? storedAs("timestamptz", milliseconds(Number(text))) : null;
    case "join":
      return writeArray(text.split(separator));
    default:
      return stored(column.type, value, text);
  }
}

function stored(type: string, value: unknown, text: string): string | null {
  const element = elementType(type);
  if (element === undefined) return storedAs(type, text);
  const elements: readonly unknown[] = Array.isArray(value) ? value : [value];
  return writeArray(elements.flatMap((one) => (one === null || one === "" ? [] : [stored(element, one, textOf(one))])));
}

function textOf(value: unknown): string {
  const number = numberText(value);
  if (number !== undefined) return number;
  return typeof value === "object" ? storableJson(value) : storable(String(value));
}

function storableJson(value: unknown): string {
  return toJson(value, (_, one) => (typeof one === "string" ? storable(one) : one));
}

/** A date that is out of reach is none. */
function milliseconds(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : "";
}

/** Whether two texts of this column are one value: upstream may write 1500.00 for 1500. */
export function sameValue(column: MirrorColumn, a: string | null, b: string | null): boolean {
  if (a === null || b === null || a === b) return a === b;
  if (isNumber(column.type)) return plainNumber(a) === plainNumber(b);
  if (column.type === "timestamptz") return instantMs(a) === instantMs(b);
  if (column.type === "jsonb") return sorted(parseJson(a)) === sorted(parseJson(b));
  return elementType(column.type) !== undefined && toJson(readArray(a)) === toJson(readArray(b));
}

function sorted(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sorted).join()}]`;
  const number = numberText(value);
  if (number !== undefined) return plainNumber(number);
  if (!isRecord(value)) return toJson(value);
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${sorted(value[name])}`).join()}}`;
}

/** U+0000 and lone surrogates have no place in a Postgres text. */
export function storable(text: string): string {
  return text.replaceAll(/[\0\p{Surrogate}]/gu, "\uFFFD");
}

function plainNumber(text: string): string {
  const plain = text.replace(/^\+/, "").replace(/^(-?)0+(?=\d)/, "$1");
  return plain.includes(".") && !/e/i.test(plain) ? plain.replace(/\.?0+$/, "") : plain;
}

/** `join(;)` has its separator in parentheses. */
function readCodec(codec: string): { readonly name: string; readonly separator: string } {
  const [, name = codec, separator = ""] = /^(join)\((.+)\)$/.exec(codec) ?? [];
  return { name, separator };
}

/** The elements of a one-dimensional array (manual: "Array Input and Output Syntax"); NULL elements have no place upstream. */
export function readArray(text: string): string[] {
  const elements: string[] = [];
  for (const [, quoted, bare] of text.slice(1, -1).matchAll(/"((?:[^"\\]|\\.)*)"|([^,]+)/g)) {
    if (quoted !== undefined) elements.push(quoted.replaceAll(/\\(.)/g, "$1"));
    else if (bare !== undefined && bare !== "NULL") elements.push(bare);
  }
  return elements;
}

function writeArray(elements: readonly (string | null)[]): string {
  const quoted = elements.map((one) => (one === null ? "NULL" : `"${one.replaceAll(/(["\\])/g, "\\$1")}"`));
  return `{${quoted.join(",")}}`;
}
