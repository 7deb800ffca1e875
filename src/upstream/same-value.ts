// Whether two of Postgres's texts are one value of a column: upstream may write 1500.00 for 1500, and "" for what is cleared.

import { isRecord } from "../config/json.js";
import { changing, LongText } from "../config/long-text.js";
import { atOnce, type Slices } from "../config/slices.js";
import { elementType, instantMs, isNumber, isNumeric, plainNumber } from "../manifest/column-types.js";
import { numberText } from "../manifest/json-number.js";
import type { JsonChange } from "../manifest/json-writer.js";
import { parsingJson, writingJson } from "../manifest/lossless-json.js";
import type { MirrorColumn } from "../mirror/column.js";
import { readingArray } from "./array-text.js";

type ComparedColumn = Pick<MirrorColumn, "type"> & Partial<Pick<MirrorColumn, "merge">>;

/**
 * How much two texts have to have in common. `value`: they are one value. `meaning`: upstream may have made one of the other, when it
 * normalises case, spaces, numbers, instants, telephone numbers, or the order of a list.
 */
type Likeness = "value" | "meaning";

/** Returns whether two texts of this column are one value. It takes as long as they are. */
export function sameValue(column: ComparedColumn, a: string | null, b: string | null): boolean {
  return atOnce(comparing(column, a, b));
}

/** Returns whether two texts of this column are alike. What is cleared is so whether NULL, "", [] or {} says it. */
export function* comparing(
  column: ComparedColumn,
  a: string | null,
  b: string | null,
  likeness: Likeness = "value",
): Slices<boolean> {
  if (a === b) return true;
  return (yield* formOf(column, a, likeness)) === (yield* formOf(column, b, likeness));
}

/** Returns a text that two texts of this column have in common when they are one value, and only then. */
export function* comparableForm(column: ComparedColumn, text: string): Slices<string> {
  return yield* formOfText(column, text, "value");
}

/** Returns a text that two values of JSON have in common when they are one value, and only then. */
export function* comparableJsonForm(value: unknown): Slices<string> {
  return yield* writingJson(value, jsonForms.value);
}

const cleared = "";

function* formOf(column: ComparedColumn, text: string | null, likeness: Likeness): Slices<string> {
  if (text === null || text === "") return cleared;
  const form = yield* formOfText(column, text, likeness);
  return isEmpty(column, form) ? cleared : form;
}

function isEmpty({ type }: ComparedColumn, form: string): boolean {
  return type === "jsonb" ? /^(null|""|\[\]|\{\})$/.test(form) : elementType(type) !== undefined && form === "{}";
}

function* formOfText(column: ComparedColumn, text: string, likeness: Likeness): Slices<string> {
  const { type } = column;
  const element = elementType(type);
  if (element !== undefined) return yield* formOfArray(element, text, likeness);
  switch (type) {
    case "boolean":
      return text.slice(0, 1);
    case "real":
      return String(Math.fround(Number(text)));
    case "double precision":
      return String(Number(text));
    case "timestamp":
    case "timestamptz": {
      const ms = instantMs(text);
      return Number.isNaN(ms) ? `"${text}"` : String(ms);
    }
    case "time":
      return text
        .replace(/^(\d\d:\d\d)$/, "$1:00")
        .replace(/(\.\d*?)0+$/, "$1")
        .replace(/\.$/, "");
    case "jsonb": {
      const value = yield* parsingJson(text);
      return yield* writingJson(column.merge ? withoutNulls(value) : value, jsonForms[likeness]);
    }
    default:
      if (isNumber(type)) return plainNumber(text);
      return likeness === "value" ? text : yield* changing(text, normalised);
  }
}

/** A key that is null is none: upstream keeps no such key. */
function withoutNulls(value: unknown): unknown {
  if (!isRecord(value) || numberText(value) !== undefined) return value;
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== null));
}

const jsonForms: Readonly<Record<Likeness, JsonChange>> = {
  value: { text: (text) => text, number: plainNumber, hasSortedNames: true },
  meaning: { text: normalised, number: plainNumber, hasSortedNames: true },
};

/** Upstream may sort a list, and have each of its elements once. */
function* formOfArray(type: string, text: string, likeness: Likeness): Slices<string> {
  const elements: string[] = [];
  for (const element of yield* readingArray(text)) {
    yield;
    elements.push(element === null ? "NULL" : JSON.stringify(yield* formOfText({ type }, element, likeness)));
  }
  const form = new LongText();
  for (const element of likeness === "value" ? elements : [...new Set(elements)].sort()) form.add(`${element},`);
  return `{${form.end()}}`;
}

const telephone = /^\+?[\d\s()./-]+$/;

/** Returns a short text, or a part of a long one, as an API may store it, in one of the ways that all say the same. */
function normalised(part: string): string {
  const text = part.normalize("NFKC").replaceAll(/\s+/g, " ").trim().toLowerCase();
  if (isNumeric(text)) return plainNumber(text);
  const ms = /^\d{4}-\d\d-\d\d/.test(text) ? instantMs(text) : Number.NaN;
  if (!Number.isNaN(ms)) return String(ms);
  return telephone.test(text) && /\d{3}/.test(text) ? text.replaceAll(/\D/g, "") : text;
}
