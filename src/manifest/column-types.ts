// The Postgres types that a mirror column can have, and what each can hold.

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
    const whole = wholeNumber(text);
    return whole !== undefined && whole < limit && whole >= -limit ? String(whole) : null;
  }
  switch (type) {
    case "numeric":
      return isNumeric(text) ? text : null;
    case "real":
      return isFloat(text, Math.fround(Number(text))) ? text : null;
    case "double precision":
      return isFloat(text, Number(text)) ? text : null;
    case "boolean":
      return /^(true|false)$/i.test(text) ? text.toLowerCase() : null;
    case "date":
      return day(text);
    case "time":
      return /^(([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,20})?)?|24:00(:00)?)$/.test(text) ? text : null;
    case "timestamp":
      return isoInstant(text)?.slice(0, -1) ?? null;
    case "timestamptz":
      return isoInstant(text) ?? null;
    case "uuid":
      return uuid.test(text) ? text.toLowerCase().replace(uuid, "$1-$2-$3-$4-$5") : null;
    default:
      return text;
  }
}

const uuid = /^([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})$/i;

const number = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?$/i;

/** One that has a place in a numeric: there is one, if no longer than this. */
export function isNumeric(text: string): boolean {
  return text.length <= 10_000 && number.test(text);
}

/** `held`: as the type holds it. What it would round to nothing, or to infinity, is out of its range. */
function isFloat(text: string, held: number): boolean {
  return isNumeric(text) && Number.isFinite(held) && (held !== 0 || !/[1-9]/.test(text.replace(/e.*$/i, "")));
}

/** Also 5.0 and 1.2e3, as some write a whole number. */
function wholeNumber(text: string): bigint | undefined {
  const [, sign = "", head = "", tail = "", exponent = "0"] =
    /^([+-]?)(\d+)(?:\.(\d*))?(?:e([+-]?\d{1,2}))?$/i.exec(text) ?? [];
  const moved = Number(exponent);
  const digits = tail.replace(/0+$/, "").padEnd(moved, "0");
  if (head === "" || head.length > 100 || moved < 0 || digits.length > moved) return undefined;
  return BigInt(`${head}${digits}`) * (sign === "-" ? -1n : 1n);
}

/** Years 1 to 9999: what both sides can write. */
const earliestMs = Date.parse("0001-01-01T00:00:00Z");
const latestMs = Date.parse("9999-12-31T23:59:59.999Z");

/** Milliseconds since 1970 of an instant, in any of the forms that are known; NaN when it is none. */
export function instantMs(text: string): number {
  const ms = /^-?\d{6,}$/.test(text) ? Number(text) : (isoParts(text)?.ms ?? spelledOut(text));
  return ms >= earliestMs && ms <= latestMs ? ms : Number.NaN;
}

/** ISO 8601 in UTC, as fine as it is written. Undefined when it is no instant. */
export function isoInstant(text: string): string | undefined {
  const ms = instantMs(text);
  if (Number.isNaN(ms)) return undefined;
  const iso = new Date(ms).toISOString();
  const fraction = isoParts(text)?.fraction.slice(0, 9).replace(/0+$/, "") ?? "";
  return fraction.length > 3 ? `${iso.slice(0, 20)}${fraction}Z` : iso;
}

/** The day, in UTC, of an instant or a date; null when it is none. */
export function day(text: string): string | null {
  const ms = instantMs(text);
  return Number.isNaN(ms) ? null : new Date(ms).toISOString().slice(0, 10);
}

const isoForm =
  /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d)(?:[.,](\d+))?)?\s*(?:Z|UTC|GMT|([+-])(\d\d)(?::?(\d\d))?)?)?$/i;

/** ISO 8601, or Postgres's text under our pinned settings. Without a zone it is UTC. */
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

/** As mail and HTTP write it: `Sat, 28 Feb 2026 12:30:00 GMT`. */
function spelledOut(text: string): number {
  if (!/^(mon|tue|wed|thu|fri|sat|sun)/i.test(text)) return Number.NaN;
  return Date.parse(/GMT|UTC|[+-]\d{4}/.test(text) ? text : `${text} UTC`);
}
