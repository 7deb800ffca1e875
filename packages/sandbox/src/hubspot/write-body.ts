// Reads what is to be written, read or archived: one record or a batch of them.

import { readAsked, type TypedPair } from "./association-body.js";
import { field, type Input, input, inputs, malformed, optionalText, readText, textsOf } from "./body.js";
import type { Written } from "./check.js";
import { isFields } from "./fields.js";
import type { Identity } from "./write.js";

interface WriteRow {
  readonly traceId: string | undefined;
  readonly properties: Written;
}

export interface CreateRow extends WriteRow {
  readonly asked: readonly Omit<TypedPair, "fromId">[];
}

export interface IdentifiedRow extends WriteRow {
  readonly identity: Identity;
}

export interface ReadInput {
  readonly identities: readonly Identity[];
  readonly properties: readonly string[];
}

export function readWrite(body: unknown): Input<Written> {
  return field(body, "properties", readProperties);
}

export function readCreate(row: unknown): Input<CreateRow> {
  const write = readWriteRow(row);
  if (write.kind === "malformed") return write;
  const asked = readAsked(row);
  return asked.kind === "malformed" ? asked : input({ ...write.input, asked: asked.input });
}

export function readCreateRows(body: unknown): Input<readonly CreateRow[]> {
  return inputs(body, readCreate);
}

export function readIdentifiedRows(body: unknown): Input<readonly IdentifiedRow[]> {
  return inputs(body, (row) => {
    const id = field(row, "id", readText);
    if (id.kind === "malformed") return id;
    const write = readWriteRow(row);
    if (write.kind === "malformed") return write;
    return input({ ...write.input, identity: { id: id.input, idProperty: idPropertyOf(row) } });
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

function readWriteRow(row: unknown): Input<WriteRow> {
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
