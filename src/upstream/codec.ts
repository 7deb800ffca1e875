// One value, between Postgres's text and upstream's JSON.

import { isRecord } from "../config/json.js";
import { changing, LongText } from "../config/long-text.js";
import { atOnce, type Slices } from "../config/slices.js";
import { day, elementType, instantMs, isNumber, isNumeric, isoInstant, storedAs } from "../manifest/column-types.js";
import { numberOf, numberText } from "../manifest/json-number.js";
import type { JsonChange } from "../manifest/json-writer.js";
import { parsingJson, readingJson, upstreamLimits, writingJson } from "../manifest/lossless-json.js";
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
export function* encoding(
  column: MirrorColumn,
  text: string | null,
  rules: ValueRules,
  before: string | null = null,
): Slices<unknown> {
  if (text === null) return rules.clear;
  if (column.merge) {
    const value = yield* parsingJson(text);
    return merge(value, before === null ? undefined : yield* parsingJson(before), rules);
  }
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
      return (yield* readingArray(text)).join(separator);
    default:
      return yield* encodingPlain(column.type, text, rules);
  }
}

/** Returns the JSON to send for `text`, as `encoding` does. It takes as long as the text is. */
export function encode(
  column: MirrorColumn,
  text: string | null,
  rules: ValueRules,
  before: string | null = null,
): unknown {
  return atOnce(encoding(column, text, rules, before));
}

function* encodingPlain(type: string, text: string, rules: ValueRules): Slices<unknown> {
  const element = elementType(type);
  if (element !== undefined) return yield* encodingElements(element, text, rules);
  if (type === "timestamptz") return isoInstant(text) ?? text;
  if (type === "timestamp") return storedAs(type, text) ?? text;
  // In an array, Postgres writes t and f.
  if (type === "boolean") return rules.asStrings ? String(text.startsWith("t")) : text.startsWith("t");
  if (rules.asStrings) return text;
  if (type === "jsonb") return yield* parsingJson(text);
  // JSON has no place for NaN and the infinities.
  return isNumber(type) && /\d/.test(text) ? numberOf(text) : text;
}

function* encodingElements(type: string, text: string, rules: ValueRules): Slices<unknown[]> {
  const elements: unknown[] = [];
  for (const element of yield* readingArray(text)) {
    yield;
    elements.push(element === null ? null : yield* encodingPlain(type, element, rules));
  }
  return elements;
}

/**
 * Returns whether upstream can be sent `text` and can report it: JSON has neither NaN nor infinity, a date has a year from 1 to 9999, a
 * list has no dimensions, and of JSON only so much is read.
 */
