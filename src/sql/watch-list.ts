// The names whose appearance makes a statement worth parsing: mirrors, the views over them, and the functions that write to them.
// A false alarm costs one parse and one look-up; what slips through, the guard in Postgres refuses.

import type { Definition, TableName } from "./classification.js";
import type { Names } from "./names.js";
import { WordIndex, WordKind, type WordKinds } from "./word-index.js";

/** A null schema stands for any schema. */
export interface WatchedName {
  readonly schema: string | null;
  readonly name: string;
}

/** Where the sessions of this database look for a name that a statement does not qualify. */
export interface SearchPaths {
  /** The schemas in which every session looks, unless it is told to look elsewhere. */
  readonly schemas: readonly string[];
  /** The roles whose sessions look elsewhere from the start. */
  readonly roles: readonly string[];
}

/** The names of the catalogue, as plain values that a thread can be sent. */
export interface WatchedNames {
  readonly tables: readonly WatchedName[];
  readonly functions: readonly WatchedName[];
  readonly paths: SearchPaths;
}

const noNames: WatchedNames = { tables: [], functions: [], paths: { schemas: [], roles: [] } };

export class WatchList implements Names {
  private names: WatchedNames = noNames;
  private readonly tableNames = new Set<string>();
  private readonly functionNames = new Set<string>();
  private index = new WordIndex();
  /** Grows with each change, so that what was derived from other names can be told. */
  version = 0;

  constructor(names: WatchedNames = noNames) {
    this.set(names);
  }

  /** The names as they were set. */
  get snapshot(): WatchedNames {
    return this.names;
  }

  /** False while there is no mirror, and then no statement is looked at. */
  get awake(): boolean {
    return this.names.tables.length > 0;
  }

  isTable(name: string): boolean {
    return this.tableNames.has(name);
  }

  isFunction(name: string): boolean {
    return this.functionNames.has(name);
  }

  /** Replaces the names from the catalogue. The same names again change nothing. */
  set(names: WatchedNames): void {
    if (JSON.stringify(names) === JSON.stringify(this.names) && this.version > 0) return;
    this.names = names;
    this.version += 1;
    fill(this.tableNames, names.tables);
    fill(this.functionNames, names.functions);
    this.index = new WordIndex(wordsOf(names));
  }

  /** Returns a list that also watches the defined names, in any schema; this list stays unchanged. */
  with(definitions: readonly Definition[]): WatchList {
    const additions = (kind: Definition["kind"]) =>
      definitions.flatMap((definition) => (definition.kind === kind ? [{ schema: null, name: definition.name }] : []));
    const [tables, functions] = [additions("table"), additions("function")];
    if (tables.length + functions.length === 0) return this;
    const { names } = this;
    return new WatchList({
      ...names,
      tables: [...names.tables, ...tables],
      functions: [...names.functions, ...functions],
    });
  }

  /** Returns the tables that the body of a DO block writes to and the functions that it calls, with the schema it gives them. */
  namesIn(body: string): { readonly tables: TableName[]; readonly functions: TableName[] } {
    return {
      tables: mentionsOf(body, [...this.tableNames], writes, ""),
      functions: mentionsOf(body, [...this.functionNames], "", "\\s*\\("),
    };
  }

  /** Returns the kinds of the words in a text. */
  wordsIn(bytes: Buffer, start: number, end: number): WordKinds {
    return this.index.scan(bytes, start, end);
  }

  /** Returns whether the sessions of a role look for names in other schemas from the start: where it has a path, or a schema, of its own. */
  looksElsewhere(role: string): boolean {
    const { tables, functions, paths } = this.names;
    return paths.roles.includes(role) || [...tables, ...functions].some(({ schema }) => schema === role);
  }
}

function fill(set: Set<string>, names: readonly WatchedName[]): void {
  set.clear();
  for (const { name } of names) set.add(name);
}

