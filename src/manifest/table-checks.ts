// The mistakes of one table of a manifest: its key, its columns, and its calls.

import { memberOf } from "../config/member.js";
import { suggestion } from "../config/suggest.js";
import { objectMistakes } from "./call-checks.js";
import type { Call, VerbCalls } from "./call-schema.js";
import { anyTable } from "./column-schema.js";
import type { ErrorAddresses } from "./error-schema.js";
import { type Mistake, type Path, unknownNames } from "./placeholders.js";
import type { TableManifest } from "./table-schema.js";

/** One call of a table, with the names that its templates can use besides those that all calls share. */
interface TableCall {
  readonly path: Path;
  readonly call: Call;
  readonly names: readonly string[];
}

/** A call of a write verb; `isMany` for one that takes several rows. */
interface VerbCall {
  readonly path: Path;
  readonly verb: "create" | "update" | "delete";
  readonly call: Call;
  readonly isMany: boolean;
}

/** The names of a table's columns, declared or discovered. */
interface Columns {
  /** The names that the manifest declares. */
  readonly declaredNames: readonly string[];
  /** Any name may be a column that the API describes. */
  readonly isOpen: boolean;
}

/** Returns the mistakes of a table at `at`; `commonNames` are the placeholders that each of its calls can use. */
export function tableMistakes(
  table: TableManifest,
  at: Path,
  commonNames: readonly string[],
  errors: ErrorAddresses,
): Mistake[] {
  const columns = { declaredNames: Object.keys(table.columns), isOpen: table.discover !== undefined };
  const verbCalls = verbCallsOf(table.write);
  const calls = [...readCalls(table), ...writeCalls(table, verbCalls, columns)];
  const mistakes = [
    ...keyMistakes(table, columns),
    ...verbCalls.filter(({ isMany }) => isMany).flatMap((many) => manyMistakes(many, columns, errors)),
    ...upsertMistakes(table, columns),
    ...calls.flatMap((one) => [
      ...templateMistakes(one, commonNames, columns),
      ...objectMistakes(one.call, one.path, objectNames(table)),
      ...pageMistakes(one, columns),
    ]),
    ...rowsMistakes(table),
  ];
  return mistakes.map(({ path, message }) => ({ path: [...at, ...path], message }));
}

/** Returns the mistakes of a table's columns: two that write one field, and references to no table of the manifest. */
export function columnMistakes({ columns }: TableManifest, at: Path, tables: readonly string[]): Mistake[] {
  const writers = new Map<string, string>();
  return Object.entries(columns).flatMap(([name, column]) => {
    const { to = name, write, references } = column;
    const mistakes: Mistake[] = [];
    const other = writers.get(to);
    if (write !== "never" && other !== undefined)
      mistakes.push({ path: [...at, name], message: `"${to}" is what "${other}" is written to as well` });
    if (write !== "never") writers.set(to, name);
    if (references !== undefined && !tables.includes(references) && !tables.includes(anyTable))
      mistakes.push({ path: [...at, name, "references"], message: `no such table; ${suggestion(references, tables)}` });
    return mistakes;
  });
}

function isColumn({ declaredNames, isOpen }: Columns, name: string): boolean {
  return isOpen || declaredNames.includes(name);
}

function keyMistakes({ key, record }: TableManifest, columns: Columns): Mistake[] {
  const strange = key
    .filter((name) => !isColumn(columns, name))
    .map((name) => ({ path: ["key"], message: `"${name}" is no column; ${suggestion(name, columns.declaredNames)}` }));
  if (key.length === record.key.length) return strange;
  return [...strange, { path: ["record", "key"], message: "has as many pointers as the key has columns" }];
}

/** A call for several rows has to tell which part of its answer belongs to which row. */
function manyMistakes({ path, call, verb }: VerbCall, columns: Columns, errors: ErrorAddresses): Mistake[] {
  const { max, rows, match, failed } = call;
  const messages: string[] = [];
  if (max === undefined) messages.push('needs "max": how many rows it takes');
  if (rows !== undefined && match === undefined && verb !== "delete")
    messages.push('needs "match": order, key, a column, or a pointer to the {index} that was sent');
  if (match !== undefined && !isMatch(match, columns))
    messages.push(`"match" is order, key, a column, or a pointer to the {index} that was sent, not "${match}"`);
  if (failed !== undefined && errors.row.length === 0)
    messages.push('has "failed", but "errors.row" does not say which row a single error is of');
  return messages.map((message) => ({ path, message }));
}

function isMatch(match: string, columns: Columns): boolean {
  return match.startsWith("/") || ["order", "key"].includes(match) || isColumn(columns, match);
}

function upsertMistakes({ write: { upsert } }: TableManifest, columns: Columns): Mistake[] {
  if (!upsert || ["any", "external_id"].includes(upsert.on) || isColumn(columns, upsert.on)) return [];
  const message = `"${upsert.on}" is no column; ${suggestion(upsert.on, columns.declaredNames)}, or any`;
  return [{ path: ["write", "upsert", "on"], message }];
}

