// Reads request bodies: a JSON value of unknown shape becomes the input of an operation, or the reason why it can't.

import { fieldOf } from "./fields.js";

export type Input<T> =
  | { readonly kind: "input"; readonly input: T }
  | { readonly kind: "malformed"; readonly message: string };

export function malformed(reason: string): Input<never> {
  return { kind: "malformed", message: `Invalid input JSON on line 1, column 1: ${reason}` };
}

export function input<T>(value: T): Input<T> {
  return { kind: "input", input: value };
}

export function field<T>(value: unknown, name: string, read: (value: unknown) => Input<T>): Input<T> {
  const found = fieldOf(value, name);
  if (found !== undefined) return read(found);
  return malformed(`Some required fields were not set: [${name}]`);
}

export function list<T>(value: unknown, read: (item: unknown) => Input<T>): Input<readonly T[]> {
  if (!Array.isArray(value)) return malformed("Cannot deserialize value: expected an array");
  const items: T[] = [];
  for (const item of value) {
    const one = read(item);
    if (one.kind === "malformed") return one;
    items.push(one.input);
  }
  return input(items);
}

/** Numbers and booleans are read as their text. */
export function readText(value: unknown): Input<string> {
  switch (typeof value) {
    case "string":
      return input(value);
    case "number":
    case "boolean":
      return input(String(value));
    default:
      return malformed("Cannot deserialize value: expected a string");
  }
}

export function textsOf(body: unknown, name: string): readonly string[] {
  const texts = list(fieldOf(body, name), readText);
  return texts.kind === "input" ? texts.input : [];
}

export function inputs<T>(body: unknown, read: (row: unknown) => Input<T>): Input<readonly T[]> {
  return field(body, "inputs", (rows) => list(rows, read));
}

export function optionalText(fields: unknown, name: string): string | undefined {
  const found = fieldOf(fields, name);
  return typeof found === "string" ? found : undefined;
}
