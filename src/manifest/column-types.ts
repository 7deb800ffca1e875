// The Postgres types that a mirror column can have, and what each can hold.

import { memberOf } from "../config/member.js";

/** From every name that Postgres accepts for a type to the one that a mirror uses. */
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

/** Returns the mirror's name of a type, also of an array of one dimension (`text[]`); undefined for any other type. */
export function typeNamed(text: string): string | undefined {
  const [, name = "", array = ""] = /^(.*?)(\[\])?$/.exec(text) ?? [];
  const type = memberOf(types, name);
  return type === undefined ? undefined : type + array;
}

export const typeNames: readonly string[] = [...new Set(Object.values(types))];

/** Returns the type of the elements of an array type; undefined for a type that is no array. */
export function elementType(type: string): string | undefined {
  return type.endsWith("[]") ? type.slice(0, -2) : undefined;
}

/** One more than the largest value of each type. */
const integers = { smallint: 2n ** 15n, integer: 2n ** 31n, bigint: 2n ** 63n };

/** Returns whether JSON writes a value of this type as a number. */
export function isNumber(type: string): boolean {
  return Object.hasOwn(integers, type) || ["numeric", "real", "double precision"].includes(type);
}

/** Returns what Postgres stores for `text` in a column of this type; null when the type can't hold it. */
export function storedAs(type: string, text: string): string | null {
  const form = memberOf(storedForms, type);
  return form ? form(text) : text;
}

/**
 * Returns whether a column of this type keeps all of a text that it can hold: a float so many digits, a time six digits of its fraction, a
 * timestamp no zone but UTC, and a date no time of day.
 */
export function keepsAll(type: string, text: string): boolean {
  switch (type) {
    case "real":
      return isNearest(text, Math.fround(Number(text)));
    case "double precision":
      return isNearest(text, Number(text));
    case "date":
      return instantMs(text) % dayMs === 0 && !/\.\d{3}\d*[1-9]/.test(text);
    case "timestamp":
      return keepsAll("timestamptz", text) && !/:.*[+-](?!00(:?00)?$)\d\d(:?\d\d)?$/.test(text);
    case "time":
    case "timestamptz":
      return !/[.,]\d{6}\d*[1-9]/.test(text);
    default:
      return true;
  }
}

const dayMs = 86_400_000;

/** Of a float, Postgres writes no more digits than tell it from its neighbours. */
function isNearest(text: string, float: number): boolean {
  const digits = text
    .replace(/e.*$/i, "")
    .replace(/^[^1-9]*/, "")
    .replaceAll(/\D/g, "");
  const shown = float.toPrecision(Math.min(Math.max(withoutLastZeros(digits).length, 1), 100));
  return plainNumber(shown) === plainNumber(text);
}

/** A type without a form here holds every text as it is. */
const storedForms: Readonly<Record<string, (text: string) => string | null>> = {
  smallint: (text) => storedInteger(text, integers.smallint),
  integer: (text) => storedInteger(text, integers.integer),
  bigint: (text) => storedInteger(text, integers.bigint),
  numeric: (text) => (isNumeric(text) ? text : null),
  real: (text) => (isFloat(text, Math.fround(Number(text))) ? text : null),
  "double precision": (text) => (isFloat(text, Number(text)) ? text : null),
  boolean: (text) => (/^(true|false)$/i.test(text) ? text.toLowerCase() : null),
  date: day,
  time: (text) => (timeOfDay.test(text) ? text : null),
  timestamp: (text) => isoInstant(text)?.slice(0, -1) ?? null,
  timestamptz: (text) => isoInstant(text) ?? null,
  uuid: (text) => (uuid.test(text) ? text.toLowerCase().replace(uuid, "$1-$2-$3-$4-$5") : null),
};

const timeOfDay = /^(([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,20})?)?|24:00(:00)?)$/;

const uuid = /^([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})$/i;

const number = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d{1,3})?$/i;

/** Returns whether Postgres's numeric can hold `text`, which has at most 10,000 characters. */
export function isNumeric(text: string): boolean {
  return text.length <= 10_000 && number.test(text);
}

/** A number that the type would round to zero or to infinity is out of its range. */
function isFloat(text: string, nearest: number): boolean {
  return isNumeric(text) && Number.isFinite(nearest) && (nearest !== 0 || !/[1-9]/.test(text.replace(/e.*$/i, "")));
}

function storedInteger(text: string, limit: bigint): string | null {
  const whole = wholeNumber(text);
  return whole !== undefined && whole < limit && whole >= -limit ? String(whole) : null;
}

