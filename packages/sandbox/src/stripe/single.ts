// The operations on one object. Each says what it would do and then does it, so that a refusal has changed nothing.

import type { Account } from "./account.js";
import { checkParams } from "./check.js";
import type { Origin } from "./event.js";
import type { Branch } from "./form.js";
import { isObject, type JsonObject } from "./json.js";
import type { ObjectTable } from "./object-table.js";
import { expand, spec } from "./param.js";
import { type Checked, conflicting, good, missingObject, type Refusal, refused, unrecognizedUrl } from "./refusal.js";
import type { Plan, Resource } from "./resource.js";

/** When something is done, and by which request. */
export interface Occasion {
  readonly origin: Origin;
  readonly atS: number;
}

const readParams = spec({ expand });
const noParams = spec({});

export function create(account: Account, resource: Resource, params: Branch, occasion: Occasion): Checked<JsonObject> {
  const written = checkParams(resource.create, params);
  if (written.kind === "refused") return written;
  return carriedOut(account, resource.planCreate(account, written.value, occasion.atS), occasion);
}

export function update(
  account: Account,
  resource: Resource,
  id: string,
  params: Branch,
  occasion: Occasion,
): Checked<JsonObject> {
  const before = account.tables[resource.name].live(id);
  if (!before) return refused(missingObject(resource.object, id, resource.pathParam));
  const written = checkParams(resource.update, params);
  if (written.kind === "refused") return written;
  return carriedOut(account, resource.planUpdate(account, before, written.value, occasion.atS), occasion);
}

export function remove(
  account: Account,
  resource: Resource,
  id: string,
  params: Branch,
  occasion: Occasion,
): Checked<JsonObject> {
  if (!resource.planDelete) return refused(unrecognizedUrl("DELETE", `/v1/${resource.name}/${id}`));
  const before = account.tables[resource.name].live(id);
  if (!before) return refused(missingObject(resource.object, id, resource.pathParam));
  const written = checkParams(noParams, params);
  if (written.kind === "refused") return written;
  return carriedOut(account, resource.planDelete(account, before), occasion);
}

export function get(account: Account, resource: Resource, id: string, params: Branch): Checked<JsonObject> {
  const { object, pathParam, leavesStub } = resource;
  const stored = account.tables[resource.name].find(id);
  if (stored?.deleted && leavesStub) return good({ id, object, deleted: true });
  return read(account.tables[resource.name], object, id, params, pathParam);
}

export function getEvent(account: Account, id: string, params: Branch): Checked<JsonObject> {
  return read(account.events, "event", id, params, "id");
}

function read(table: ObjectTable, object: string, id: string, params: Branch, pathParam: string): Checked<JsonObject> {
  const checked = checkParams(readParams, params);
  if (checked.kind === "refused") return checked;
  const found = table.live(id);
  return found ? good(found) : refused(missingObject(object, id, pathParam));
}

function carriedOut(account: Account, plan: Checked<Plan>, { origin, atS }: Occasion): Checked<JsonObject> {
  if (plan.kind === "refused") return plan;
  const crowded = plan.value.effects.map(({ object }) => tooManyKeys(object)).find((refusal) => refusal);
  if (crowded) return refused(crowded);
  account.apply(plan.value.effects, origin, atS);
  return good(plan.value.answer);
}

function tooManyKeys({ metadata }: JsonObject): Refusal | undefined {
  const keys = isObject(metadata) ? Object.keys(metadata).length : 0;
  return keys > 50 ? conflicting(`You can only set 50 metadata keys, but you've set ${keys}.`, "metadata") : undefined;
}
