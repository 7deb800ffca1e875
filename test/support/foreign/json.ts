// JSON whose numbers stay as they were written: JavaScript would read 9007199254740993 as another number, and 1.50 as 1.5.

import { isRecord } from "../../../src/config/json.js";

const digits = Symbol("digits");

/** A number as it stands in JSON. */
interface Numeral {
  readonly [digits]: string;
}

/** A number between two marks that no text of JSON has by itself: `{"\u0000number": "1.50"}`. */
const mark = "\0number";

/** Undefined when it is no JSON. Its numbers are numerals. */
export function parseJson(text: string): unknown {
  const marked = text.replaceAll(/"(?:[^"\\]|\\.)*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/g, (token) =>
    token.startsWith('"') ? token : `{${JSON.stringify(mark)}:"${token}"}`,
  );
  try {
    return JSON.parse(marked, (_, value: unknown) => unmarked(value));
  } catch {
    return undefined;
  }
}

/** Numerals as they were read; a bigint in all its digits. */
export function printJson(value: unknown): string {
  const written = digitsOf(value);
  if (written !== undefined) return written;
  if (typeof value === "bigint") return String(value);
  if (Array.isArray(value)) return `[${value.map(printJson).join(",")}]`;
  if (!isRecord(value)) return JSON.stringify(value) ?? "null";
  const entries = Object.entries(value).filter(([, field]) => field !== undefined);
  return `{${entries.map(([name, field]) => `${JSON.stringify(name)}:${printJson(field)}`).join(",")}}`;
}

/** How a numeral was written; undefined for anything else. */
export function digitsOf(value: unknown): string | undefined {
  return isNumeral(value) ? value[digits] : undefined;
}

/** For a test to compare: a number that JavaScript would write otherwise is its text. */
export function plain(value: unknown): unknown {
  const written = digitsOf(value);
  if (written !== undefined) return String(Number(written)) === written ? Number(written) : written;
  if (Array.isArray(value)) return value.map(plain);
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, plain(field)]));
}

/** An object; a numeral is none. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return isRecord(value) && !isNumeral(value);
}

function unmarked(value: unknown): unknown {
  if (!isRecord(value) || typeof value[mark] !== "string") return value;
  const numeral: Numeral = { [digits]: value[mark] };
  return numeral;
}

function isNumeral(value: unknown): value is Numeral {
  return typeof value === "object" && value !== null && digits in value;
}