/** Reads a whole number also from 5.0 and 1.2e3, as some APIs write it. */
function wholeNumber(text: string): bigint | undefined {
  const [, sign = "", head = "", tail = "", exponent = "0"] =
    /^([+-]?)(\d+)(?:\.(\d*))?(?:e([+-]?\d{1,2}))?$/i.exec(text) ?? [];
  const shift = Number(exponent);
  const digits = withoutLastZeros(tail).padEnd(shift, "0");
  if (head === "" || head.length > 100 || shift < 0 || digits.length > shift) return undefined;
  return BigInt(`${head}${digits}`) * (sign === "-" ? -1n : 1n);
}

/** Returns the number without an exponent and without needless zeros. */
export function plainNumber(text: string): string {
  const [, sign = "", head = "", tail = "", exponent = "0"] =
    /^([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d{1,3}))?$/i.exec(text) ?? [];
  if (head === "" && tail === "") return text;
  const point = head.length + Number(exponent);
  const digits = `${head}${tail}`.padEnd(point, "0").padStart(`${head}${tail}`.length - Math.min(0, point), "0");
  const whole = digits.slice(0, Math.max(0, point)).replace(/^0+/, "");
  const rest = withoutLastZeros(digits.slice(Math.max(0, point)));
  const plain = `${whole || "0"}${rest === "" ? "" : `.${rest}`}`;
  return sign === "-" && plain !== "0" ? `-${plain}` : plain;
}

/** Returns the digits without the zeros at their end. A regular expression would look at each run of zeros anew from each of its zeros. */
function withoutLastZeros(digits: string): string {
  let end = digits.length;
  while (end > 0 && digits[end - 1] === "0") end -= 1;
  return digits.slice(0, end);
}

/** Both JavaScript and Postgres can write the years 1 to 9999. */
const earliestMs = Date.parse("0001-01-01T00:00:00Z");
const latestMs = Date.parse("9999-12-31T23:59:59.999Z");

/** Returns the milliseconds since 1970 of an instant: a number of at least six digits, ISO 8601, or the form of mail; otherwise NaN. */
export function instantMs(text: string): number {
  const ms = /^-?\d{6,}$/.test(text) ? Number(text) : (isoParts(text)?.ms ?? spelledOut(text));
  return ms >= earliestMs && ms <= latestMs ? ms : Number.NaN;
}

/** Returns the instant as ISO 8601 in UTC, with up to nine digits of its fraction; undefined when `text` is no instant. */
export function isoInstant(text: string): string | undefined {
  const ms = instantMs(text);
  if (Number.isNaN(ms)) return undefined;
  const iso = new Date(ms).toISOString();
  const fraction = isoParts(text)?.fraction.slice(0, 9).replace(/0+$/, "") ?? "";
  return fraction.length > 3 ? `${iso.slice(0, 20)}${fraction}Z` : iso;
}

/** Returns the day in UTC of an instant or a date, such as 2026-02-28; null when `text` is neither. */
export function day(text: string): string | null {
  const ms = instantMs(text);
  return Number.isNaN(ms) ? null : new Date(ms).toISOString().slice(0, 10);
}

const isoForm =
  /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d)(?:[.,](\d+))?)?\s*(?:Z|UTC|GMT|([+-])(\d\d)(?::?(\d\d))?)?)?$/i;

/** Reads ISO 8601, or Postgres's text under our pinned settings. A time without a zone is in UTC. */
function isoParts(text: string): { readonly ms: number; readonly fraction: string } | undefined {
  const parts = isoForm.exec(text);
  if (!parts) return undefined;
  const [, date = "", time = "00:00", seconds = "00", fraction = "", sign = "+", hours = "0", minutes = "0"] = parts;
  const midnight = new Date(`${date}T00:00:00Z`);
  // JavaScript takes the 30th of February for the 2nd of March.
  if (Number.isNaN(midnight.getTime()) || midnight.toISOString().slice(0, 10) !== date) return undefined;
  const offsetMs = (Number(hours) * 60 + Number(minutes)) * 60_000 * (sign === "-" ? -1 : 1);
  const local = Date.parse(`${date}T${time}:${seconds}.${fraction.slice(0, 3).padEnd(3, "0")}Z`);
  return { ms: local - offsetMs, fraction };
}

/** Reads the form of mail and HTTP, `Sat, 28 Feb 2026 12:30:00 GMT`, as milliseconds since 1970. */
function spelledOut(text: string): number {
  if (!/^(mon|tue|wed|thu|fri|sat|sun)/i.test(text)) return Number.NaN;
  return Date.parse(/GMT|UTC|[+-]\d{4}/.test(text) ? text : `${text} UTC`);
}
