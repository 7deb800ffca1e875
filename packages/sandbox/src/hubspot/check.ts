// Checks what a caller wants to write against the definitions of the object type; all the issues at once, as HubSpot does.

import { assertNever } from "../never.js";
import type { ObjectType } from "./object-type.js";
import { type IssueCode, readValue } from "./value.js";

export type Written = Readonly<Record<string, string>>;

/** The values to keep; null clears. */
export type Changes = ReadonlyMap<string, string | null>;

export interface Issue {
  readonly property: string;
  readonly value: string;
  readonly code: IssueCode;
  readonly message: string;
}

export type Checked =
  | { readonly kind: "valid"; readonly changes: Changes }
  | { readonly kind: "invalid"; readonly issues: readonly Issue[] };

export function checkProperties(type: ObjectType, written: Written): Checked {
  const changes = new Map<string, string | null>();
  const issues: Issue[] = [];
  for (const [name, value] of Object.entries(written)) {
    const checked = checkProperty(type, name, value);
    if (checked.kind === "issue") issues.push(checked.issue);
    else changes.set(name, checked.value);
  }
  return issues.length > 0 ? { kind: "invalid", issues } : { kind: "valid", changes };
}

type CheckedProperty =
  | { readonly kind: "value"; readonly value: string | null }
  | { readonly kind: "issue"; readonly issue: Issue };

function checkProperty(type: ObjectType, name: string, value: string): CheckedProperty {
  const refuse = (code: IssueCode, message: string): CheckedProperty => {
    return { kind: "issue", issue: { property: name, value, code, message } };
  };
  const property = type.properties.get(name);
  if (!property) return refuse("PROPERTY_DOESNT_EXIST", `Property "${name}" does not exist`);
  switch (property.origin.by) {
    case "hubspot":
      return refuse("READ_ONLY_VALUE", `"${name}" is a read only property; its value cannot be set.`);
    case "formula":
      return refuse("READ_ONLY_VALUE", `"${name}" is a calculated property; its value cannot be set.`);
    case "caller": {
      if (value === "") return { kind: "value", value: null };
      const read = readValue(property.holds, value);
      return read.kind === "value" ? read : refuse(read.code, read.message);
    }
    default:
      return assertNever(property.origin);
  }
}
