// A property's definition as the properties API and the schemas give it.

import { assertNever } from "../never.js";
import type { ObjectType } from "./object-type.js";
import { type Holds, type Option, option, type Property } from "./property.js";

export function describeProperties(type: ObjectType): readonly object[] {
  return [...type.properties.values()].map((property, order) => describeProperty(property, type, order));
}

export function describeProperty(
  property: Property,
  type: ObjectType,
  displayOrder: number,
  archivedAtMs?: number,
): object {
  const readOnly = property.origin.by !== "caller";
  return {
    name: property.name,
    label: property.label,
    ...describeHolds(property.holds),
    description: "",
    groupName: type.groupName,
    displayOrder,
    hasUniqueValue: property.unique,
    calculated: property.origin.by === "formula",
    hidden: false,
    formField: !readOnly,
    ...property.shown,
    archived: archivedAtMs !== undefined,
    ...(archivedAtMs === undefined ? {} : { archivedAt: new Date(archivedAtMs).toISOString() }),
    ...(property.custom ? {} : { hubspotDefined: true }),
    modificationMetadata: {
      archivable: property.custom,
      readOnlyDefinition: !property.custom,
      readOnlyOptions: false,
      readOnlyValue: readOnly,
    },
  };
}

interface Description {
  readonly type: string;
  readonly fieldType: string;
  readonly options: readonly object[];
  readonly externalOptions: boolean;
  readonly referencedObjectType?: string;
}

function describeHolds(holds: Holds): Description {
  const plain = (type: string, fieldType: string): Description => {
    return { type, fieldType, options: [], externalOptions: false };
  };
  switch (holds.kind) {
    case "text":
      return plain("string", holds.fieldType);
    case "email":
      return plain("string", "text");
    case "number":
      return plain("number", "number");
    case "bool":
      return { ...plain("bool", "booleancheckbox"), options: describeOptions(truth) };
    case "date":
      return plain("date", "date");
    case "datetime":
      return plain("datetime", "date");
    case "choice":
      return { ...plain("enumeration", holds.fieldType), options: describeOptions(holds.options) };
    case "choices":
      return { ...plain("enumeration", "checkbox"), options: describeOptions(holds.options) };
    case "pipeline":
      return { ...plain("enumeration", "select"), externalOptions: true };
    case "owner":
      // The users live outside the definition: the list of options is empty, and yet not every value is valid.
      return { ...plain("enumeration", "select"), externalOptions: true, referencedObjectType: "OWNER" };
    default:
      return assertNever(holds);
  }
}

const truth = [option("true", "Yes"), option("false", "No")];

function describeOptions(options: readonly Option[]): readonly object[] {
  return options.map((given, displayOrder) => ({ ...given, description: "", displayOrder, hidden: false }));
}
