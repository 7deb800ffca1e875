// The one template rule: `{name}` in any string; a string that is only `{name}` keeps its JSON type; `{each: …}` once per row;
// the key `...` spreads an object.

import { isRecord } from "../config/json.js";
import { toJson } from "./lossless-json.js";
import { lookUp } from "./pointer.js";

/** What a template may name: nested by dots (`config.token`, `row.email`). */
export type Scope = Readonly<Record<string, unknown>>;

/** A template names something that is not there: the manifest is wrong, or the row does not have it. */
export class TemplateError extends Error {
  constructor(readonly placeholder: string) {
    super(`nothing is known as {${placeholder}} here`);
  }
}

/** Fills in a JSON value; `rows` are the scopes that `each` repeats over. */
export function fill(template: unknown, scope: Scope, rows: readonly Scope[] = []): unknown {
  if (typeof template === "string") return fillString(template, scope);
  if (Array.isArray(template)) return template.map((element) => fill(element, scope, rows));
  if (!isRecord(template)) return template;
  if ("each" in template) return rows.flatMap((row) => fill(template["each"], { ...scope, ...row }, []));
  const entries = Object.entries(template).flatMap(([name, value]) => {
    const one = fill(value, scope, rows);
    return name === "..." && isRecord(one) ? Object.entries(one) : [[name, one] as const];
  });
  return Object.fromEntries(entries);
}

/** Fills in a string that stays one; `encode` is applied to each value. */
export function fillText(template: string, scope: Scope, encode: (text: string) => string = (text) => text): string {
  return template.replaceAll(/\{([\w.]+)\}/g, (_, name: string) => encode(asText(find(scope, name))));
}

function fillString(template: string, scope: Scope): unknown {
  const only = /^\{([\w.]+)\}$/.exec(template)?.[1];
  return only === undefined ? fillText(template, scope) : find(scope, only);
}

function find(scope: Scope, name: string): unknown {
  const value = lookUp(scope, `/${name.replaceAll(".", "/")}`);
  if (value === undefined) throw new TemplateError(name);
  return value;
}

/** A list is joined by commas. What has no text of its own, such as a value of type jsonb, is written as JSON. */
function asText(value: unknown): string {
  if (Array.isArray(value)) return value.map(asText).join(",");
  return isRecord(value) ? toJson(value) : String(value);
}
