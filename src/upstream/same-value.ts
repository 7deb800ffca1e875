// Whether two of Postgres's texts are one value of a column: upstream may write 1500.00 for 1500.

import { LongText } from "../config/long-text.js";
import { atOnce, type Slices } from "../config/slices.js";
import { elementType, instantMs, isNumber, plainNumber } from "../manifest/column-types.js";
import type { JsonChange } from "../manifest/json-writer.js";
import { parsingJson, writingJson } from "../manifest/lossless-json.js";
import type { MirrorColumn } from "../mirror/column.js";
import { readingArray } from "./array-text.js";

/** Returns whether two texts of this column are one value. It takes as long as they are. */
export function sameValue(column: MirrorColumn, a: string | null, b: string | null): boolean {
  return atOnce(comparing(column, a, b));
}

/** Returns whether two texts of this column are one value. */
export function* comparing(column: MirrorColumn, a: string | null, b: string | null): Slices<boolean> {
  if (a === null || b === null || a === b) return a === b;
  return (yield* comparableForm(column, a)) === (yield* comparableForm(column, b));
}

/** Returns a text that two texts of this column have in common when they are one value, and only then. */
export function* comparableForm(column: Pick<MirrorColumn, "type">, text: string): Slices<string> {
  const { type } = column;
  if (isNumber(type)) return plainNumber(text);
  if (type === "boolean") return text.slice(0, 1);
  if (type === "timestamp" || type === "timestamptz") {
    const ms = instantMs(text);
    return Number.isNaN(ms) ? `"${text}"` : String(ms);
  }
  if (type === "jsonb") return yield* comparableJsonForm(yield* parsingJson(text));
  const element = elementType(type);
  return element === undefined ? text : yield* comparableArray(element, text);
}

/** Returns a text that two values of JSON have in common when they are one value, and only then. */
export function* comparableJsonForm(value: unknown): Slices<string> {
  return yield* writingJson(value, comparableJson);
}

const comparableJson: JsonChange = { text: (text) => text, number: plainNumber, hasSortedNames: true };

function* comparableArray(type: string, text: string): Slices<string> {
  const form = new LongText();
  for (const element of yield* readingArray(text)) {
    yield;
    form.add(element === null ? "NULL," : `${JSON.stringify(yield* comparableForm({ type }, element))},`);
  }
  return form.end();
}
