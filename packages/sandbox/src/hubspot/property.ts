// A property of an object type: what it holds and who sets it; and the words in which the types are written down.

export interface Option {
  readonly value: string;
  readonly label: string;
}

/** What a value may be. Every value travels as a string, whatever it holds. */
export type Holds =
  | { readonly kind: "text"; readonly fieldType: "text" | "textarea" | "phonenumber" | "html" | "file" }
  | { readonly kind: "email" }
  | { readonly kind: "number" }
  | { readonly kind: "bool" }
  | { readonly kind: "date" }
  | { readonly kind: "datetime" }
  | { readonly kind: "choice"; readonly fieldType: "select" | "radio"; readonly options: readonly Option[] }
  | { readonly kind: "choices"; readonly options: readonly Option[] }
  /** The pipelines and stages live outside the definition, which lists no options. */
  | { readonly kind: "pipeline"; readonly options: readonly Option[] }
  | { readonly kind: "owner" };

export type Values = ReadonlyMap<string, string>;

type Formula = (values: Values) => string | undefined;

/** Who gives a property its value: the caller, HubSpot itself, or a formula over the other values. */
type Origin =
  | { readonly by: "caller" }
  | { readonly by: "hubspot" }
  | { readonly by: "formula"; readonly formula: Formula };

export interface Property {
  readonly name: string;
  readonly label: string;
  readonly holds: Holds;
  readonly origin: Origin;
  readonly unique: boolean;
  /** Made by the portal's admin, not delivered by HubSpot. */
  readonly custom: boolean;
  readonly shown: Shown;
}

/** What only people look at; HubSpot gives it a value where the definition has none. */
export interface Shown {
  readonly description?: string;
  readonly groupName?: string;
  readonly displayOrder?: number;
  readonly hidden?: boolean;
  readonly formField?: boolean;
}

export const text: Holds = { kind: "text", fieldType: "text" };
export const longText: Holds = { kind: "text", fieldType: "textarea" };
export const phone: Holds = { kind: "text", fieldType: "phonenumber" };
export const number: Holds = { kind: "number" };
export const bool: Holds = { kind: "bool" };
export const datetime: Holds = { kind: "datetime" };
export const owner: Holds = { kind: "owner" };

export function choice(...options: readonly Option[]): Holds {
  return { kind: "choice", fieldType: "select", options };
}

export function radio(...options: readonly Option[]): Holds {
  return { kind: "choice", fieldType: "radio", options };
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
  return { name, label, holds, origin: { by: "caller" }, unique, custom, shown: {} };
}

export function setByHubspot(name: string, label: string, holds: Holds): Property {
  return { ...property(name, label, holds), origin: { by: "hubspot" } };
}

export function computed(name: string, label: string, formula: Formula, holds: Holds = text): Property {
  return { ...property(name, label, holds), origin: { by: "formula", formula } };
}
