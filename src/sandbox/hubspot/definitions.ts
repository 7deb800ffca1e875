// The properties API: what discovery reads to learn the columns.

import { type Answer, errorAnswer } from "./answer.js";
import type { Call } from "./call.js";
import { describeProperty } from "./property-json.js";

export function listProperties({ table }: Call): Answer {
  const { groupName, properties } = table.type;
  return {
    status: 200,
    body: { results: [...properties.values()].map((property, order) => describeProperty(property, groupName, order)) },
  };
}

export function getProperty({ table }: Call, name: string): Answer {
  const { groupName, properties, typeId } = table.type;
  const property = properties.get(name);
  if (property)
    return { status: 200, body: describeProperty(property, groupName, [...properties.keys()].indexOf(name)) };
  return errorAnswer(404, "OBJECT_NOT_FOUND", `Property ${name} does not exist`, {
    context: { propertyName: [name], objectTypeId: [typeId] },
  });
}
