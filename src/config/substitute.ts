// ${ENV}, ${ENV:-default} and ${file:/path} in the strings of a config.

import { readFileSync } from "node:fs";
import { memberOf } from "./member.js";

/** Fills in every string of `value`. What is missing is added to `mistakes`, with its place. */
export function substitute(
  value: unknown,
  env: Readonly<Record<string, string | undefined>>,
  at: (path: readonly PropertyKey[]) => string,
  mistakes: string[],
  path: readonly PropertyKey[] = [],
): unknown {
  if (typeof value === "string") {
    return value.replaceAll(/\$\{([^}]*)\}/g, (_, inside: string) => {
      const substitution = inside.startsWith("file:") ? fromFile(inside.slice(5)) : fromEnvironment(inside, env);
      if ("text" in substitution) return substitution.text;
      mistakes.push(`${at(path)}: ${substitution.missing}`);
      return "";
    });
  }
  if (Array.isArray(value)) return value.map((element, i) => substitute(element, env, at, mistakes, [...path, i]));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, element]) => [name, substitute(element, env, at, mistakes, [...path, name])]),
  );
}

/** The environment variable that a key of an API's part is expected in: `DESK_KEY`. */
export function variableOf(api: string, key: string): string {
  return `${api}_${key}`.replaceAll(/\W/g, "_").toUpperCase();
}

type Substitution = { readonly text: string } | { readonly missing: string };

function fromEnvironment(inside: string, env: Readonly<Record<string, string | undefined>>): Substitution {
  const [, name = "", fallback] = /^(\w+)(?::-(.*))?$/.exec(inside) ?? [];
  const text = memberOf(env, name) || fallback;
  return text === undefined ? { missing: `the environment variable ${name || inside} is not set` } : { text };
}

function fromFile(path: string): Substitution {
  try {
    return { text: readFileSync(path, "utf8").trim() };
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unreadable";
    return { missing: `the file ${path} can't be read (${code})` };
  }
}
