// One value, between Postgres's text and upstream's JSON.

import { isRecord } from "../config/json.js";
import { day, elementType, instantMs, isNumber, isNumeric, isoInstant, storedAs } from "../manifest/column-types.js";
import { numberOf, numberText, parseJson, toJson } from "../manifest/lossless-json.js";
import type { MirrorColumn } from "../mirror/column.js";

/** How an API writes values: whether all are strings, what clears a field, and how a cleared field reads. */
export interface ValueRules {
  readonly asStrings: boolean;
  readonly clear: "" | null;
  readonly emptyIsNull: boolean;
  /** An INSERT sends its NULLs, too. */
  readonly createClears: boolean;
}

/** Returns the JSON to send for `text`, Postgres's own text under our pinned settings. `before` is the row's previous text. */
export function encode(
  column: MirrorColumn,
  text: string | null,
  rules: ValueRules,
  before: string | null = null,
): unknown {
  if (text === null) return rules.clear;
  if (column.merge) return merge(parseJson(text), before === null ? undefined : parseJson(before), rules);
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
      return encodePlain(column.type, text, rules);
  }
}

function encodePlain(type: string, text: string, rules: ValueRules): unknown {
  const element = elementType(type);
  if (element !== undefined)
    return readArray(text).map((one) => (one === null ? null : encodePlain(element, one, rules)));
  if (type === "timestamptz") return isoInstant(text) ?? text;
  if (type === "timestamp") return storedAs(type, text) ?? text;
  // In an array, Postgres writes t and f.
  if (type === "boolean") return rules.asStrings ? String(text.startsWith("t")) : text.startsWith("t");
  if (rules.asStrings) return text;
  if (type === "jsonb") return parseJson(text);
  // JSON has no place for NaN and the infinities.
  return isNumber(type) && /\d/.test(text) ? numberOf(text) : text;
}

/**
 * Returns whether upstream can be sent `text` and can report it: JSON has neither NaN nor infinity, a date has a year from 1 to 9999, and
 * a list has no dimensions.
 */
export function isSendable(column: MirrorColumn, text: string, rules: ValueRules): boolean {
  if (text === "" || column.type === "jsonb") return true;
  const type = elementType(column.type);
  if (type === undefined) return decode(column, encode(column, text, rules), rules) !== null;
  // Bounds come before the first brace, dimensions right behind it (manual: "Array Input and Output Syntax").
  if (!/^\{(?!\{)/.test(text)) return false;
  const isJoin = readCodec(column.codec).name === "join";
  return readArray(text).every((one) =>
    one === null ? !isJoin : isSendable({ ...column, type, codec: "plain" }, one, rules),
  );
}

/** Upstream keeps the keys that a request leaves out, so keys that are gone from the object are cleared. */
function merge(value: unknown, before: unknown, rules: ValueRules): unknown {
  if (!isRecord(value) || !isRecord(before)) return value;
  const missingNames = Object.keys(before).filter((name) => !Object.hasOwn(value, name));
  return { ...value, ...Object.fromEntries(missingNames.map((name) => [name, rules.clear])) };
}

function instant(text: string, at: number, rules: ValueRules): unknown {
  if (Number.isNaN(at)) return text;
  return rules.asStrings ? String(at) : at;
}

/** Returns Postgres's text for upstream's `value`. A value that the type can't hold becomes NULL, so that an accepted row can be applied. */
export function decode(column: MirrorColumn, value: unknown, rules: ValueRules): string | null {
  if (value === null || (value === "" && (rules.emptyIsNull || column.type !== "text"))) return null;
  const text = textOf(value);
  const element = elementType(column.type) ?? "text";
  const { name, separator } = readCodec(column.codec);
  switch (name) {
    case "utc_midnight":
      return day(/^-?\d+$/.test(text) ? milliseconds(Number(text)) : text);
    case "unix":
      return /^-?\d+(\.\d+)?$/.test(text)
        ? storedAs("timestamptz", milliseconds(Math.round(Number(text) * 1000)))
        : null;
    case "unix_ms":
      return /^-?\d+$/.test(text) ? storedAs("timestamptz", milliseconds(Number(text))) : null;
    case "join":
      return writeArray(text.split(separator).map((one) => decodePlain(element, one, { ...rules, asStrings: true })));
    default:
      return decodePlain(column.type, value, { ...rules, asStrings: rules.asStrings || name === "string" });
  }
}

function decodePlain(type: string, value: unknown, rules: ValueRules): string | null {
  const element = elementType(type);
  if (element === undefined) return type === "jsonb" ? json(value, rules) : storedAs(type, textOf(value));
  const elements: readonly unknown[] = Array.isArray(value) ? value : [value];
  const isNothing = (one: unknown) => one === "" && (rules.emptyIsNull || element !== "text");
  const there = elements.filter((one) => !isNothing(one));
  return writeArray(there.map((one) => (one === null ? null : decodePlain(element, one, rules))));
}

/** Where an API sends all values as strings, a string holds the JSON. */
function json(value: unknown, { asStrings }: ValueRules): string | null {
  const content = asStrings && typeof value === "string" ? parseJson(value) : value;
  return content === undefined ? null : toJson(storableJson(content));
}

function textOf(value: unknown): string {
  const number = numberText(value);
  if (number !== undefined) return number;
  return typeof value === "object" ? toJson(storableJson(value)) : storable(String(value));
}

/** Both Postgres and this file recurse into JSON, so its depth has a limit. */
const deepest = 1000;

/** Returns the JSON without the values that jsonb can't hold. */
function storableJson(value: unknown, depth = 0): unknown {
  if (typeof value === "string") return storable(value);
  const number = numberText(value);
  if (number !== undefined) return isNumeric(number) ? value : null;
  if (typeof value === "object" && depth === deepest) return null;
  if (Array.isArray(value)) return value.map((one) => storableJson(one, depth + 1));
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [storable(name), storableJson(one, depth + 1)]));
}