/** Returns a mistake for each placeholder of the call that is among neither `commonNames` nor its own names. */
export function templateMistakes(
  { path, call, names }: TableCall,
  commonNames: readonly string[],
  columns: Columns = { declaredNames: [], isOpen: false },
): Mistake[] {
  const placeholders = [...commonNames, ...names];
  const free = columns.isOpen && names.includes("record") ? /^row\./ : undefined;
  // A call's path stands behind the base's path anyway.
  const inPath = placeholders.filter((name) => name !== "path");
  return [
    ...unknownNames({ [call.method]: call.path }, path, inPath, free),
    ...unknownNames(call.query, [...path, "query"], placeholders, free),
    ...unknownNames(call.headers, [...path, "headers"], placeholders, free),
    ...unknownNames(call.body, [...path, "body"], placeholders, free),
    ...nestedMistakes(path, call, [...commonNames, ...names.filter((name) => ofTable.has(name))]),
  ];
}

/** What a read knows without a row. */
const ofTable: ReadonlySet<string> = new Set(["table", "columns"]);

/** The call for the rest of a list within a record can name what that record has, and no key of a row that is asked for. */
function nestedMistakes(path: Path, { nested }: Pick<Call, "nested">, tableNames: readonly string[]): Mistake[] {
  if (!nested?.rest) return [];
  const { method, path: template, query, headers, body } = nested.rest;
  const at = [...path, "rows", "pages", "rest"];
  const names = [...tableNames, "cursor"];
  const ofRecord = /^each\.[\w.]+$/;
  const inPath = names.filter((name) => name !== "path");
  const isPlaced = nested.pages.kind === "url" || nested.pages.kind === "link" || nested.pages.as !== "";
  const isNamed = JSON.stringify([template, query, body]).includes("{cursor}");
  const message = 'has no place for the cursor: give "pages" an "as", or name {cursor} in the call';
  return [
    ...(isPlaced || isNamed ? [] : [{ path: at, message }]),
    ...unknownNames({ [method]: template }, at, inPath, ofRecord),
    ...unknownNames(query, [...at, "query"], names, ofRecord),
    ...unknownNames(headers, [...at, "headers"], names, ofRecord),
    ...unknownNames(body, [...at, "body"], names, ofRecord),
  ];
}

function pageMistakes({ path, call: { pages } }: TableCall, columns: Columns): Mistake[] {
  if (!pages || !("column" in pages) || isColumn(columns, pages.column)) return [];
  const message = `"${pages.column}" is no column; ${suggestion(pages.column, columns.declaredNames)}`;
  return [{ path: [...path, "pages"], message }];
}

function rowsMistakes({ read }: TableManifest): Mistake[] {
  const names = ["list", "changes"] as const;
  return names
    .filter((name) => read[name] && read[name].rows === undefined)
    .map((name) => ({ path: ["read", name], message: 'needs "rows": where the records are in its answer' }));
}

/** Returns the placeholders whose values are objects. */
function objectNames({ key, columns }: TableManifest): readonly string[] {
  const objects = Object.entries(columns).flatMap(([name, { type }]) => (type === "jsonb" ? [`row.${name}`] : []));
  return ["record", ...(key.length > 1 ? ["keys"] : []), ...objects];
}

function keyNames({ key }: TableManifest): readonly string[] {
  return key.length === 1 ? ["key", "keys"] : ["keys", ...key.map((name) => `key.${name}`)];
}

function readCalls(table: TableManifest): TableCall[] {
  const { list, get, find, changes, deleted } = table.read;
  // Only a read says which columns it wants; that of discovery does not know them yet.
  const at = (name: string, call: Call | undefined, names: readonly string[]): TableCall[] =>
    call ? [{ path: ["read", name], call, names: ["table", "columns", ...names] }] : [];
  const { discover } = table;
  return [
    ...(discover ? [{ path: ["discover"], call: discover, names: discover.table ? [] : ["table"] }] : []),
    ...at("list", list, []),
    ...at("get", get, keyNames(table)),
    ...at("find", find, ["value", "column"]),
    ...at("changes", changes, ["since"]),
    ...at("deleted", typeof deleted === "string" ? undefined : deleted, []),
  ];
}

function writeCalls(table: TableManifest, verbCalls: readonly VerbCall[], { declaredNames }: Columns): TableCall[] {
  const row = declaredNames.map((name) => `row.${name}`);
  const { upsert } = table.write;
  const ofUpsert = ["table", ...keyNames(table), "record", "index", "conflict", "column", "value", ...row];
  return [
    ...verbCalls.map(({ path, call, verb }) => {
      // A new row has no key yet when upstream assigns all of it.
      const ofKey = verb === "create" && isAssigned(table) ? [] : keyNames(table);
      return { path, call, names: ["table", ...ofKey, "record", "index", ...row] };
    }),
    ...(upsert ? [{ path: ["write", "upsert"], call: upsert, names: ofUpsert }] : []),
  ];
}

/** Upstream assigns every part of the key. */
function isAssigned({ key, columns }: TableManifest): boolean {
  return key.every((name) => memberOf(columns, name)?.write === "never");
}

function verbCallsOf(write: TableManifest["write"]): VerbCall[] {
  const verbs = ["create", "update", "delete"] as const;
  return verbs.flatMap((verb) => oneAndMany(verb, write[verb] ?? {}));
}

/** A verb with both calls has each under a key of its own. */
function oneAndMany(verb: VerbCall["verb"], { one, many }: VerbCalls): VerbCall[] {
  const path = (name: string) => (one && many ? ["write", verb, name] : ["write", verb]);
  return [
    ...(one ? [{ path: path("one"), verb, call: one, isMany: false }] : []),
    ...(many ? [{ path: path("many"), verb, call: many, isMany: true }] : []),
  ];
}
