// Reads the schema of a new custom object.

import { field, type Input, input, list, malformed, optionalText, readText, textsOf } from "./body.js";
import { fieldOf } from "./fields.js";
import type { ObjectType } from "./object-type.js";
import type { Property } from "./property.js";
import { readProperty } from "./property-body.js";

export interface NewSchema {
  readonly name: string;
  readonly labels: ObjectType["labels"];
  readonly description: string;
  readonly display: ObjectType["display"];
  readonly required: readonly string[];
  /** The types that records of this one can be associated with, by any of their names. */
  readonly associated: readonly string[];
  readonly properties: readonly Property[];
}

export function readSchema(body: unknown): Input<NewSchema> {
  const name = field(body, "name", readText);
  if (name.kind === "malformed") return name;
  if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(name.input)) return malformed(`"${name.input}" is no name of an object`);
  const properties = field(body, "properties", (all) => list(all, readProperty));
  if (properties.kind === "malformed") return properties;
  const required = field(body, "requiredProperties", (names) => list(names, readText));
  if (required.kind === "malformed") return required;
  const labels = field(body, "labels", readLabels);
  if (labels.kind === "malformed") return labels;
  const display = {
    primary: optionalText(body, "primaryDisplayProperty") ?? required.input[0] ?? "hs_object_id",
    secondary: textsOf(body, "secondaryDisplayProperties"),
    searchable: textsOf(body, "searchableProperties"),
  };
  const known = ["hs_object_id", ...properties.input.map((property) => property.name)];
  const unknown = [...required.input, display.primary, ...display.secondary, ...display.searchable].find(
    (one) => !known.includes(one),
  );
  if (unknown !== undefined) return malformed(`the schema defines no property ${unknown}`);
  return input({
    name: name.input,
    labels: labels.input,
    description: optionalText(body, "description") ?? "",
    display,
    required: required.input,
    associated: textsOf(body, "associatedObjects"),
    properties: properties.input,
  });
}

function readLabels(labels: unknown): Input<ObjectType["labels"]> {
  const singular = fieldOf(labels, "singular");
  const plural = fieldOf(labels, "plural");
  return typeof singular === "string" && typeof plural === "string"
    ? input({ singular, plural })
    : malformed("Some required fields were not set: [labels]");
}
