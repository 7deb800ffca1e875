// A custom object: the properties of its schema and those that HubSpot gives to every object.

import { byName, type ObjectType } from "./object-type.js";
import { portalId } from "./portal-id.js";
import { datetime, number, owner, property, setByHubspot } from "./property.js";
import type { NewSchema } from "./schema-body.js";

export function customObject(schema: NewSchema, innerId: number, atMs: number): ObjectType {
  const { name, labels, display, required, description, properties } = schema;
  return {
    name: fullName(name),
    typeId: `2-${innerId}`,
    aliases: [`p_${name}`],
    noun: name,
    labels,
    groupName: `${name}_information`,
    created: "hs_createdate",
    modified: "hs_lastmodifieddate",
    defaults: ["hs_createdate", "hs_lastmodifieddate", "hs_object_id"],
    required,
    initial: new Map(),
    display,
    properties: byName(
      ...properties,
      property("hubspot_owner_id", "Owner", owner),
      setByHubspot("hs_object_id", "Record ID", number),
      setByHubspot("hs_createdate", "Object create date/time", datetime),
      setByHubspot("hs_lastmodifieddate", "Object last modified date/time", datetime),
    ),
    made: { atMs, description },
  };
}

/** Unlike the bare name it can't be taken for one of HubSpot's own. */
export function fullName(name: string): string {
  return `p${portalId}_${name}`;
}
