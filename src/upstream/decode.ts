// One value on its way from an API: from upstream's JSON to Postgres's text, and whether the column can hold all of it.

import { isRecord } from "../config/json.js";
import { changing, LongText } from "../config/long-text.js";
import { atOnce, type Slices } from "../config/slices.js";
import { day, elementType, isNumeric, keepsAll, storedAs } from "../manifest/column-types.js";
import { numberText } from "../manifest/json-number.js";
import { readingJson, upstreamLimits, writingJson } from "../manifest/lossless-json.js";
import type { MirrorColumn } from "../mirror/column.js";
import { readCodec, type ValueRules } from "./value-rules.js";

/** Whether something of a value was lost: the cell then is not what upstream has, and nothing may be computed from it. */
export class Loss {
  isFound = false;

  /** Returns the text; without one, or with another than the column keeps, something is lost. */
  of(text: string | null, keepsText = true): string | null {
    this.isFound ||= text === null || !keepsText;
    return text;
  }
}

/**
 * Returns Postgres's text for upstream's `value`, and notes in `loss` what the column can't hold. A value that its type can't hold becomes
 * NULL, so that an accepted row can be applied.
 */
export function* decoding(
  column: MirrorColumn,
  value: unknown,
  rules: ValueRules,
  loss: Loss = new Loss(),
): Slices<string | null> {
  if (value === null || (value === "" && (rules.emptyIsNull || column.type !== "text"))) return null;
  const emptiness = emptinessOf(value);
  if (emptiness !== undefined && emptiness === emptinessOf(column.clear)) return null;
  const { name, separator } = readCodec(column.codec);
  if (name === "plain" || name === "string") {
    if (column.write !== "never" && isShownAsText(column.type, value)) loss.isFound = true;
    return yield* decodingPlain(
      column.type,
      value,
      { ...rules, asStrings: rules.asStrings || name === "string" },
      loss,
    );
  }
  const text = yield* textOf(value, loss);
  switch (name) {
    case "utc_midnight": {
      const instant = /^-?\d+$/.test(text) ? milliseconds(Number(text)) : text;
      return loss.of(day(instant), keepsAll("date", instant));
    }
    case "unix":
      if (!/^-?\d+(\.\d+)?$/.test(text)) return loss.of(null);
      // It is sent in whole seconds.
      return loss.of(
        storedAs("timestamptz", milliseconds(Math.round(Number(text) * 1000))),
        Number.isInteger(Number(text)),
      );
    case "unix_ms":
      return loss.of(/^-?\d+$/.test(text) ? storedAs("timestamptz", milliseconds(Number(text))) : null);
    case "join": {
      const parts = partsOf(text, separator);
      return yield* decodingElements(elementType(column.type) ?? "text", parts, { ...rules, asStrings: true }, loss);
    }
    default:
      return yield* decodingPlain(column.type, value, rules, loss);
  }
}

/** Returns Postgres's text for upstream's `value`, as `decoding` does. It takes as long as the value is large. */
export function decode(column: MirrorColumn, value: unknown, rules: ValueRules, loss?: Loss): string | null {
  return atOnce(decoding(column, value, rules, loss));
}

/** What clears a column, when it is empty, is what a cleared one reads as. */
function emptinessOf(value: unknown): "text" | "list" | "object" | undefined {
  if (value === "") return "text";
  if (Array.isArray(value)) return value.length === 0 ? "list" : undefined;
  return isRecord(value) && numberText(value) === undefined && Object.keys(value).length === 0 ? "object" : undefined;
}

/** A text of a column can be written, and then upstream would get the text of an object or a list in place of it. */
function isShownAsText(type: string, value: unknown): boolean {
  if (type === "text[]" && Array.isArray(value)) return value.some((element) => isShownAsText("text", element));
  return (
    (elementType(type) ?? type) === "text" &&
    typeof value === "object" &&
    value !== null &&
    numberText(value) === undefined
  );
}

function* decodingPlain(type: string, value: unknown, rules: ValueRules, loss: Loss): Slices<string | null> {
  const element = elementType(type);
  if (element === undefined && type === "jsonb") return yield* decodingJson(value, rules, loss);
  if (element === undefined) {
    const text = yield* textOf(value, loss);
    return loss.of(storedAs(type, text), keepsAll(type, text));
  }
  const elements: readonly unknown[] = Array.isArray(value) ? value : [value];
  const isNothing = (one: unknown) => one === "" && (rules.emptyIsNull || element !== "text");
  const kept = elements.filter((one) => !isNothing(one));
  if (kept.length > 0 && kept.length < elements.length) loss.isFound = true;
  return yield* decodingElements(element, kept, rules, loss);
}

/** Returns the literal of an array (manual: "Array Input and Output Syntax"). */
function* decodingElements(type: string, elements: Iterable<unknown>, rules: ValueRules, loss: Loss): Slices<string> {
  const literal = new LongText();
  let separator = "{";
  for (const element of elements) {
    yield;
    const text = element === null ? null : yield* decodingPlain(type, element, rules, loss);
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
function* decodingJson(value: unknown, { asStrings }: ValueRules, loss: Loss): Slices<string | null> {
  if (!asStrings || typeof value !== "string") return yield* writingStorable(value, loss);
  const reading = yield* readingJson([value], upstreamLimits);
  return reading.kind === "json" ? yield* writingStorable(reading.value, loss) : loss.of(null);
}

function* textOf(value: unknown, loss: Loss): Slices<string> {
  const number = numberText(value);
  if (number !== undefined) return number;
  return typeof value === "object" ? yield* writingStorable(value, loss) : yield* storing(String(value), loss);
}

/** Returns JSON without what jsonb can't hold. */
function* writingStorable(value: unknown, loss: Loss): Slices<string> {
  return yield* writingJson(value, {
    text: (part) => storable(part, loss),
    number: (text) => loss.of(isNumeric(text) ? text : null),
  });
}

/** Returns ISO 8601; an empty text for an instant beyond JavaScript's dates. */
function milliseconds(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : "";
}

/** Returns the text with U+FFFD in place of U+0000 and lone surrogates, which Postgres can't hold. */
export function* storing(text: string, loss: Loss = new Loss()): Slices<string> {
  return unstorable.test(text) ? yield* changing(text, (part) => storable(part, loss)) : text;
}

/** What Postgres can not store. */
export const unstorable = /[\0\p{Surrogate}]/u;

function storable(part: string, loss: Loss): string {
  if (!unstorable.test(part)) return part;
  loss.isFound = true;
  return part.replaceAll(/[\0\p{Surrogate}]/gu, "\uFFFD");
}

/** Returns a part of an element as it stands in quotes in the literal of an array. */
function escaped(part: string): string {
  return part.replaceAll(/["\\]/g, "\\$&");
}
