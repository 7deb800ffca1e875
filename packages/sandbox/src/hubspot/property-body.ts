// Reads the definition of a custom property.

import { field, type Input, input, list, malformed, optionalText, readText } from "./body.js";
import { fieldOf } from "./fields.js";
import { type Holds, type Option, option, type Property, property, type Shown } from "./property.js";

/** Of a new property. Its group is said where the properties API asks for it. */
export function readProperty(body: unknown): Input<Property> {
  const texts: string[] = [];
  for (const name of ["name", "label", "type", "fieldType"]) {
    const text = field(body, name, readText);
    if (text.kind === "malformed") return text;
    texts.push(text.input);
  }
  const [name = "", label = "", type = "", fieldType = ""] = texts;
  if (!/^[a-z][a-z0-9_]*$/.test(name)) return malformed(`"${name}" is no name of a property: lower-case letters first`);
  const options = readOptions(fieldOf(body, "options") ?? []);
  if (options.kind === "malformed") return options;
  const holds = holdsOf(type, fieldType, options.input);
  if (!holds) return malformed(`a property of type ${type} can't have the field type ${fieldType}`);
  if (type === "enumeration" && options.input.length === 0) return malformed("an enumeration needs options");
  const unique = fieldOf(body, "hasUniqueValue") === true;
  return input({ ...property(name, label, holds, { unique, custom: true }), shown: shownOf(body) });
}

function holdsOf(type: string, fieldType: string, options: readonly Option[]): Holds | undefined {
  switch (type) {
    case "string": {
      const textual = textFieldTypes.find((one) => one === fieldType);
      return textual && { kind: "text", fieldType: textual };
    }
    case "number":
      return fieldType === "number" ? { kind: "number" } : undefined;
    case "bool":
      return fieldType === "booleancheckbox" ? { kind: "bool" } : undefined;
    case "date":
    case "datetime":
      return fieldType === "date" ? { kind: type } : undefined;
    case "enumeration":
      if (fieldType === "checkbox") return { kind: "choices", options };
      return fieldType === "select" || fieldType === "radio" ? { kind: "choice", fieldType, options } : undefined;
    default:
      return undefined;
  }
}

const textFieldTypes = ["text", "textarea", "phonenumber", "html", "file"] as const;

function readOptions(value: unknown): Input<readonly Option[]> {
  return list(value, (one) => {
    const given = field(one, "value", readText);
    if (given.kind === "malformed") return given;
    const label = field(one, "label", readText);
    return label.kind === "malformed" ? label : input(option(given.input, label.input));
  });
}

function shownOf(body: unknown): Shown {
  const description = optionalText(body, "description");
  const groupName = optionalText(body, "groupName");
  const displayOrder = fieldOf(body, "displayOrder");
  const hidden = fieldOf(body, "hidden");
  const formField = fieldOf(body, "formField");
  return {
    ...(description === undefined ? {} : { description }),
    ...(groupName === undefined ? {} : { groupName }),
    ...(typeof displayOrder === "number" ? { displayOrder } : {}),
    ...(typeof hidden === "boolean" ? { hidden } : {}),
    ...(typeof formField === "boolean" ? { formField } : {}),
  };
}
