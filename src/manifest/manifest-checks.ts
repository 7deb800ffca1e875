// What a manifest can get wrong although each of its keys is right: names that lead nowhere, and calls that can't be told from
// their answers.

import { suggestion } from "../config/suggest.js";
import type { Call, VerbCalls } from "./call-schema.js";
import { anyTable } from "./column-schema.js";
import type { ErrorAddresses } from "./error-schema.js";
import type { TableManifest } from "./table-schema.js";

interface Described {
  readonly base: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly auth?: { readonly oauth2?: { readonly keep: readonly string[] } | undefined } | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly errors: ErrorAddresses;
  readonly tables: Readonly<Record<string, TableManifest>>;
}

interface Mistake {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

type Path = Mistake["path"];

/** In the order of the file. */
export function mistakesIn(manifest: Described): readonly Mistake[] {
  const kept = manifest.auth?.oauth2?.keep ?? [];
  const shared = [
    ...Object.keys(manifest.config).map((name) => `config.${name}`),
    ...kept.map((name) => `auth.${name}`),
  ];
  return [
    ...unknownNames(manifest.base, ["base"], shared),
    ...unknownNames(manifest.auth, ["auth"], [...shared, "path"]),
    ...unknownNames(manifest.headers, ["headers"], shared),
    ...manifest.errors.rules.flatMap((rule, index) => hintMistakes(rule, ["errors", "rules", index, "hint"])),
    ...Object.entries(manifest.tables).flatMap(([name, table]) => [
      ...columnMistakes(table, ["tables", name, "columns"], Object.keys(manifest.tables)),
      ...tableMistakes(table, ["tables", name], [...shared, "path", "table", "columns"], manifest.errors),
    ]),
  ];
}

function tableMistakes(table: TableManifest, at: Path, shared: readonly string[], errors: ErrorAddresses): Mistake[] {
  const { key, record, read, write, discover } = table;
  const columns = Object.keys(table.columns);
  const isColumn = (name: string) => columns.includes(name) || discover !== undefined;
  const row = columns.map((name) => `row.${name}`);
  const keyNames = key.length === 1 ? ["key", "keys"] : ["keys", ...key.map((name) => `key.${name}`)];
  const found: Mistake[] = [];
  const add = (path: Path, message: string) => found.push({ path: [...at, ...path], message });
  for (const name of key) {
    if (!isColumn(name)) add(["key"], `"${name}" is no column; ${suggestion(name, columns)}`);
  }
  if (key.length !== record.key.length) add(["record", "key"], "has as many pointers as the key has columns");
  const calls: [Path, Call, readonly string[]][] = [
    [["read", "list"], read.list, []],
    [["read", "get"], read.get, keyNames],
  ];
  if (read.find) calls.push([["read", "find"], read.find, ["value", "column"]]);
  if (read.changes) calls.push([["read", "changes"], read.changes, ["since"]]);
  if (read.deleted && typeof read.deleted !== "string") calls.push([["read", "deleted"], read.deleted, []]);
  for (const [verb, verbCalls] of Object.entries({
    create: write.create,
    update: write.update,
    delete: write.delete,
  })) {
    for (const [path, one, isMany] of callsOf(["write", verb], verbCalls)) {
      const given = verb === "create" && !key.every((name) => isAssigned(table, name)) ? keyNames : [];
      calls.push([path, one, [...(verb === "create" ? given : keyNames), "record", "index", "keys", ...row]]);
      if (isMany) for (const message of manyMistakes(one, verb, isColumn, errors)) add(path, message);
    }
  }
  if (write.upsert) {
    calls.push([
      ["write", "upsert"],
      write.upsert,
      [...keyNames, "record", "index", "conflict", "column", "value", ...row],
    ]);
    const { on } = write.upsert;
    if (!["any", "external_id"].includes(on) && !isColumn(on))
      add(["write", "upsert", "on"], `"${on}" is no column; ${suggestion(on, columns)}, or any`);
  }
  for (const [path, one, names] of calls) {
    const known = [...shared, ...names];
    const free = discover && names.includes("record") ? /^row\./ : undefined;
    // The base is before it anyway.
    const inPath = known.filter((name) => name !== "path");
    found.push(...unknownNames({ [one.method]: one.path }, [...at, ...path], inPath, free));
    for (const part of ["query", "headers", "body"] as const)
      found.push(...unknownNames(one[part], [...at, ...path, part], known, free));
    if (one.pages && "column" in one.pages && !isColumn(one.pages.column))
      add([...path, "pages"], `"${one.pages.column}" is no column; ${suggestion(one.pages.column, columns)}`);
  }
  for (const name of ["list", "changes"] as const) {
    if (read[name] && read[name].rows === undefined)
      add(["read", name], 'needs "rows": where the records are in its answer');
  }
  return found;
}

/** A field is written by one column, and a reference leads to a table. */
function columnMistakes({ columns }: TableManifest, at: Path, tables: readonly string[]): Mistake[] {
  const writers = new Map<string, string>();
  return Object.entries(columns).flatMap(([name, column]) => {
    const { to = name, write, references } = column;
    const found: Mistake[] = [];
    const other = writers.get(to);
    if (write !== "never" && other !== undefined)
      found.push({ path: [...at, name], message: `"${to}" is what "${other}" is written to as well` });
    if (write !== "never") writers.set(to, name);
    if (references !== undefined && !tables.includes(references) && !tables.includes(anyTable))
      found.push({ path: [...at, name, "references"], message: `no such table; ${suggestion(references, tables)}` });
    return found;
  });
}

/** Several rows in one call: which answer belongs to which must be told. */
function manyMistakes(many: Call, verb: string, isColumn: (name: string) => boolean, errors: ErrorAddresses): string[] {
  const mistakes: string[] = [];
  if (many.max === undefined) mistakes.push('needs "max": how many rows it takes');
  if (many.rows !== undefined && many.match === undefined && verb !== "delete")
    mistakes.push('needs "match": order, key, a column, or a pointer to the {index} that was sent');
  const { match } = many;
  if (match !== undefined && !match.startsWith("/") && !["order", "key"].includes(match) && !isColumn(match))
    mistakes.push(`"match" is order, key, a column, or a pointer to the {index} that was sent, not "${match}"`);
  if (many.failed !== undefined && errors.row.length === 0)
    mistakes.push('has "failed", but "errors.row" does not say which row a single error is of');
  return mistakes;
}

function callsOf(path: Path, calls: VerbCalls | undefined): [Path, Call, boolean][] {
  const found: [Path, Call, boolean][] = [];
  const both = calls?.one !== undefined && calls.many !== undefined;
  if (calls?.one) found.push([both ? [...path, "one"] : path, calls.one, false]);
  if (calls?.many) found.push([both ? [...path, "many"] : path, calls.many, true]);
  return found;
}

function isAssigned(table: TableManifest, name: string): boolean {
  return table.columns[name]?.write === "never";
}

/** The placeholders of the strings in `value` that nothing fills in. */
function unknownNames(value: unknown, path: Path, known: readonly string[], free?: RegExp): Mistake[] {
  if (typeof value === "string") {
    return [...value.matchAll(/\{([\w.]+)\}/g)]
      .map(([, name = ""]) => name)
      .filter((name) => !known.includes(name) && free?.test(name) !== true)
      .map((name) => ({ path, message: strangerWords(name, known) }));
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([step, inner]) => unknownNames(inner, [...path, step], known, free));
}

function strangerWords(name: string, known: readonly string[]): string {
  const parts = known.filter((one) => one.startsWith("key."));
  if (name === "key" && parts.length > 0)
    return `a key of several columns is ${parts.map((part) => `{${part}}`).join(", ")}, not {key}`;
  return `nothing is known as {${name}} here; ${suggestion(name, known)}`;
}

/** A hint names groups of the rule's message. */
function hintMistakes({ hint, message }: ErrorAddresses["rules"][number], path: Path): Mistake[] {
  const groups = [...(message?.source ?? "").matchAll(/\(\?<(\w+)>/g)].map(([, name = ""]) => name);
  return unknownNames(hint, path, groups);
}
