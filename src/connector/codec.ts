// One value, between Postgres's text and upstream's JSON.

import type { MirrorColumn } from "../mirror/column.js";

/** How this API writes values: all as strings, and what clears a field. */
export interface ValueRules {
  readonly asStrings: boolean;
  readonly clear: "" | null;
}

/** What is sent for `text`, Postgres's own text under our pinned settings. */
export function encode(column: MirrorColumn, text: string | null, rules: ValueRules): unknown {
  if (text === null) return rules.clear;
  if (column.codec === "utc_midnight") {
    const ms = Date.parse(`${text}T00:00:00Z`);
    return Number.isNaN(ms) ? text : String(ms);
  }
  if (column.codec === "join(;)") return readArray(text).join(";");
  if (column.type === "timestamptz") return isoInstant(text);
  if (rules.asStrings) return text;
  if (column.type === "boolean") return text === "true";
  return column.type === "jsonb" ? JSON.parse(text) : text;
}

/** What Postgres stores for `value`; what its type could not hold becomes NULL, or accepted rows could not be applied. */
export function decode(column: MirrorColumn, value: unknown, rules: ValueRules): string | null {
  if (value === null || (rules.clear === "" && value === "")) return null;
  const text = typeof value === "object" ? JSON.stringify(value, storableString) : storable(String(value));
  if (column.codec === "utc_midnight") return utcDate(text);
  if (column.codec === "join(;)") return writeArray(text === "" ? [] : text.split(";"));
  switch (column.type) {
    case "timestamptz":
      return Number.isNaN(instantMs(text)) ? null : new Date(instantMs(text)).toISOString();
    case "numeric":
      return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? text : null;
    case "boolean":
      return /^(true|false)$/i.test(text) ? text.toLowerCase() : null;
    case "jsonb":
      return isJson(text) ? text : null;
    default:
      return text;
  }
}

/** Whether two texts of this column are one value: upstream may write 1500.00 for 1500. */
export function sameValue(column: MirrorColumn, a: string | null, b: string | null): boolean {
  if (a === null || b === null || a === b) return a === b;
  if (column.type === "numeric") return plainNumber(a) === plainNumber(b);
  if (column.type === "timestamptz") return instantMs(a) === instantMs(b);
  return false;
}

/** U+0000 and lone surrogates have no place in a Postgres text. */
export function storable(text: string): string {
  return text.replaceAll(/[\0\p{Surrogate}]/gu, "\uFFFD");
}

function storableString(_: string, value: unknown): unknown {
  return typeof value === "string" ? storable(value) : value;
}

/** Years 1 to 9999: what both sides can write. */
const earliestMs = Date.parse("0001-01-01T00:00:00Z");
const latestMs = Date.parse("9999-12-31T23:59:59.999Z");

/** Milliseconds since 1970 of an ISO instant, of Postgres's pinned text, or of a string of milliseconds; NaN when it is none. */
function instantMs(text: string): number {
  const ms = /^-?\d{6,}$/.test(text)
    ? Number(text)
    : Date.parse(text.replace(/^(\d{4}-\d\d-\d\d) (.+?)\+00$/, "$1T$2Z"));
  return ms >= earliestMs && ms <= latestMs ? ms : Number.NaN;
}

function isoInstant(text: string): string {
  const ms = instantMs(text);
  return Number.isNaN(ms) ? text : new Date(ms).toISOString();
}

function utcDate(text: string): string | null {
  const ms = instantMs(text);
  return Number.isNaN(ms) ? null : new Date(ms).toISOString().slice(0, 10);
}

function plainNumber(text: string): string {
  const plain = text.replace(/^\+/, "").replace(/^(-?)0+(?=\d)/, "$1");
  return plain.includes(".") && !/e/i.test(plain) ? plain.replace(/\.?0+$/, "") : plain;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The elements of a one-dimensional text[] (manual: "Array Input and Output Syntax"); NULL elements have no place upstream. */
export function readArray(text: string): string[] {
  const elements: string[] = [];
  for (const [, quoted, bare] of text.slice(1, -1).matchAll(/"((?:[^"\\]|\\.)*)"|([^,]+)/g)) {
    if (quoted !== undefined) elements.push(quoted.replaceAll(/\\(.)/g, "$1"));
    else if (bare !== undefined && bare !== "NULL") elements.push(bare);
  }
  return elements;
}

function writeArray(elements: readonly string[]): string {
  return `{${elements.map((element) => `"${element.replaceAll(/(["\\])/g, "\\$1")}"`).join(",")}}`;
}
