// JSON pointers (RFC 6901), and `*` for every element of a list.

import { isRecord } from "../config/json.js";

/** What stands at `pointer`; undefined when nothing does. With `*`, the list of what stands there in each element. */
export function lookUp(value: unknown, pointer: string): unknown {
  return pointer === "" ? value : walk(value, pointer.slice(1).split("/").map(unescapeStep));
}

/** The first of `pointers` at which a string or number stands, as text. */
export function textAt(value: unknown, ...pointers: readonly string[]): string | undefined {
  for (const pointer of pointers) {
    const found = lookUp(value, pointer);
    if (typeof found === "string" || typeof found === "number") return String(found);
  }
  return undefined;
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
