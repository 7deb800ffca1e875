// One value on its way to an API: from Postgres's text to upstream's JSON.

import { atOnce, type Slices } from "../config/slices.js";
import { elementType, instantMs, isNumber, isoInstant, storedAs } from "../manifest/column-types.js";
import { numberOf } from "../manifest/json-number.js";
import { parsingJson, readingJson, upstreamLimits } from "../manifest/lossless-json.js";
import type { MirrorColumn } from "../mirror/column.js";
import { readingArray } from "./array-text.js";
import { decoding } from "./decode.js";
import { mergingKeys } from "./merge.js";
import { readCodec, type ValueRules } from "./value-rules.js";

/** Returns the JSON to send for `text`, Postgres's own text under our pinned settings. `before` is the row's previous text. */
export function* encoding(
  column: MirrorColumn,
  text: string | null,
  rules: ValueRules,
  before: string | null = null,
): Slices<unknown> {
  if (text === null) return column.clear === undefined ? rules.clear : column.clear;
  if (column.merge) return yield* mergingKeys(text, before, rules.clear);
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

function instant(text: string, at: number, rules: ValueRules): unknown {
  if (Number.isNaN(at)) return text;
  return rules.asStrings ? String(at) : at;
}