export function* checkingSendable(column: MirrorColumn, text: string, rules: ValueRules): Slices<boolean> {
  if (text === "") return true;
  if (column.type === "jsonb") return (yield* readingJson([text], sentLimits)).kind === "json";
  const type = elementType(column.type);
  if (type === undefined) return (yield* decoding(column, yield* encoding(column, text, rules), rules)) !== null;
  // Bounds come before the first brace, dimensions right behind it (manual: "Array Input and Output Syntax").
  if (!/^\{(?!\{)/.test(text)) return false;
  const isJoin = readCodec(column.codec).name === "join";
  for (const element of yield* readingArray(text)) {
    yield;
    const isFit =
      element === null ? !isJoin : yield* checkingSendable({ ...column, type, codec: "plain" }, element, rules);
    if (!isFit) return false;
  }
  return true;
}

/** The answer has the value within a record, which is within a list. */
const sentLimits = { ...upstreamLimits, depth: upstreamLimits.depth - 12 };

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
export function* decoding(column: MirrorColumn, value: unknown, rules: ValueRules): Slices<string | null> {
  if (value === null || (value === "" && (rules.emptyIsNull || column.type !== "text"))) return null;
  const { name, separator } = readCodec(column.codec);
  if (name === "plain" || name === "string")
    return yield* decodingPlain(column.type, value, { ...rules, asStrings: rules.asStrings || name === "string" });
  const text = yield* textOf(value);
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
      return yield* decodingElements(elementType(column.type) ?? "text", partsOf(text, separator), {
        ...rules,
        asStrings: true,
      });
    default:
      return yield* decodingPlain(column.type, value, rules);
  }
}

/** Returns Postgres's text for upstream's `value`, as `decoding` does. It takes as long as the value is large. */
export function decode(column: MirrorColumn, value: unknown, rules: ValueRules): string | null {
  return atOnce(decoding(column, value, rules));
}

function* decodingPlain(type: string, value: unknown, rules: ValueRules): Slices<string | null> {
  const element = elementType(type);
  if (element === undefined)
    return type === "jsonb" ? yield* decodingJson(value, rules) : storedAs(type, yield* textOf(value));
  const elements: readonly unknown[] = Array.isArray(value) ? value : [value];
  const isNothing = (one: unknown) => one === "" && (rules.emptyIsNull || element !== "text");
  return yield* decodingElements(
    element,
    elements.filter((one) => !isNothing(one)),
    rules,
  );
}

/** Returns the literal of an array (manual: "Array Input and Output Syntax"). */
function* decodingElements(type: string, elements: Iterable<unknown>, rules: ValueRules): Slices<string> {
  const literal = new LongText();
  let separator = "{";
  for (const element of elements) {
    yield;
    const text = element === null ? null : yield* decodingPlain(type, element, rules);
    literal.add(separator);
    literal.add(text === null ? "NULL" : `"${yield* changing(text, escaped)}"`);
    separator = ",";
  }
  literal.add(separator === "{" ? "{}" : "}");
  return literal.end();
}

/** The parts of `text` between the separators, one after the other. */
function* partsOf(text: string, separator: string): Generator<string, undefined> {
  for (let at = 0; ; ) {
    const next = text.indexOf(separator, at);
    yield text.slice(at, next === -1 ? text.length : next);
    if (next === -1) return undefined;
    at = next + separator.length;
  }
}

/** Where an API sends all values as strings, a string holds the JSON. */
function* decodingJson(value: unknown, { asStrings }: ValueRules): Slices<string | null> {
  if (!asStrings || typeof value !== "string") return yield* writingJson(value, storableJson);
  const reading = yield* readingJson([value], upstreamLimits);
  return reading.kind === "json" ? yield* writingJson(reading.value, storableJson) : null;
}

function* textOf(value: unknown): Slices<string> {
  const number = numberText(value);
  if (number !== undefined) return number;
  return typeof value === "object" ? yield* writingJson(value, storableJson) : yield* storing(String(value));
}

/** JSON without what jsonb can't hold. */
const storableJson: JsonChange = { text: storable, number: (text) => (isNumeric(text) ? text : null) };

/** Returns ISO 8601; an empty text for an instant beyond JavaScript's dates. */
function milliseconds(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : "";
}

/** Returns the text with U+FFFD in place of U+0000 and lone surrogates, which Postgres can't hold. */
export function* storing(text: string): Slices<string> {
  return unstorable.test(text) ? yield* changing(text, storable) : text;
}

/** What Postgres can not store. */
export const unstorable = /[\0\p{Surrogate}]/u;

function storable(part: string): string {
  return part.replaceAll(/[\0\p{Surrogate}]/gu, "\uFFFD");
}

/** Returns a part of an element as it stands in quotes in the literal of an array. */
function escaped(part: string): string {
  return part.replaceAll(/["\\]/g, "\\$&");
}

/** Splits a codec such as `join(;)` into its name and its separator. */
function readCodec(codec: string): { readonly name: string; readonly separator: string } {
  const [, name = codec, separator = ""] = /^(join)\((.+)\)$/.exec(codec) ?? [];
  return { name, separator };
}

/** Returns the elements of an array of one dimension (manual: "Array Input and Output Syntax"). */
export function* readingArray(text: string): Slices<(string | null)[]> {
  const elements: (string | null)[] = [];
  for (let at = 1; at < text.length - 1; at += 1) {
    yield;
    if (text[at] === '"') {
      const { element, end } = yield* readingQuoted(text, at + 1);
      elements.push(element);
      at = end;
    } else {
      const comma = text.indexOf(",", at);
      const bare = text.slice(at, comma === -1 ? text.length - 1 : comma);
      elements.push(bare === "NULL" ? null : bare);
      at += bare.length;
    }
  }
  return elements;
}

/** Returns the element that begins at `from`, behind its quote, and the place behind its closing quote. */
function* readingQuoted(text: string, from: number): Slices<{ readonly element: string; readonly end: number }> {
  const element = new LongText();
  let begin = from;
  for (let at = from; ; at += 1) {
    const character = text[at];
    if (character !== '"' && character !== "\\" && character !== undefined) continue;
    element.add(text.slice(begin, at));
    if (character !== "\\") return { element: element.end(), end: at + 1 };
    // A backslash stands before a character that is taken as it is.
    yield;
    at += 1;
    begin = at;
  }
}

/** Returns the elements of an array, as `readingArray` does. It takes as long as the text is. */
export function readArray(text: string): (string | null)[] {
  return atOnce(readingArray(text));
}
