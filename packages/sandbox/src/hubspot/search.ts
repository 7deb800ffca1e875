// Searches the live records of one type, in pages, never beyond the ten thousandth result.

import { assertNever } from "../never.js";
import { type Answer, badRequest } from "./answer.js";
import { type Call, pageOf } from "./call.js";
import type { ObjectType } from "./object-type.js";
import { asRead } from "./record-json.js";
import type { Filter, Search } from "./search-body.js";
import { compareBy, holdsWords, matches, rank } from "./search-match.js";

const cap = 10_000;
const mostGroups = 5;
const mostInGroup = 6;
const mostFilters = 18;

export function search({ table }: Call, wanted: Search): Answer {
  const { type } = table;
  const asked = pageOf(wanted.limit, wanted.after, 200);
  if (!asked) return badRequest("limit must be between 1 and 200, and after a number from the page before");
  const end = asked.after + asked.limit;
  if (end > cap) return badRequest(`Paging is limited to ${cap} total results`);
  const refused = refuseFilters(type, wanted);
  if (refused !== undefined) return badRequest(refused);

  const { groups, query, sorts } = wanted;
  const found = table
    .all()
    .filter((record) => record.archivedAtMs === undefined)
    .filter((record) => groups.length === 0 || groups.some((group) => group.every((one) => matches(type, record, one))))
    .filter((record) => holdsWords(type, record, query))
    .sort((a, b) => compareBy(type, sorts, a, b));
  const page = found.slice(asked.after, end);
  return {
    status: 200,
    body: {
      total: found.length,
      results: page.map((record) => asRead(type, record, wanted.properties)),
      ...(end < found.length ? { paging: { next: { after: String(end) } } } : {}),
    },
  };
}

function refuseFilters(type: ObjectType, { groups, sorts }: Search): string | undefined {
  const filters = groups.flat();
  if (groups.length > mostGroups) return `there may be at most ${mostGroups} filterGroups`;
  if (groups.some((group) => group.length > mostInGroup))
    return `there may be at most ${mostInGroup} filters in a group`;
  if (filters.length > mostFilters) return `there may be at most ${mostFilters} filters`;
  for (const { property } of [...filters, ...sorts]) {
    if (!type.properties.has(property)) return `Property "${property}" does not exist`;
  }
  for (const filter of filters) {
    const unreadable = operands(filter).find((value) => Number.isNaN(rank(type, filter.property, value)));
    if (unreadable !== undefined) return `${unreadable} is not a valid value of property ${filter.property}`;
  }
  return undefined;
}

function operands(filter: Filter): readonly string[] {
  switch (filter.kind) {
    case "compare":
      return [filter.value];
    case "between":
      return [filter.low, filter.high];
    case "in":
      return filter.values;
    case "has":
    case "token":
      return [];
    default:
      return assertNever(filter);
  }
}
