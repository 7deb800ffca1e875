// From a path and a verb to the operation.

import { type Answer, badRequest, errorAnswer } from "./answer.js";
import { archiveBatch, createBatch, readBatch, updateBatch, upsertBatch } from "./batch.js";
import { readBatchRead, readCreateRows, readIdentifiedRows, readIds, readWrite } from "./body.js";
import { type Operation, withBody } from "./call.js";
import { getProperty, listProperties } from "./definitions.js";
import type { Portal } from "./portal.js";
import type { ApiRequest } from "./request.js";
import { search } from "./search.js";
import { readSearch } from "./search-body.js";
import { archive, create, get, list, update } from "./single.js";

/** The operations of one path, by verb. */
type Verbs = ReadonlyMap<string, Operation>;

export function serve(portal: Portal, request: ApiRequest): Answer {
  const [crm, version, area, typeName, ...rest] = request.path.split("/").filter((part) => part !== "");
  if (crm !== "crm" || version !== "v3" || typeName === undefined) return noSuchPath();
  const verbs = verbsAt(area, rest);
  if (!verbs) return noSuchPath();
  const operation = verbs.get(request.method);
  if (!operation) return wrongVerb(request.method, verbs);
  const table = portal.findTable(typeName);
  if (!table) return badRequest(`Unable to infer object type from: ${typeName}`);
  return operation({ portal, table, request });
}

function verbsAt(area: string | undefined, rest: readonly string[]): Verbs | undefined {
  const [first, second, third] = rest;
  if (third !== undefined) return undefined;
  if (area === "properties" && second === undefined) {
    return first === undefined ? allProperties : oneProperty(decode(first));
  }
  if (area !== "objects") return undefined;
  if (first === undefined) return allObjects;
  if (first === "batch") return second === undefined ? undefined : batches.get(second);
  if (second !== undefined) return undefined;
  return first === "search" ? searches : oneObject(decode(first));
}

const allProperties: Verbs = new Map([["GET", listProperties]]);

function oneProperty(name: string): Verbs {
  return new Map<string, Operation>([["GET", (call) => getProperty(call, name)]]);
}

const allObjects: Verbs = new Map([
  ["GET", list],
  ["POST", withBody(readWrite, create)],
]);

function oneObject(id: string): Verbs {
  return new Map<string, Operation>([
    ["GET", (call) => get(call, id)],
    ["PATCH", withBody(readWrite, (call, written) => update(call, id, written))],
    ["DELETE", (call) => archive(call, id)],
  ]);
}

const searches: Verbs = new Map([["POST", withBody(readSearch, search)]]);

const batches: ReadonlyMap<string, Verbs> = new Map([
  ["create", new Map([["POST", withBody(readCreateRows, createBatch)]])],
  ["read", new Map([["POST", withBody(readBatchRead, readBatch)]])],
  ["update", new Map([["POST", withBody(readIdentifiedRows, updateBatch)]])],
  ["upsert", new Map([["POST", withBody(readIdentifiedRows, upsertBatch)]])],
  ["archive", new Map([["POST", withBody(readIds, archiveBatch)]])],
]);

function noSuchPath(): Answer {
  return errorAnswer(404, "OBJECT_NOT_FOUND", "resource not found");
}

function wrongVerb(method: string, verbs: Verbs): Answer {
  const allowed = [...verbs.keys()].join(", ");
  return { ...errorAnswer(405, "VALIDATION_ERROR", `HTTP ${method} is not allowed here`), headers: { Allow: allowed } };
}

/** A path that isn't encoded properly is taken as it is. */
function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
