// What the API knows of a kind of object. Everything else in this folder works from such a description.

import type { Property, Values } from "./property.js";

export interface ObjectType {
  /** The name in paths; of a custom object its fully qualified name. */
  readonly name: string;
  /** HubSpot's own number for it, accepted in paths as well. */
  readonly typeId: string;
  /** Further names that paths may use. */
  readonly aliases: readonly string[];
  /** The name within names and messages: "contact_to_company", "Error creating TICKET". */
  readonly noun: string;
  readonly labels: { readonly singular: string; readonly plural: string };
  readonly groupName: string;
  /** Custom objects call it hs_createdate. */
  readonly created: "createdate" | "hs_createdate";
  /** The property that every change moves; contacts call it otherwise than all the others. */
  readonly modified: "lastmodifieddate" | "hs_lastmodifieddate";
  /** The unique property whose conflict is that of the whole record: "Contact already exists". */
  readonly key?: string;
  /** What comes back when nothing is asked for. */
  readonly defaults: readonly string[];
  /** What a create can't leave out. */
  readonly required: readonly string[];
  /** What HubSpot sets itself when a create leaves it out. */
  readonly initial: Values;
  readonly display: Display;
  readonly properties: ReadonlyMap<string, Property>;
  /** Of a custom object: when its schema was made, and what was said of it. */
  readonly made?: { readonly atMs: number; readonly description: string };
}

/** Which properties stand for a record where it is shown, and which of them a search for words looks through. */
interface Display {
  readonly primary: string;
  readonly secondary: readonly string[];
  readonly searchable: readonly string[];
}

export function byName(...properties: readonly Property[]): ReadonlyMap<string, Property> {
  return new Map(properties.map((property) => [property.name, property]));
}

/** What comes back whatever is asked for. */
export function alwaysRead(type: ObjectType): readonly string[] {
  return [type.created, "hs_object_id", type.modified];
}

/** Whether a record can be named by its value of this property. */
export function identifies(type: ObjectType, name: string): boolean {
  return name === "hs_object_id" || type.properties.get(name)?.unique === true;
}

/** Made by the portal's admin, with a schema. */
export function isCustom(type: ObjectType): boolean {
  return type.made !== undefined;
}

/** HubSpot shouts the names of its own objects. */
export function inMessages(type: ObjectType): string {
  return isCustom(type) ? type.noun : type.noun.toUpperCase();
}

export function goesBy(type: ObjectType, name: string): boolean {
  return type.name === name || type.typeId === name || type.aliases.includes(name);
}
