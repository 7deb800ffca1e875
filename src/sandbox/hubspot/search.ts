// Searches the live records of one type, in pages, never beyond the ten thousandth result.

import { type Answer, badRequest } from "./answer.js";
import { type Call, pageOf } from "./call.js";
import { assertNever } from "./never.js";
import type { StoredRecord } from "./object-table.js";
import type { ObjectType } from "./object-type.js";
import { asRead } from "./record-json.js";
import type { Comparison, Filter, Search, Sort } from "./search-body.js";
import { instantMs } from "./value.js";

const cap = 10_000;

export function search({ table }: Call, wanted: Search): Answer {
  const { type } = table;
  const asked = pageOf(wanted.limit, wanted.after, 200);
  if (!asked) return badRequest("limit must be between 1 and 200, and after a number from the page before");
  const end = asked.after + asked.limit;
  if (end > cap) return badRequest(`Paging is limited to ${cap} total results`);
  const refused = refuseFilters(type, wanted);
  if (refused !== undefined) return badRequest(refused);

  const matches = table
    .all()
    .filter((record) => record.archivedAtMs === undefined && matchesAny(type, record, wanted.groups))
    .sort((a, b) => compareBy(type, wanted.sorts, a, b));
  const page = matches.slice(asked.after, end);
  return {
    status: 200,
    body: {
      total: matches.length,
      results: page.map((record) => asRead(type, record, wanted.properties)),
      ...(end < matches.length ? { paging: { next: { after: String(end) } } } : {}),
    },
  };
}

function refuseFilters(type: ObjectType, { groups, sorts }: Search): string | undefined {
  for (const { property } of [...groups.flat(), ...sorts]) {
    if (!type.properties.has(property)) return `Property "${property}" does not exist`;
  }
  for (const filter of groups.flat()) {
    const unreadable = operands(filter).find((value) => Number.isNaN(rank(type, filter.property, value)));
    if (unreadable !== undefined) return `${unreadable} is not a valid value of property ${filter.property}`;
  }
  return undefined;
}

function operands(filter: Filter): readonly string[] {
  switch (filter.kind) {
    case "compare":
      return [filter.value];
    case "in":
      return filter.values;
    case "has":
      return [];
    default:
      return assertNever(filter);
  }
}

function matchesAny(type: ObjectType, record: StoredRecord, groups: readonly (readonly Filter[])[]): boolean {
  return groups.length === 0 || groups.some((group) => group.every((filter) => matches(type, record, filter)));
}

function matches(type: ObjectType, record: StoredRecord, filter: Filter): boolean {
  const value = record.values.get(filter.property);
  if (value === undefined) return false;
  switch (filter.kind) {
    case "compare":
      return satisfies(filter.operator, order(type, filter.property, value, filter.value));
    case "in":
      return filter.values.some((asked) => order(type, filter.property, value, asked) === 0);
    case "has":
      return true;
    default:
      return assertNever(filter);
  }
}

function satisfies(operator: Comparison, sign: number): boolean {
  switch (operator) {
    case "EQ":
      return sign === 0;
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

/** By the sorts; records without a value come last, and ids break the ties. */
function compareBy(type: ObjectType, sorts: readonly Sort[], a: StoredRecord, b: StoredRecord): number {
  for (const { property, descending } of sorts) {
    const left = a.values.get(property);
    const right = b.values.get(property);
    if (left === undefined || right === undefined) {
      if (left !== right) return left === undefined ? 1 : -1;
      continue;
    }
    const sign = order(type, property, left, right);
    if (sign !== 0) return descending ? -sign : sign;
  }
  return Number(a.id) - Number(b.id);
}

function order(type: ObjectType, property: string, a: string, b: string): number {
  const left = rank(type, property, a);
  const right = rank(type, property, b);
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

/** What a value is compared by; text whatever its case. NaN: not a value of this property. */
function rank(type: ObjectType, property: string, value: string): number | string {
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
    case "owner":
    case undefined:
      return value;
    default:
      return assertNever(kind);
  }
}
