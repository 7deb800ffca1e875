// The properties API: what discovery reads to learn the columns, and how an admin's tools add, change and remove them.

import { type Answer, badRequest, errorAnswer } from "./answer.js";
import { field, type Input, readText } from "./body.js";
import { type Call, wantsArchived } from "./call.js";
import { isFields } from "./fields.js";
import type { ObjectType } from "./object-type.js";
import type { Property } from "./property.js";
import { readProperty } from "./property-body.js";
import { describeProperties, describeProperty } from "./property-json.js";

export function listProperties({ table, request }: Call): Answer {
  const { type, archivedProperties } = table;
  const archived = [...archivedProperties.values()].map(({ property, atMs }, order) =>
    describeProperty(property, type, order, atMs),
  );
  return { status: 200, body: { results: wantsArchived(request.query) ? archived : describeProperties(type) } };
}

export function getProperty({ table, request }: Call, name: string): Answer {
  if (!wantsArchived(request.query)) return describe(table.type, name, 200);
  const archived = table.archivedProperties.get(name);
  return archived
    ? { status: 200, body: describeProperty(archived.property, table.type, 0, archived.atMs) }
    : noSuchProperty(table.type, name);
}

/** The properties API insists on a group, which a schema need not give. */
export function readNewProperty(body: unknown): Input<Property> {
  const group = field(body, "groupName", readText);
  return group.kind === "malformed" ? group : readProperty(body);
}

export function createProperty({ table }: Call, property: Property): Answer {
  if (table.type.properties.has(property.name)) {
    return errorAnswer(409, "OBJECT_ALREADY_EXISTS", `A property named '${property.name}' already exists.`);
  }
  table.defineProperty(property);
  return describe(table.type, property.name, 201);
}

/** What is left out stays as it was; the name stays whatever is sent. */
export function updateProperty({ table }: Call, name: string, changes: unknown): Answer {
  const found = findOwn(table.type, name);
  if ("status" in found) return found;
  const before = describeProperty(found, table.type, [...table.type.properties.keys()].indexOf(name));
  const read = readProperty({ ...before, ...(isFields(changes) ? changes : {}), name, hasUniqueValue: found.unique });
  if (read.kind === "malformed") return badRequest(read.message);
  table.defineProperty(read.input);
  return describe(table.type, name, 200);
}

export function archiveProperty({ table, request }: Call, name: string): Answer {
  const found = findOwn(table.type, name);
  if ("status" in found) return found;
  table.archiveProperty(name, request.atMs);
  return { status: 204, body: undefined };
}

function findOwn(type: ObjectType, name: string): Property | Answer {
  const property = type.properties.get(name);
  if (!property) return noSuchProperty(type, name);
  return property.custom ? property : badRequest(`Property ${name} is defined by HubSpot and can't be changed`);
}

function describe(type: ObjectType, name: string, status: number): Answer {
  const property = type.properties.get(name);
  if (!property) return noSuchProperty(type, name);
  return { status, body: describeProperty(property, type, [...type.properties.keys()].indexOf(name)) };
}

function noSuchProperty(type: ObjectType, name: string): Answer {
  return errorAnswer(404, "OBJECT_NOT_FOUND", `Property ${name} does not exist`, {
    context: { propertyName: [name], objectTypeId: [type.typeId] },
  });
}
