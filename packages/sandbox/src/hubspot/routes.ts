// From a path and a verb to the operation.

import { type Answer, errorAnswer, notThere, unknownType } from "./answer.js";
import { betweenTypes, ofRecord, type PairRoute } from "./association-routes.js";
import { type Verbs, withBody } from "./call.js";
import { namedLinks, objectVerbs, propertyVerbs } from "./object-routes.js";
import type { Portal } from "./portal.js";
import type { ApiRequest } from "./request.js";
import { readSchema } from "./schema-body.js";
import { createSchema, getSchema, listSchemas, type SchemaCall } from "./schemas.js";

export function serve(portal: Portal, request: ApiRequest): Answer {
  const [api, version, area, ...rest] = request.path
    .split("/")
    .filter((part) => part !== "")
    .map(decode);
  switch (`/${api}/${version}/${area}`) {
    case "/crm/v3/objects": {
      const [from, id, associations, to, ...more] = rest;
      return associations === "associations" && id !== undefined && from !== undefined && to !== undefined
        ? servePair(portal, request, more.length > 0 ? undefined : { from, to, verbs: namedLinks(id) })
        : serveType(portal, request, rest[0], objectVerbs(rest.slice(1)));
    }
    case "/crm/v3/properties":
      return serveType(portal, request, rest[0], propertyVerbs(rest.slice(1)));
    case "/crm/v4/objects":
      return servePair(portal, request, ofRecord(rest));
    case "/crm/v4/associations":
      return servePair(portal, request, betweenTypes(rest));
    case "/crm-object-schemas/v3/schemas":
      return run({ portal, request }, schemaVerbs(rest));
    default:
      return notThere();
  }
}

function serveType(
  portal: Portal,
  request: ApiRequest,
  name: string | undefined,
  verbs: ReturnType<typeof objectVerbs>,
): Answer {
  if (name === undefined || !verbs) return notThere();
  const table = portal.findTable(name);
  if (!table) return unknownType(name);
  return run({ portal, table, request }, verbs);
}

function servePair(portal: Portal, request: ApiRequest, route: PairRoute | undefined): Answer {
  if (!route) return notThere();
  const from = portal.findTable(route.from);
  const to = portal.findTable(route.to);
  if (!from) return unknownType(route.from);
  if (!to) return unknownType(route.to);
  return run({ portal, from, to, request }, route.verbs);
}

function schemaVerbs(rest: readonly string[]): Verbs<SchemaCall> | undefined {
  const [name, more] = rest;
  if (more !== undefined) return undefined;
  return name === undefined ? allSchemas : new Map([["GET", (call: SchemaCall) => getSchema(call, name)]]);
}

const allSchemas: Verbs<SchemaCall> = new Map([
  ["GET", listSchemas],
  ["POST", withBody(readSchema, createSchema)],
]);

function run<C extends { readonly request: ApiRequest }>(call: C, verbs: Verbs<C> | undefined): Answer {
  if (!verbs) return notThere();
  const operation = verbs.get(call.request.method);
  return operation ? operation(call) : wrongVerb(call.request.method, verbs);
}

function wrongVerb(method: string, verbs: ReadonlyMap<string, unknown>): Answer {
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
