// The placeholders in a manifest's strings that nothing fills in.

import { suggestion } from "../config/suggest.js";

/** A place in the manifest, key by key. */
export type Path = readonly (string | number)[];

export interface Mistake {
  readonly path: Path;
  readonly message: string;
}

/** Returns a mistake for each placeholder in the strings of `value` that is not in `known` and does not match `free`. */
export function unknownNames(value: unknown, path: Path, known: readonly string[], free?: RegExp): Mistake[] {
  if (typeof value === "string") {
    return [...value.matchAll(/\{([\w.]+)\}/g)]
      .map(([, name = ""]) => name)
      .filter((name) => !known.includes(name) && free?.test(name) !== true)
      .map((name) => ({ path, message: unknownName(name, known) }));
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([step, inner]) => unknownNames(inner, [...path, step], known, free));
}

function unknownName(name: string, known: readonly string[]): string {
  const parts = known.filter((one) => one.startsWith("key."));
  if (name === "key" && parts.length > 0)
    return `a key of several columns is ${parts.map((part) => `{${part}}`).join(", ")}, not {key}`;
  return `nothing is known as {${name}} here; ${suggestion(name, known)}`;
}
