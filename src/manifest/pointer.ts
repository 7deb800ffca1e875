// JSON pointers (RFC 6901), and `*` for every element of a list.

import { isRecord } from "../config/json.js";
import { numberText } from "./lossless-json.js";

/** What stands at `pointer`; undefined when nothing does. With `*`, the list of what stands there in each element. */
export function lookUp(value: unknown, pointer: string): unknown {
  return pointer === "" ? value : walk(value, pointer.slice(1).split("/").map(unescapeStep));
}

/** The first of `pointers` at which a string or number stands, as text. */
export function textAt(value: unknown, ...pointers: readonly string[]): string | undefined {
  for (const pointer of pointers) {
    const target = lookUp(value, pointer);
    const text = typeof target === "string" ? target : numberText(target);
    if (text !== undefined) return text;
  }
  return undefined;
}

/** The records at `pointer`; after a `*`, each of them can look back, by `..`, to the element of that list which it is from. */
export function recordsAt(value: unknown, pointer: string): unknown {
  const star = pointer.lastIndexOf("/*/");
  if (star === -1) return lookUp(value, pointer);
  const parents = lookUp(value, pointer.slice(0, star));
  if (!Array.isArray(parents)) return undefined;
  return parents.flatMap((parent: unknown) => {
    const list = lookUp(parent, pointer.slice(star + 2));
    return Array.isArray(list) ? list.filter(isRecord).map((one) => ({ ...one, "..": parent })) : [];
  });
}

/** How many stand where the records are: those that they are in, when they are in others. */
export function countAt(value: unknown, pointer: string): number {
  const list = lookUp(value, pointer.replace(/\/\*\/.*$/, ""));
  return Array.isArray(list) ? list.length : 0;
}

/** The pointer to a member of an object. */
export function pointerTo(name: string): string {
  return `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

function walk(value: unknown, steps: readonly string[]): unknown {
  const [step, ...rest] = steps;
  if (step === undefined) return value;
  if (Array.isArray(value)) {
    if (step === "*") return value.map((element) => walk(element, rest));
    return walk(value[Number(step)], rest);
  }
  return isRecord(value) && Object.hasOwn(value, step) ? walk(value[step], rest) : undefined;
}

function unescapeStep(step: string): string {
  return step.replaceAll("~1", "/").replaceAll("~0", "~");
}
