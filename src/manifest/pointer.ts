// JSON pointers (RFC 6901), and `*` for every element of a list.

import { isRecord } from "../config/json.js";
import { memberOf } from "../config/member.js";
import type { Slices } from "../config/slices.js";
import { numberText } from "./json-number.js";

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
export function* recordsAt(value: unknown, pointer: string): Slices<unknown> {
  const star = pointer.lastIndexOf("/*/");
  if (star === -1) return lookUp(value, pointer);
  const parents = lookUp(value, pointer.slice(0, star));
  if (!Array.isArray(parents)) return undefined;
  const records: unknown[] = [];
  for (const parent of parents) {
    const list = lookUp(parent, pointer.slice(star + 2));
    for (const one of Array.isArray(list) ? list.filter(isRecord) : []) {
      yield;
      records.push({ ...one, "..": parent });
    }
    yield;
  }
  return records;
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
  let here = value;
  for (const [index, step] of steps.entries()) {
    if (Array.isArray(here)) {
      if (step === "*") return here.map((element) => walk(element, steps.slice(index + 1)));
      here = here[Number(step)];
    } else here = isRecord(here) ? memberOf(here, step) : undefined;
  }
  return here;
}

function unescapeStep(step: string): string {
  return step.replaceAll("~1", "/").replaceAll("~0", "~");
}