function wordsOf({ tables, functions, paths }: WatchedNames): (readonly [string, WordKinds])[] {
  const isNear = ({ schema }: WatchedName) => schema === null || paths.schemas.includes(schema);
  const kindsOf = (watched: readonly WatchedName[], near: WordKinds, far: WordKinds) =>
    watched.map((one) => [one.name, isNear(one) ? near : far] as const);
  const farSchemas = [...tables, ...functions].flatMap((one) => (isNear(one) ? [] : (one.schema ?? [])));
  return [
    ...kindsOf(tables, WordKind.table, WordKind.farTable),
    ...kindsOf(functions, WordKind.function, WordKind.farFunction),
    ...[...new Set(farSchemas)].map((schema) => [schema, WordKind.farSchema] as const),
  ];
}

/**
 * Returns whether a text with these words may change where its session looks for names: by search_path, or by SET SCHEMA, SET ROLE or
 * SET SESSION AUTHORIZATION. An UPDATE may set a column of such a name.
 */
export function movesSearchPath(words: WordKinds): boolean {
  if ((words & WordKind.searchPath) !== 0) return true;
  return (words & WordKind.set) !== 0 && (words & WordKind.owner) !== 0 && (words & WordKind.verb) === 0;
}

/** Returns whether a text with these words is worth parsing. `everywhere`: its session may look for names in any schema. */
export function isSuspect(words: WordKinds, everywhere: boolean): boolean {
  const reachesFar = everywhere || (words & WordKind.farSchema) !== 0;
  const tables = reachesFar ? WordKind.table | WordKind.farTable : WordKind.table;
  const functions = reachesFar ? WordKind.function | WordKind.farFunction : WordKind.function;
  return (
    ((words & tables) !== 0 && (words & WordKind.verb) !== 0) ||
    (words & functions) !== 0 ||
    ((words & WordKind.prepare) !== 0 && (words & WordKind.transaction) !== 0)
  );
}

export type WatchedTable = WatchedName;

/** A pattern for the blanks and comments between two words. */
const gap = "(?:\\s|--[^\\n]*\\n|/\\*(?:[^*]|\\*+[^*/])*\\*+/)+";

/** A pattern for the words before the name of the table that a statement in a function's body writes to. */
const writes = `(?:insert${gap}into|update|delete${gap}from|merge${gap}into)${gap}(?:only${gap})?`;

/**
 * Returns a regular expression for Postgres that matches a function's source which writes to one of `tables` or calls one of
 * `functions`. It leaves out a table of the same name in another schema.
 */
export function sourcePattern(tables: readonly WatchedTable[], functions: readonly string[]): string {
  const escapeName = (name: string) => inQuotes(name).replaceAll(/[^\p{L}\p{N}_]/gu, "\\$&");
  const table = ({ schema, name }: WatchedTable) =>
    `(?:"?${schema === null ? "\\w+" : escapeName(schema)}"?\\s*\\.\\s*)?"?${escapeName(name)}"?(?!\\w)`;
  const writePattern = `\\y${writes}(?:${tables.map(table).join("|")})`;
  return functions.length === 0 ? writePattern : `${writePattern}|\\y(?:${functions.map(escapeName).join("|")})\\s*\\(`;
}

/** Returns the names that `body` mentions between the patterns `before` and `behind`. */
function mentionsOf(body: string, names: readonly string[], before: string, behind: string): TableName[] {
  if (names.length === 0) return [];
  const any = names.map((name) => inQuotes(name).replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|");
  const word = "[\\p{L}\\p{N}_$]";
  const mention = new RegExp(
    `(?<!${word}|\\.)${before}(?:(?:"((?:[^"]|"")+)"|(${word}+))\\s*\\.\\s*)?"?(${any})"?(?!${word})${behind}`,
    "giu",
  );
  return [...body.matchAll(mention)].map(([, exact, bare, name]) => ({
    schema: exact?.replaceAll('""', '"') ?? bare?.toLowerCase() ?? null,
    table: names.find((one) => inQuotes(one).toLowerCase() === name?.toLowerCase()) ?? "",
  }));
}

/** Returns the name with its quotes doubled, as SQL spells it between quotes. */
function inQuotes(name: string): string {
  return name.replaceAll('"', '""');
}
