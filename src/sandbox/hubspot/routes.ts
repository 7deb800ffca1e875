// From a path and a verb to the operation.

import { type Answer, errorAnswer, notThere, unknownType } from "./answer.js";
import type { Verbs } from "./call.js";
import { objectVerbs, propertyVerbs } from "./object-routes.js";
import type { Portal } from "./portal.js";
import type { ApiRequest } from "./request.js";

export function serve(portal: Portal, request: ApiRequest): Answer {
  const [api, version, area, ...rest] = request.path
    .split("/")
    .filter((part) => part !== "")
    .map(decode);
  switch (`/${api}/${version}/${area}`) {
    case "/crm/v3/objects":
      return serveType(portal, request, rest[0], objectVerbs(rest.slice(1)));
    case "/crm/v3/properties":
      return serveType(portal, request, rest[0], propertyVerbs(rest.slice(1)));
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
