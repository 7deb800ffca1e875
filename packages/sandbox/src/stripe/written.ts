// What good parameters say, typed, and what they make of an object.

import { assertNever } from "../never.js";
import { isObject, type Json, type JsonObject } from "./json.js";

export type WrittenValue =
  | { readonly kind: "value"; readonly value: Json }
  /** Null takes a key away; keys that are not named stay. */
  | { readonly kind: "metadata"; readonly entries: ReadonlyMap<string, string | null> }
  | { readonly kind: "hash"; readonly fields: Written; readonly empty: JsonObject }
  | { readonly kind: "range"; readonly range: Range };

export type Written = ReadonlyMap<string, WrittenValue>;

/** Both ends count. */
interface Range {
  readonly from: number;
  readonly to: number;
}

/** Undefined when the parameter was not sent. */
export function valueIn(written: Written, name: string): Json | undefined {
  const found = written.get(name);
  return found?.kind === "value" ? found.value : undefined;
}

export function textIn(written: Written, name: string): string | undefined {
  const value = valueIn(written, name);
  return typeof value === "string" ? value : undefined;
}

export function hashIn(written: Written, name: string): Written | undefined {
  const found = written.get(name);
  return found?.kind === "hash" ? found.fields : undefined;
}

export function without(written: Written, ...names: readonly string[]): Written {
  return new Map([...written].filter(([name]) => !names.includes(name)));
}

export function applied(before: JsonObject, written: Written): JsonObject {
  const after: Record<string, Json> = { ...before };
  for (const [name, value] of written) after[name] = appliedValue(before[name], value);
  return after;
}

function appliedValue(before: Json | undefined, written: WrittenValue): Json {
  switch (written.kind) {
    case "value":
      return written.value;
    case "metadata": {
      const after = new Map(Object.entries(isObject(before) ? before : {}));
      for (const [key, value] of written.entries) {
        if (value === null) after.delete(key);
        else after.set(key, value);
      }
      return Object.fromEntries(after);
    }
    case "hash":
      return applied(isObject(before) ? before : written.empty, written.fields);
    case "range":
      throw new Error("a range is a filter and no value");
    default:
      return assertNever(written);
  }
}
