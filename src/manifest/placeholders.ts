// The placeholders in a manifest's strings that nothing fills in.

import { suggestion } from "../config/suggest.js";

/** A place in the manifest, key by key. */
export type Path = readonly (string | number)[];

export interface Mistake {
  readonly path: Path;
  readonly message: string;
}

/** Returns a mistake for each placeholder in the strings of `value` that is not in `names` and does not match `free`. */
export function unknownNames(value: unknown, path: Path, names: readonly string[], free?: RegExp): Mistake[] {
  if (typeof value === "string") {
    return [...value.matchAll(/\{([\w.]+)\}/g)]
      .map(([, name = ""]) => name)
      .filter((name) => !names.includes(name) && free?.test(name) !== true)
      .map((name) => ({ path, message: unknownName(name, names) }));
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([step, inner]) => unknownNames(inner, [...path, step], names, free));
}

function unknownName(name: string, names: readonly string[]): string {
  const parts = names.filter((one) => one.startsWith("key."));
  if (name === "key" && parts.length > 0)
    return `a key of several columns is ${parts.map((part) => `{${part}}`).join(", ")}, not {key}`;
  return `nothing is known as {${name}} here; ${suggestion(name, names)}`;
}