/** Returns ISO 8601; an empty text for an instant beyond JavaScript's dates. */
function milliseconds(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : "";
}

/** Returns whether two texts of this column are one value: upstream may write 1500.00 for 1500. */
export function sameValue(column: MirrorColumn, a: string | null, b: string | null): boolean {
  if (a === null || b === null || a === b) return a === b;
  if (isNumber(column.type)) return plainNumber(a) === plainNumber(b);
  if (column.type === "boolean") return a[0] === b[0];
  if (column.type === "timestamp" || column.type === "timestamptz") return instantMs(a) === instantMs(b);
  if (column.type === "jsonb") return sortedJson(parseJson(a)) === sortedJson(parseJson(b));
  const type = elementType(column.type);
  if (type === undefined) return false;
  const [ones, others] = [readArray(a), readArray(b)];
  return (
    ones.length === others.length &&
    ones.every((one, index) => sameValue({ ...column, type }, one, others[index] ?? null))
  );
}

function sortedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sortedJson).join()}]`;
  const number = numberText(value);
  if (number !== undefined) return plainNumber(number);
  if (!isRecord(value)) return toJson(value);
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${sortedJson(value[name])}`).join()}}`;
}

/** Returns the text with U+FFFD in place of U+0000 and lone surrogates, which Postgres can't hold. */
export function storable(text: string): string {
  return text.replaceAll(/[\0\p{Surrogate}]/gu, "\uFFFD");
}

/** Returns the number without an exponent and without needless zeros. */
function plainNumber(text: string): string {
  const [, sign = "", head = "", tail = "", exponent = "0"] =
    /^([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d{1,3}))?$/i.exec(text) ?? [];
  if (head === "" && tail === "") return text;
  const point = head.length + Number(exponent);
  const digits = `${head}${tail}`.padEnd(point, "0").padStart(`${head}${tail}`.length - Math.min(0, point), "0");
  const whole = digits.slice(0, Math.max(0, point)).replace(/^0+/, "");
  const rest = digits.slice(Math.max(0, point)).replace(/0+$/, "");
  const plain = `${whole || "0"}${rest === "" ? "" : `.${rest}`}`;
  return sign === "-" && plain !== "0" ? `-${plain}` : plain;
}

/** Splits a codec such as `join(;)` into its name and its separator. */
function readCodec(codec: string): { readonly name: string; readonly separator: string } {
  const [, name = codec, separator = ""] = /^(join)\((.+)\)$/.exec(codec) ?? [];
  return { name, separator };
}

/** Returns the elements of an array of one dimension (manual: "Array Input and Output Syntax"). */
export function readArray(text: string): (string | null)[] {
  const elements: (string | null)[] = [];
  for (const [, quotedText, bare] of text.slice(1, -1).matchAll(/"((?:[^"\\]|\\.)*)"|([^,]+)/g)) {
    if (quotedText !== undefined) elements.push(quotedText.replaceAll(/\\(.)/g, "$1"));
    else if (bare !== undefined) elements.push(bare === "NULL" ? null : bare);
  }
  return elements;
}

function writeArray(elements: readonly (string | null)[]): string {
  const items = elements.map((one) => (one === null ? "NULL" : `"${one.replaceAll(/(["\\])/g, "\\$1")}"`));
  return `{${items.join(",")}}`;
}
