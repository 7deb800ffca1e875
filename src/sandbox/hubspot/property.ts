// A property of an object type: what it holds and who sets it; and the words in which the types are written down.

export interface Option {
  readonly value: string;
  readonly label: string;
}

/** What a value may be. Every value travels as a string, whatever it holds. */
export type Holds =
  | { readonly kind: "text"; readonly fieldType: "text" | "phonenumber" }
  | { readonly kind: "email" }
  | { readonly kind: "number" }
  | { readonly kind: "bool" }
  | { readonly kind: "date" }
  | { readonly kind: "datetime" }
  | { readonly kind: "choice"; readonly options: readonly Option[] }
  | { readonly kind: "choices"; readonly options: readonly Option[] }
  | { readonly kind: "owner" };

export type Values = ReadonlyMap<string, string>;

/** Who gives a property its value: the caller, HubSpot itself, or a formula over the other values. */
type Origin =
  | { readonly by: "caller" }
  | { readonly by: "hubspot" }
  | { readonly by: "formula"; readonly formula: (values: Values) => string | undefined };

export interface Property {
  readonly name: string;
  readonly label: string;
  readonly holds: Holds;
  readonly origin: Origin;
  readonly unique: boolean;
  /** Made by the portal's admin, not delivered by HubSpot. */
  readonly custom: boolean;
}

export const text: Holds = { kind: "text", fieldType: "text" };
export const phone: Holds = { kind: "text", fieldType: "phonenumber" };

export function choice(...options: readonly Option[]): Holds {
  return { kind: "choice", options };
}

export function choices(...options: readonly Option[]): Holds {
  return { kind: "choices", options };
}

export function option(value: string, label: string): Option {
  return { value, label };
}

export function property(
  name: string,
  label: string,
  holds: Holds,
  { unique = false, custom = false }: { readonly unique?: boolean; readonly custom?: boolean } = {},
): Property {
  return { name, label, holds, origin: { by: "caller" }, unique, custom };
}

export function setByHubspot(name: string, label: string, holds: Holds): Property {
  return { name, label, holds, origin: { by: "hubspot" }, unique: false, custom: false };
}

export function computed(name: string, label: string, formula: (values: Values) => string | undefined): Property {
  return { name, label, holds: text, origin: { by: "formula", formula }, unique: false, custom: false };
}
