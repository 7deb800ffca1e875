// A kind of object: its parameters, and what a request would do to the account. It decides; the account does.

import type { Account } from "./account.js";
import type { Effect, ResourceName } from "./effect.js";
import type { JsonObject } from "./json.js";
import type { Spec } from "./param.js";
import type { Checked, Refusal } from "./refusal.js";
import type { Written } from "./written.js";

/** What a request does: the object that is answered, and all changes in the order of their events. */
export interface Plan {
  readonly answer: JsonObject;
  readonly effects: readonly Effect[];
}

export interface Resource {
  readonly name: ResourceName;
  /** As in the field `object`, in errors and in the types of events. */
  readonly object: string;
  /** What errors call the id of the path. */
  readonly pathParam: string;
  readonly create: Spec;
  readonly update: Spec;
  readonly filters: Spec;
  /** Whether a deleted object still answers to its id. */
  readonly leavesStub: boolean;
  planCreate(account: Account, written: Written, atS: number): Checked<Plan>;
  planUpdate(account: Account, before: JsonObject, written: Written, atS: number): Checked<Plan>;
  /** Undefined: what is made stays. */
  readonly planDelete: ((account: Account, before: JsonObject) => Checked<Plan>) | undefined;
  /** Why a list can't be filtered so. */
  refuseFilters(account: Account, filters: Written): Refusal | undefined;
}
