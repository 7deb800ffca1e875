// Reads request bodies: a JSON value of unknown shape becomes the input of an operation, or the reason why it can't.

import type { Written } from "./check.js";
import { fieldOf, isFields } from "./fields.js";
import type { Identity } from "./write.js";

export type Input<T> =
  | { readonly kind: "input"; readonly input: T }
  | { readonly kind: "malformed"; readonly message: string };

export interface CreateRow {
  readonly traceId: string | undefined;
  readonly properties: Written;
}

export interface IdentifiedRow extends CreateRow {
  readonly identity: Identity;
}

export interface ReadInput {
  readonly identities: readonly Identity[];
  readonly properties: readonly string[];
}

export function readWrite(body: unknown): Input<Written> {
  return field(body, "properties", readProperties);
}

export function readCreateRows(body: unknown): Input<readonly CreateRow[]> {
  return inputs(body, readCreateRow);
}

export function readIdentifiedRows(body: unknown): Input<readonly IdentifiedRow[]> {
  return inputs(body, (row) => {
    const id = field(row, "id", readText);
    if (id.kind === "malformed") return id;
    const create = readCreateRow(row);
    if (create.kind === "malformed") return create;
    return input({ ...create.input, identity: { id: id.input, idProperty: idPropertyOf(row) } });
  });
}

export function readBatchRead(body: unknown): Input<ReadInput> {
  const ids = readIds(body);
  if (ids.kind === "malformed") return ids;
  const idProperty = idPropertyOf(body);
  const identities = ids.input.map((id) => ({ id, idProperty }));
  return input({ identities, properties: textsOf(body, "properties") });
}

export function readIds(body: unknown): Input<readonly string[]> {
  return inputs(body, (row) => field(row, "id", readText));
}

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

function inputs<T>(body: unknown, read: (row: unknown) => Input<T>): Input<readonly T[]> {
  return field(body, "inputs", (rows) => list(rows, read));
}

function readCreateRow(row: unknown): Input<CreateRow> {
  const properties = field(row, "properties", readProperties);
  if (properties.kind === "malformed") return properties;
  return input({ traceId: optionalText(row, "objectWriteTraceId"), properties: properties.input });
}

function readProperties(value: unknown): Input<Written> {
  if (!isFields(value)) return malformed("Cannot deserialize value: expected an object");
  const properties: [string, string][] = [];
  for (const [name, given] of Object.entries(value)) {
    const text = readText(given);
    if (text.kind === "malformed") return text;
    properties.push([name, text.input]);
  }
  return input(Object.fromEntries(properties));
}

function idPropertyOf(fields: unknown): string {
  return optionalText(fields, "idProperty") ?? "hs_object_id";
}

export function optionalText(fields: unknown, name: string): string | undefined {
  const found = fieldOf(fields, name);
  return typeof found === "string" ? found : undefined;
}
