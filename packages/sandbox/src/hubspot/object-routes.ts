// The operations on records and on the definitions of their properties, below the name of their type.

import { listNamedLinks } from "./association-single.js";
import { archiveBatch, createBatch, readBatch, updateBatch, upsertBatch } from "./batch.js";
import { input } from "./body.js";
import { type Call, type PairCall, type Verbs, withBody } from "./call.js";
import {
  archiveProperty,
  createProperty,
  getProperty,
  listProperties,
  readNewProperty,
  updateProperty,
} from "./definitions.js";
import { search } from "./search.js";
import { readSearch } from "./search-body.js";
import { archive, create, get, list, update } from "./single.js";
import { readBatchRead, readCreate, readCreateRows, readIdentifiedRows, readIds, readWrite } from "./write-body.js";

export function objectVerbs(rest: readonly string[]): Verbs<Call> | undefined {
  const [first, second, third] = rest;
  if (third !== undefined) return undefined;
  if (first === undefined) return allObjects;
  if (first === "batch") return second === undefined ? undefined : batches.get(second);
  if (second !== undefined) return undefined;
  return first === "search" ? searches : oneObject(first);
}

export function propertyVerbs(rest: readonly string[]): Verbs<Call> | undefined {
  const [name, more] = rest;
  if (more !== undefined) return undefined;
  return name === undefined ? allProperties : oneProperty(name);
}

export function namedLinks(id: string): Verbs<PairCall> {
  return new Map([["GET", (call: PairCall) => listNamedLinks(call, id)]]);
}

const allProperties: Verbs<Call> = new Map([
  ["GET", listProperties],
  ["POST", withBody(readNewProperty, createProperty)],
]);

function oneProperty(name: string): Verbs<Call> {
  return new Map([
    ["GET", (call: Call) => getProperty(call, name)],
    ["PATCH", withBody(input, (call: Call, changes: unknown) => updateProperty(call, name, changes))],
    ["DELETE", (call: Call) => archiveProperty(call, name)],
  ]);
}

const allObjects: Verbs<Call> = new Map([
  ["GET", list],
  ["POST", withBody(readCreate, create)],
]);

function oneObject(id: string): Verbs<Call> {
  return new Map([
    ["GET", (call: Call) => get(call, id)],
    ["PATCH", withBody(readWrite, (call: Call, written) => update(call, id, written))],
    ["DELETE", (call: Call) => archive(call, id)],
  ]);
}

const searches: Verbs<Call> = new Map([["POST", withBody(readSearch, search)]]);

const batches: ReadonlyMap<string, Verbs<Call>> = new Map([
  ["create", new Map([["POST", withBody(readCreateRows, createBatch)]])],
  ["read", new Map([["POST", withBody(readBatchRead, readBatch)]])],
  ["update", new Map([["POST", withBody(readIdentifiedRows, updateBatch)]])],
  ["upsert", new Map([["POST", withBody(readIdentifiedRows, upsertBatch)]])],
  ["archive", new Map([["POST", withBody(readIds, archiveBatch)]])],
]);
