// What the parameters of a request may be: which names there are, what each holds, and what an empty string makes of it.

import type { Json, JsonObject } from "./json.js";

export type Holds =
  | { readonly kind: "text"; readonly most: number }
  | { readonly kind: "email" }
  | { readonly kind: "boolean" }
  | { readonly kind: "integer"; readonly least: number }
  /** In the smallest unit of a currency. */
  | { readonly kind: "amount"; readonly signed: boolean }
  /** Kept as text. */
  | { readonly kind: "decimal" }
  | { readonly kind: "number" }
  | { readonly kind: "choice"; readonly of: readonly string[] }
  | { readonly kind: "currency" }
  | { readonly kind: "texts"; readonly most: number }
  | { readonly kind: "metadata" }
  /** `empty`: the whole object, before any of its keys is set. */
  | { readonly kind: "hash"; readonly spec: Spec; readonly empty: JsonObject }
  | { readonly kind: "range" }
  | { readonly kind: "expand" };

export interface Param {
  readonly holds: Holds;
  readonly required: boolean;
  /** What an empty string sets; undefined: it is refused. */
  readonly cleared: Json | undefined;
}

export type Spec = ReadonlyMap<string, Param>;

export function spec(params: Readonly<Record<string, Param>>): Spec {
  return new Map(Object.entries(params));
}

export function param(holds: Holds): Param {
  return { holds, required: false, cleared: undefined };
}

export function required(holds: Holds): Param {
  return { holds, required: true, cleared: undefined };
}

export function clearable(holds: Holds, cleared: Json = null): Param {
  return { holds, required: false, cleared };
}

export const text: Holds = { kind: "text", most: 5000 };

export function textUpTo(most: number): Holds {
  return { kind: "text", most };
}

export const boolean: Holds = { kind: "boolean" };

export function choice(...of: readonly string[]): Holds {
  return { kind: "choice", of };
}

/** Every key of the object is there, null until it is set. */
export function hash(params: Readonly<Record<string, Param>>, empty?: JsonObject): Holds {
  const nothing = Object.fromEntries(Object.keys(params).map((name) => [name, null]));
  return { kind: "hash", spec: spec(params), empty: empty ?? nothing };
}

export const metadata: Param = clearable({ kind: "metadata" }, {});

/** On every endpoint; nothing here can be expanded. */
export const expand: Param = param({ kind: "expand" });

export const created: Param = param({ kind: "range" });
