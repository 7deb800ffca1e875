// One value, between Postgres's text and upstream's JSON.

import { isRecord } from "../config/json.js";
import { day, elementType, instantMs, isNumber, isNumeric, isoInstant, storedAs } from "../manifest/column-types.js";
import { numberOf, numberText, parseJson, toJson } from "../manifest/lossless-json.js";
import type { MirrorColumn } from "../mirror/column.js";

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
  if (element !== undefined) return readArray(text).map((one) => (one === null ? null : plain(element, one, rules)));
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
 * Whether `text` has a form that upstream could be sent, and could report: JSON has neither NaN nor infinity, a date has a year from
 * 1 to 9999, and a list has no dimensions.
 */
export function isSendable(column: MirrorColumn, text: string, rules: ValueRules): boolean {
  if (text === "" || column.type === "jsonb") return true;
  const type = elementType(column.type);
  if (type === undefined) return decode(column, encode(column, text, rules), rules) !== null;
  // Bounds come before the first brace, dimensions right behind it (manual: "Array Input and Output Syntax").
  if (!/^\{(?!\{)/.test(text)) return false;
  const joined = readCodec(column.codec).name === "join";
  return readArray(text).every((one) =>
    one === null ? !joined : isSendable({ ...column, type, codec: "plain" }, one, rules),
  );
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
      return writeArray(text.split(separator).map((one) => stored(element, one, { ...rules, asStrings: true })));
    default:
      return stored(column.type, value, { ...rules, asStrings: rules.asStrings || name === "string" });
  }
}

function stored(type: string, value: unknown, rules: ValueRules): string | null {
  const element = elementType(type);
  if (element === undefined) return type === "jsonb" ? json(value, rules) : storedAs(type, textOf(value));
  const elements: readonly unknown[] = Array.isArray(value) ? value : [value];
  const isNothing = (one: unknown) => one === "" && (rules.emptyIsNull || element !== "text");
  const there = elements.filter((one) => !isNothing(one));
  return writeArray(there.map((one) => (one === null ? null : stored(element, one, rules))));
}

/** A string is the JSON itself where values travel as strings. */
function json(value: unknown, { asStrings }: ValueRules): string | null {
  const said = asStrings && typeof value === "string" ? parseJson(value) : value;
  return said === undefined ? null : toJson(storableJson(said));
}

function textOf(value: unknown): string {
  const number = numberText(value);
  if (number !== undefined) return number;
  return typeof value === "object" ? toJson(storableJson(value)) : storable(String(value));
}

/** Postgres and we both recurse. */
const deepest = 1000;

/** Without what a jsonb has no place for. */
function storableJson(value: unknown, depth = 0): unknown {
  if (typeof value === "string") return storable(value);
  const number = numberText(value);
  if (number !== undefined) return isNumeric(number) ? value : null;
  if (typeof value === "object" && depth === deepest) return null;
  if (Array.isArray(value)) return value.map((one) => storableJson(one, depth + 1));
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [storable(name), storableJson(one, depth + 1)]));
}

/** A date that is out of reach is none. */
function milliseconds(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : "";
}

/** Whether two texts of this column are one value: upstream may write 1500.00 for 1500. */
export function sameValue(column: MirrorColumn, a: string | null, b: string | null): boolean {
  if (a === null || b === null || a === b) return a === b;
  if (isNumber(column.type)) return plainNumber(a) === plainNumber(b);
  if (column.type === "boolean") return a[0] === b[0];
  if (column.type === "timestamp" || column.type === "timestamptz") return instantMs(a) === instantMs(b);
  if (column.type === "jsonb") return sorted(parseJson(a)) === sorted(parseJson(b));
  const type = elementType(column.type);
  if (type === undefined) return false;
  const [ones, others] = [readArray(a), readArray(b)];
  return (
    ones.length === others.length &&
    ones.every((one, index) => sameValue({ ...column, type }, one, others[index] ?? null))
  );
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

/** Its digits, without an exponent, in one spelling. */
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

/** `join(;)` has its separator in parentheses. */
function readCodec(codec: string): { readonly name: string; readonly separator: string } {
  const [, name = codec, separator = ""] = /^(join)\((.+)\)$/.exec(codec) ?? [];
  return { name, separator };
}

/** The elements of an array of one dimension (manual: "Array Input and Output Syntax"). */
export function readArray(text: string): (string | null)[] {
  const elements: (string | null)[] = [];
  for (const [, quoted, bare] of text.slice(1, -1).matchAll(/"((?:[^"\\]|\\.)*)"|([^,]+)/g)) {
    if (quoted !== undefined) elements.push(quoted.replaceAll(/\\(.)/g, "$1"));
    else if (bare !== undefined) elements.push(bare === "NULL" ? null : bare);
  }
  return elements;
}

function writeArray(elements: readonly (string | null)[]): string {
  const quoted = elements.map((one) => (one === null ? "NULL" : `"${one.replaceAll(/(["\\])/g, "\\$1")}"`));
  return `{${quoted.join(",")}}`;
}
