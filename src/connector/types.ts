// The Postgres types that a mirror column can have, and what each can hold.

import { parseJson } from "./json.js";

/** By every name that people write. */
const types: Readonly<Record<string, string>> = {
  text: "text",
  boolean: "boolean",
  bool: "boolean",
  smallint: "smallint",
  int2: "smallint",
  integer: "integer",
  int: "integer",
  int4: "integer",
  bigint: "bigint",
  int8: "bigint",
  numeric: "numeric",
  decimal: "numeric",
  real: "real",
  float4: "real",
  "double precision": "double precision",
  float8: "double precision",
  date: "date",
  time: "time",
  timestamp: "timestamp",
  timestamptz: "timestamptz",
  uuid: "uuid",
  json: "jsonb",
  jsonb: "jsonb",
};

/** As Postgres calls it, arrays of one dimension as well; undefined when it is none of these. */
export function typeNamed(text: string): string | undefined {
  const [, name = "", array = ""] = /^(.*?)(\[\])?$/.exec(text) ?? [];
  const type = Object.hasOwn(types, name) ? types[name] : undefined;
  return type === undefined ? undefined : type + array;
}

export const typeNames: readonly string[] = [...new Set(Object.values(types))];

/** Of the elements of an array; undefined for what is none. */
export function elementType(type: string): string | undefined {
  return type.endsWith("[]") ? type.slice(0, -2) : undefined;
}

const integers: Readonly<Record<string, bigint>> = {
  smallint: 2n ** 15n,
  integer: 2n ** 31n,
  bigint: 2n ** 63n,
};

/** Whether JSON writes it as a number. */
export function isNumber(type: string): boolean {
  return Object.hasOwn(integers, type) || ["numeric", "real", "double precision"].includes(type);
}

/** What Postgres stores for `text`; null when the type has no place for it. */
export function storedAs(type: string, text: string): string | null {
  const limit = Object.hasOwn(integers, type) ? integers[type] : undefined;
  if (limit !== undefined) {
    const whole = /^([+-]?\d+)(?:\.0*)?$/.exec(text)?.[1];
    return whole !== undefined && BigInt(whole.replace("+", "")) < limit && BigInt(whole.replace("+", "")) >= -limit
      ? whole
      : null;
  }
  switch (type) {
    case "numeric":
      return number.test(text) ? text : null;
    case "real":
    case "double precision":
      return number.test(text) && Number.isFinite(Math.fround(Number(text))) ? text : null;
    case "boolean":
      return /^(true|false)$/i.test(text) ? text.toLowerCase() : null;
    case "date":
      return day(text);
    case "time":
      return /^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?$/.test(text) ? text : null;
    case "timestamp":
      return Number.isNaN(instantMs(`${text}Z`)) ? null : text;
    case "timestamptz":
      return isoInstant(text) ?? null;
    case "uuid":
      return uuid.test(text) ? text.toLowerCase().replace(uuid, "$1-$2-$3-$4-$5") : null;
    case "jsonb":
      return parseJson(text) === undefined ? null : text;
    default:
      return text;
  }
}

const uuid = /^([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})$/i;

const number = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?$/i;

/** Years 1 to 9999: what both sides can write. */
const earliestMs = Date.parse("0001-01-01T00:00:00Z");
const latestMs = Date.parse("9999-12-31T23:59:59.999Z");

/** Milliseconds since 1970 of an ISO instant, of Postgres's pinned text, or of a string of milliseconds; NaN when it is none. */
export function instantMs(text: string): number {
  const ms = /^-?\d{6,}$/.test(text) ? Number(text) : Date.parse(iso(text));
  return ms >= earliestMs && ms <= latestMs ? ms : Number.NaN;
}

/** ISO 8601 in UTC; as it is written where it is finer than milliseconds. Undefined when it is no instant. */
export function isoInstant(text: string): string | undefined {
  const ms = instantMs(text);
  if (Number.isNaN(ms)) return undefined;
  return /\.\d{4,}/.test(text) ? iso(text) : new Date(ms).toISOString();
}

/** The day, in UTC, of an instant or a date; null when it is none. */
export function day(text: string): string | null {
  const ms = instantMs(text);
  return Number.isNaN(ms) ? null : new Date(ms).toISOString().slice(0, 10);
}

/** Of Postgres's text under our pinned settings. */
function iso(text: string): string {
  return text.replace(/^(\d{4}-\d\d-\d\d) (.+?)\+00$/, "$1T$2Z");
}
