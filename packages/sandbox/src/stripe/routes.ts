// From a path and a verb to the operation.

import type { Account } from "./account.js";
import { type Answer, ok, refusalAnswer } from "./answer.js";
import { customers } from "./customers.js";
import type { ResourceName } from "./effect.js";
import type { JsonObject } from "./json.js";
import { list, listEvents } from "./list.js";
import { prices } from "./prices.js";
import { products } from "./products.js";
import { type Checked, invalid, refused, unrecognizedUrl } from "./refusal.js";
import type { ApiRequest } from "./request.js";
import type { Resource } from "./resource.js";
import { create, get, getEvent, type Occasion, remove, update } from "./single.js";

export const resources: Readonly<Record<ResourceName, Resource>> = { customers, products, prices };

export function serve(account: Account, request: ApiRequest): Answer {
  const outcome = refuseRequest(request) ?? route(account, request);
  return outcome.kind === "good" ? ok(outcome.value) : refusalAnswer(request, outcome.refusal);
}

function refuseRequest({ otherEncoding, version }: ApiRequest): Checked<never> | undefined {
  if (version !== undefined && !/^\d{4}-\d\d-\d\d(?:\.[a-z]+)?$/.test(version)) {
    return refused(invalid(`Invalid Stripe API version: ${version}`));
  }
  return otherEncoding
    ? refused(
        invalid(
          "Invalid request (check that your POST content type is application/x-www-form-urlencoded). If you have any questions, we can help at https://support.stripe.com/.",
        ),
      )
    : undefined;
}

function route(account: Account, request: ApiRequest): Checked<JsonObject> {
  const { method, path, params } = request;
  const [, area, encodedId] = /^\/v1\/([a-z_]+)(?:\/([^/]+))?\/?$/.exec(path) ?? [];
  const id = encodedId === undefined ? undefined : decode(encodedId);
  if (area === "events" && method === "GET")
    return id === undefined ? listEvents(account, params) : getEvent(account, id, params);
  const resource = Object.values(resources).find(({ name }) => name === area);
  // Stripe answers a search from an index, which this sandbox lacks.
  if (!resource || id === "search") return refused(unrecognizedUrl(method, path));
  return id === undefined ? routeAll(account, resource, request) : routeOne(account, resource, id, request);
}

/** Serves the address of all objects of a kind. */
function routeAll(account: Account, resource: Resource, request: ApiRequest): Checked<JsonObject> {
  const { method, path, params } = request;
  switch (method) {
    case "GET":
      return list(account, resource, params);
    case "POST":
      return create(account, resource, params, occasionOf(request));
    default:
      return refused(unrecognizedUrl(method, path));
  }
}

/** Serves the address of one object. */
function routeOne(account: Account, resource: Resource, id: string, request: ApiRequest): Checked<JsonObject> {
  const { method, path, params } = request;
  switch (method) {
    case "GET":
      return get(account, resource, id, params);
    case "POST":
      return update(account, resource, id, params, occasionOf(request));
    case "DELETE":
      return remove(account, resource, id, params, occasionOf(request));
    default:
      return refused(unrecognizedUrl(method, path));
  }
}

function occasionOf({ id, idempotencyKey, atMs }: ApiRequest): Occasion {
  return {
    origin: { requestId: id, idempotencyKey: idempotencyKey ?? null },
    atS: Math.floor(atMs / 1000),
  };
}

/** A path that isn't encoded properly is taken as it is. */
function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
