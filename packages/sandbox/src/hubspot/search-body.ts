// The body of a search: groups of filters, any of which may match, each filter of a group must.

import { field, type Input, input, list, malformed, optionalText, readText, textsOf } from "./body.js";
import { fieldOf } from "./fields.js";

export type Filter =
  | { readonly kind: "compare"; readonly property: string; readonly operator: Comparison; readonly value: string }
  | { readonly kind: "between"; readonly property: string; readonly low: string; readonly high: string }
  | { readonly kind: "in"; readonly property: string; readonly values: readonly string[]; readonly not: boolean }
  | { readonly kind: "has"; readonly property: string; readonly not: boolean }
  | { readonly kind: "token"; readonly property: string; readonly token: string; readonly not: boolean };

export type Comparison = "EQ" | "NEQ" | "GT" | "GTE" | "LT" | "LTE";

export interface Sort {
  readonly property: string;
  readonly descending: boolean;
}

export interface Search {
  readonly groups: readonly (readonly Filter[])[];
  readonly sorts: readonly Sort[];
  /** Words to be found in the searchable properties. */
  readonly query: string;
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
    query: optionalText(body, "query") ?? "",
    properties: textsOf(body, "properties"),
    limit: limit.input ?? null,
    after: after.input ?? null,
  });
}

function readFilter(filter: unknown): Input<Filter> {
  const name = field(filter, "propertyName", readText);
  if (name.kind === "malformed") return name;
  const given = field(filter, "operator", readText);
  if (given.kind === "malformed") return given;
  const property = name.input;
  const operator = given.input;
  switch (operator) {
    case "EQ":
    case "NEQ":
    case "GT":
    case "GTE":
    case "LT":
    case "LTE":
      return withText(filter, "value", (value) => input({ kind: "compare", property, operator, value }));
    case "BETWEEN":
      return withText(filter, "value", (low) =>
        withText(filter, "highValue", (high) => input({ kind: "between", property, low, high })),
      );
    case "IN":
    case "NOT_IN": {
      const values = field(filter, "values", (all) => list(all, readText));
      if (values.kind === "malformed") return values;
      return input({ kind: "in", property, values: values.input, not: operator === "NOT_IN" });
    }
    case "HAS_PROPERTY":
    case "NOT_HAS_PROPERTY":
      return input({ kind: "has", property, not: operator === "NOT_HAS_PROPERTY" });
    case "CONTAINS_TOKEN":
    case "NOT_CONTAINS_TOKEN": {
      const not = operator === "NOT_CONTAINS_TOKEN";
      return withText(filter, "value", (token) => input({ kind: "token", property, token, not }));
    }
    default:
      return malformed(`there is no operator ${operator}`);
  }
}

function withText(filter: unknown, name: string, then: (text: string) => Input<Filter>): Input<Filter> {
  const text = field(filter, name, readText);
  return text.kind === "malformed" ? text : then(text.input);
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
