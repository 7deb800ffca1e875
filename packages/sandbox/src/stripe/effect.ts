// One change to the account's objects, which a resource plans and the account applies.

import type { JsonObject } from "./json.js";

export type ResourceName = "customers" | "products" | "prices";

export interface Effect {
  readonly kind: "created" | "updated" | "deleted";
  readonly resource: ResourceName;
  /** The whole object as it is after the change. */
  readonly object: JsonObject;
}
