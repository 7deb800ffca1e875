// The schemas API: what the custom objects are, and how one is made.

import { type Answer, errorAnswer, unknownType } from "./answer.js";
import type { AssociationType } from "./association-type.js";
import { customObject, fullName } from "./custom-object.js";
import { inMessages, isCustom, type ObjectType } from "./object-type.js";
import type { Portal } from "./portal.js";
import { describeProperties } from "./property-json.js";
import type { ApiRequest } from "./request.js";
import type { NewSchema } from "./schema-body.js";

export interface SchemaCall {
  readonly portal: Portal;
  readonly request: ApiRequest;
}

/** HubSpot's own objects are not listed, though each can be asked for. */
export function listSchemas({ portal }: SchemaCall): Answer {
  const results = portal.types().filter(isCustom);
  return { status: 200, body: { results: results.map((type) => schemaJson(portal, type)) } };
}

export function getSchema({ portal }: SchemaCall, name: string): Answer {
  const type = portal.findTable(name)?.type;
  return type ? { status: 200, body: schemaJson(portal, type) } : unknownType(name);
}

export function createSchema({ portal, request }: SchemaCall, schema: NewSchema): Answer {
  const unknown = schema.associated.find((name) => !portal.findTable(name));
  if (unknown !== undefined) return unknownType(unknown);
  if (portal.findTable(fullName(schema.name))) {
    return errorAnswer(409, "OBJECT_ALREADY_EXISTS", `An object named '${schema.name}' already exists.`);
  }
  return { status: 201, body: schemaJson(portal, defineObject(portal, schema, request.atMs)) };
}

export function defineObject(portal: Portal, schema: NewSchema, atMs: number): ObjectType {
  const innerId = 101 + portal.types().filter(isCustom).length;
  const type = customObject(schema, innerId, atMs);
  portal.addType(type);
  for (const name of schema.associated) {
    const other = portal.findTable(name);
    if (other) portal.associations.define(type, other.type, null);
  }
  return type;
}

function schemaJson(portal: Portal, type: ObjectType): object {
  const { labels, required, display, made, typeId } = type;
  const custom = made === undefined ? {} : customJson(type, made.atMs);
  return {
    labels,
    requiredProperties: required,
    searchableProperties: display.searchable,
    primaryDisplayProperty: display.primary,
    secondaryDisplayProperties: display.secondary,
    description: made?.description ?? "",
    archived: false,
    id: typeId,
    objectTypeId: typeId,
    name: inMessages(type),
    fullyQualifiedName: inMessages(type),
    ...custom,
    properties: describeProperties(type),
    associations: portal.associations.ofType(type).map(associationJson),
  };
}

function customJson({ name, typeId }: ObjectType, atMs: number): object {
  const at = new Date(atMs).toISOString();
  return {
    id: typeId.slice("2-".length),
    fullyQualifiedName: name,
    metaType: "PORTAL_SPECIFIC",
    createdAt: at,
    updatedAt: at,
  };
}

function associationJson({ typeId, from, to, name }: AssociationType): object {
  return { id: String(typeId), fromObjectTypeId: from, toObjectTypeId: to, name };
}
