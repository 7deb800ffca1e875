// Whether a record is found by a filter, and which of two comes first. Text is indexed in lower case.

import { assertNever } from "../never.js";
import { starred } from "../starred.js";
import type { StoredRecord } from "./object-table.js";
import type { ObjectType } from "./object-type.js";
import type { Comparison, Filter, Sort } from "./search-body.js";
import { instantMs } from "./value.js";

/** A record without a value is found by no filter but the one for having none. */
export function matches(type: ObjectType, record: StoredRecord, filter: Filter): boolean {
  const value = record.values.get(filter.property);
  if (filter.kind === "has") return (value === undefined) === filter.not;
  if (value === undefined) return false;
  const against = (asked: string) => order(type, filter.property, value, asked);
  switch (filter.kind) {
    case "compare":
      return satisfies(filter.operator, against(filter.value));
    case "between":
      return against(filter.low) >= 0 && against(filter.high) <= 0;
    case "in":
      return filter.values.some((asked) => isAmong(type, filter.property, value, asked)) !== filter.not;
    case "token":
      return containsToken(value, filter.token) !== filter.not;
    default:
      return assertNever(filter);
  }
}

/** Each word somewhere in the searchable properties, be it as the beginning of another. */
export function holdsWords(type: ObjectType, record: StoredRecord, query: string): boolean {
  const tokens = type.display.searchable.flatMap((name) => tokensOf(record.values.get(name) ?? ""));
  return tokensOf(query).every((word) => tokens.some((token) => token.startsWith(word)));
}

/** Returns which of two records comes first: negative for `a`, positive for `b`. Records that the sorts leave equal are ordered by id. */
export function compareBy(type: ObjectType, sorts: readonly Sort[], a: StoredRecord, b: StoredRecord): number {
  for (const sort of sorts) {
    const sign = compareOne(type, sort, a, b);
    if (sign !== 0) return sign;
  }
  return Number(a.id) - Number(b.id);
}

/** A record without a value comes last, in either direction. */
function compareOne(type: ObjectType, { property, descending }: Sort, a: StoredRecord, b: StoredRecord): number {
  const left = a.values.get(property);
  const right = b.values.get(property);
  if (left === undefined || right === undefined) return Number(left === undefined) - Number(right === undefined);
  const sign = order(type, property, left, right);
  return descending ? -sign : sign;
}

/** What a value is compared by. NaN: not a value of this property. */
export function rank(type: ObjectType, property: string, value: string): number | string {
  const kind = type.properties.get(property)?.holds.kind;
  switch (kind) {
    case "number":
      return Number(value);
    case "date":
    case "datetime":
      return instantMs(value) ?? Number.NaN;
    case "text":
    case "email":
      return value.toLowerCase();
    case "bool":
    case "choice":
    case "choices":
    case "pipeline":
    case "owner":
    case undefined:
      return value;
    default:
      return assertNever(kind);
  }
}

function satisfies(operator: Comparison, sign: number): boolean {
  switch (operator) {
    case "EQ":
      return sign === 0;
    case "NEQ":
      return sign !== 0;
    case "GT":
      return sign > 0;
    case "GTE":
      return sign >= 0;
    case "LT":
      return sign < 0;
    case "LTE":
      return sign <= 0;
    default:
      return assertNever(operator);
  }
}

/** Lists are held against the index as they are: text that is asked for in capitals is never there. */
function isAmong(type: ObjectType, property: string, value: string, asked: string): boolean {
  const ranked = rank(type, property, value);
  return typeof ranked === "string" ? ranked === asked : ranked === rank(type, property, asked);
}

/** A star stands for any letters, within a token or, with its punctuation, within a word: `*@example.com`. */
function containsToken(value: string, asked: string): boolean {
  const words = [...value.toLowerCase().split(/\s+/), ...tokensOf(value)];
  return asked
    .toLowerCase()
    .split(/\s+/)
    .every((one) => words.some((word) => starred(one).test(word)));
}

function tokensOf(text: string): readonly string[] {
  return text
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((token) => token !== "");
}

function order(type: ObjectType, property: string, a: string, b: string): number {
  const left = rank(type, property, a);
  const right = rank(type, property, b);
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
