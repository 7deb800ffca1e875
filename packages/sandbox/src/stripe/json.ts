// JSON as answers carry it, and how two objects differ.

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

export interface JsonObject {
  readonly [name: string]: Json;
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The text of a field; empty when it holds none. */
export function textOf(object: JsonObject, name: string): string {
  const value = object[name];
  return typeof value === "string" ? value : "";
}

/** What the fields that changed were before, down to the keys of objects; a new key was null. */
export function previousOf(before: JsonObject, after: JsonObject): JsonObject {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return Object.fromEntries(
    names
      .map((name) => ({ name, was: ownOf(before, name), is: ownOf(after, name) }))
      .filter(({ was, is }) => JSON.stringify(was) !== JSON.stringify(is))
      .map(({ name, was, is }) => [name, isObject(was) && isObject(is) ? previousOf(was, is) : (was ?? null)]),
  );
}

/** A key of metadata may be named like something that every object inherits. */
function ownOf(object: JsonObject, name: string): Json | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}
