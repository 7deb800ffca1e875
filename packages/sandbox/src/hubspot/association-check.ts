// Whether an association that is asked for can be: its kinds exist and fit the ends, and so do the records.

import type { Context } from "./answer.js";
import { type AssociationSpec, type AssociationType, specName } from "./association-type.js";
import type { End } from "./associations.js";
import type { ObjectTable } from "./object-table.js";
import { inMessages, type ObjectType } from "./object-type.js";
import type { Portal } from "./portal.js";
import type { Refusal } from "./refusal.js";

export type Unassociable = Extract<Refusal, { kind: "unassociable" }>;

export type Checked<T> = { readonly kind: "possible"; readonly value: T } | Unassociable;

/** One association of a record that is about to be created. */
export interface AskedLink {
  readonly to: End;
  readonly types: readonly AssociationType[];
}

export function checkSpecs(
  portal: Portal,
  from: ObjectType,
  to: ObjectType,
  specs: readonly AssociationSpec[],
): Checked<readonly AssociationType[]> {
  const types: AssociationType[] = [];
  for (const spec of specs) {
    const type = portal.associations.find(spec);
    if (!type) return noSuchType(spec);
    if (type.from !== from.typeId) return wrongEnd("from", from, type.from, type);
    if (type.to !== to.typeId) return wrongEnd("to", to, type.to, type);
    types.push(type);
  }
  return { kind: "possible", value: types };
}

/** Without kinds: the unlabelled one, if the two types of objects have it. */
export function checkUnlabelled(portal: Portal, from: ObjectType, to: ObjectType): Checked<AssociationType> {
  const type = portal.associations.unlabelled(from, to);
  if (type) return { kind: "possible", value: type };
  const message = `No default association exists between ${inMessages(from)} and ${inMessages(to)}`;
  return { kind: "unassociable", message };
}

export function checkEnd(table: ObjectTable, id: string): Checked<End> {
  const { type } = table;
  return table.find("hs_object_id", id) ? { kind: "possible", value: { type, id } } : noSuchEnd(type, id);
}

/** What a create asks for names the type of the others only by the kind of association. */
export function checkAsked(
  portal: Portal,
  from: ObjectType,
  asked: readonly { readonly toId: string; readonly specs: readonly AssociationSpec[] }[],
): Checked<readonly AskedLink[]> {
  const links: AskedLink[] = [];
  for (const { toId, specs } of asked) {
    for (const spec of specs) {
      const table = portal.findTable(portal.associations.find(spec)?.to ?? "");
      if (!table) return noSuchType(spec);
      const types = checkSpecs(portal, from, table.type, [spec]);
      if (types.kind === "unassociable") return types;
      const to = checkEnd(table, toId);
      if (to.kind === "unassociable") return to;
      links.push({ to: to.value, types: types.value });
    }
  }
  return { kind: "possible", value: links };
}

function noSuchType(spec: AssociationSpec): Unassociable {
  const name = specName(spec);
  return invalid({
    associationSpec: [name],
    INVALID_ASSOCIATION_TYPE_ID: [`${name} is not a valid association definition id`],
  });
}

function noSuchEnd(type: ObjectType, id: string): Unassociable {
  return invalid({
    INVALID_OBJECT_IDS: [`${inMessages(type)}=${id} is not valid`],
    objectId: [id],
    objectType: [inMessages(type)],
  });
}

function wrongEnd(end: "from" | "to", given: ObjectType, expected: string, type: AssociationType): Unassociable {
  const space = type.category === "HUBSPOT_DEFINED" ? 0 : 1;
  const message = `invalid ${end} object type ${given.typeId} for associations to be created. expected: ${expected}. For definition ${space}-${type.typeId}`;
  return { kind: "unassociable", message };
}

function invalid(context: Context): Unassociable {
  return { kind: "unassociable", message: "One or more associations are invalid", context };
}
