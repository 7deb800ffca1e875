// The body of a search: groups of filters, any of which may match, each filter of a group must.

import { field, type Input, input, list, malformed, readText, textsOf } from "./body.js";
import { fieldOf } from "./fields.js";

export type Filter =
  | { readonly kind: "compare"; readonly property: string; readonly operator: Comparison; readonly value: string }
  | { readonly kind: "in"; readonly property: string; readonly values: readonly string[] }
  | { readonly kind: "has"; readonly property: string };

export type Comparison = "EQ" | "GT" | "GTE" | "LT" | "LTE";

export interface Sort {
  readonly property: string;
  readonly descending: boolean;
}

export interface Search {
  readonly groups: readonly (readonly Filter[])[];
  readonly sorts: readonly Sort[];
  readonly properties: readonly string[];
  readonly limit: string | null;
  readonly after: string | null;
}

export function readSearch(body: unknown): Input<Search> {
  const groups = optional(body, "filterGroups", (all) => {
    return list(all, (group) => field(group, "filters", (filters) => list(filters, readFilter)));
  });
  if (groups.kind === "malformed") return groups;
  const sorts = optional(body, "sorts", (all) => list(all, readSort));
  if (sorts.kind === "malformed") return sorts;
  const limit = optional(body, "limit", readText);
  if (limit.kind === "malformed") return limit;
  const after = optional(body, "after", readText);
  if (after.kind === "malformed") return after;
  return input({
    groups: groups.input ?? [],
    sorts: sorts.input ?? [],
    properties: textsOf(body, "properties"),
    limit: limit.input ?? null,
    after: after.input ?? null,
  });
}

function readFilter(filter: unknown): Input<Filter> {
  const property = field(filter, "propertyName", readText);
  if (property.kind === "malformed") return property;
  const operator = field(filter, "operator", readText);
  if (operator.kind === "malformed") return operator;
  switch (operator.input) {
    case "EQ":
    case "GT":
    case "GTE":
    case "LT":
    case "LTE": {
      const value = field(filter, "value", readText);
      if (value.kind === "malformed") return value;
      return input({ kind: "compare", property: property.input, operator: operator.input, value: value.input });
    }
    case "IN":
      return input({ kind: "in", property: property.input, values: textsOf(filter, "values") });
    case "HAS_PROPERTY":
      return input({ kind: "has", property: property.input });
    default:
      return malformed(`the sandbox has no operator ${operator.input}`);
  }
}

/** A name, "-" before it for the other direction; or the object form, which the API takes as well. */
function readSort(sort: unknown): Input<Sort> {
  if (typeof sort === "string") return input({ property: sort.replace(/^-/, ""), descending: sort.startsWith("-") });
  const property = field(sort, "propertyName", readText);
  if (property.kind === "malformed") return property;
  return input({ property: property.input, descending: fieldOf(sort, "direction") === "DESCENDING" });
}

function optional<T>(body: unknown, name: string, read: (value: unknown) => Input<T>): Input<T | undefined> {
  const found = fieldOf(body, name);
  return found === undefined || found === null ? input(undefined) : read(found);
}
