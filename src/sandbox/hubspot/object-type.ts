// What the API knows of a kind of object. Everything else in this folder works from such a description.

import type { Property } from "./property.js";

export interface ObjectType {
  /** The name in paths. */
  readonly name: string;
  /** HubSpot's own number for it, accepted in paths as well. */
  readonly typeId: string;
  /** The name in messages: "Contact already exists". */
  readonly singular: string;
  readonly groupName: string;
  /** The property that every change moves; contacts call it otherwise than all the others. */
  readonly modified: string;
  /** What comes back when nothing is asked for. */
  readonly defaults: readonly string[];
  readonly properties: ReadonlyMap<string, Property>;
}

export function byName(...properties: readonly Property[]): ReadonlyMap<string, Property> {
  return new Map(properties.map((property) => [property.name, property]));
}

/** What comes back whatever is asked for. */
export function alwaysRead(type: ObjectType): readonly string[] {
  return ["createdate", "hs_object_id", type.modified];
}

/** Whether a record can be named by its value of this property. */
export function identifies(type: ObjectType, name: string): boolean {
  return name === "hs_object_id" || type.properties.get(name)?.unique === true;
}
