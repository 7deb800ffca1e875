// Whether an object is one that the filters of a list ask for.

import { assertNever } from "../never.js";
import { isObject, type Json, type JsonObject, textOf } from "./json.js";
import { textIn, valueIn, type Written, type WrittenValue, without } from "./written.js";

/** Filters that list several values of one field. */
const fields: ReadonlyMap<string, string> = new Map([
  ["ids", "id"],
  ["lookup_keys", "lookup_key"],
]);

export function fits(object: JsonObject, filters: Written): boolean {
  return [...filters].every(([name, filter]) => fitsOne(object[fields.get(name) ?? name] ?? null, filter));
}

/** `customer.*` is every type that begins so. */
export function fitsEvent(event: JsonObject, filters: Written): boolean {
  const type = textIn(filters, "type");
  const types = valueIn(filters, "types");
  const happened = textOf(event, "type");
  if (type !== undefined && !fitsType(happened, type)) return false;
  if (Array.isArray(types) && !types.some((wanted) => fitsType(happened, String(wanted)))) return false;
  return fits(event, without(filters, "type", "types"));
}

function fitsType(happened: string, wanted: string): boolean {
  return wanted.endsWith("*") ? happened.startsWith(wanted.slice(0, -1)) : happened === wanted;
}

function fitsOne(found: Json, filter: WrittenValue): boolean {
  switch (filter.kind) {
    case "value":
      return Array.isArray(filter.value) ? filter.value.includes(found) : filter.value === found;
    case "range":
      return Number(found) >= filter.range.from && Number(found) <= filter.range.to;
    case "hash":
      return isObject(found) && fits(found, filter.fields);
    case "metadata":
      throw new Error("metadata is no filter");
    default:
      return assertNever(filter);
  }
}
