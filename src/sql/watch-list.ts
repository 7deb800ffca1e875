// The names whose appearance makes a statement worth parsing: mirrors, the views over them, and the functions that write to them.
// A false alarm costs one parse and one look-up; what slips through, the guard in Postgres refuses.

import { assertNever } from "../config/assert-never.js";
import type { Definition, TableName } from "./classification.js";
import type { Names } from "./names.js";

const verbs = /\b(?:insert|update|delete|merge|copy|view|rule)\b/i;
const prepare = /\bprepare\b/i;
const transaction = /\btransaction\b/i;

/** The most names that are watched as soon as a statement defines them; later ones wait for the next look at the catalogue. */
const mostDefined = 1_000;

/** A null schema stands for any schema. */
export interface WatchedTable {
  readonly schema: string | null;
  readonly name: string;
}

export class WatchList implements Names {
  private tables: readonly WatchedTable[] = [];
  private functions: ReadonlySet<string> = new Set();
  private readonly definedNames: Readonly<Record<Definition["kind"], Set<string>>>;
  private tableNames: ReadonlySet<string> = new Set();
  /** A regular expression for Postgres, which matches the source of a function that may write to a mirror. */
  sourcePattern = "";
  private tablePattern: RegExp | undefined;
  private functionPattern: RegExp | undefined;

  constructor(definedNames: Readonly<Record<Definition["kind"], Iterable<string>>> = { table: [], function: [] }) {
    this.definedNames = { table: new Set(definedNames.table), function: new Set(definedNames.function) };
  }

  /** False while there is no mirror, and then no statement is looked at. */
  get awake(): boolean {
    return this.tablePattern !== undefined;
  }

  isTable(name: string): boolean {
    return this.tableNames.has(name);
  }

  isFunction(name: string): boolean {
    return this.functions.has(name) || this.definedNames.function.has(name);
  }

  /** Replaces the names from the catalogue; the names that statements have defined stay. */
  set(tables: readonly WatchedTable[], functions: Iterable<string>): void {
    this.tables = tables;
    this.functions = new Set(functions);
    this.compile();
  }

  /** Watches the names that a client's statement defines, so that its next statement finds them watched. */
  define(definitions: readonly Definition[]): void {
    const additions = definitions.filter((definition) => this.canAdd(definition));
    for (const { kind, name } of additions) this.definedNames[kind].add(name);
    if (additions.length > 0) this.compile();
  }

  /** Returns a list that also watches the defined names; this list stays unchanged. */
  with(definitions: readonly Definition[]): WatchList {
    const additions = definitions.filter((definition) => this.canAdd(definition));
    if (additions.length === 0) return this;
    const copy = new WatchList(this.definedNames);
    for (const { kind, name } of additions) copy.definedNames[kind].add(name);
    copy.set(this.tables, this.functions);
    return copy;
  }

  private canAdd(definition: Definition): boolean {
    return !this.isWatched(definition) && this.definedNames[definition.kind].size < mostDefined;
  }

  private isWatched({ kind, name }: Definition): boolean {
    switch (kind) {
      case "table":
        return this.isTable(name);
      case "function":
        return this.isFunction(name);
      default:
        return assertNever(kind);
    }
  }

  /** Returns the tables that the body of a DO block writes to and the functions that it calls, with the schema it gives them. */
  namesIn(body: string): { readonly tables: TableName[]; readonly functions: TableName[] } {
    return {
      tables: mentionsOf(body, [...this.tableNames], writes, ""),
      functions: mentionsOf(body, [...this.functions, ...this.definedNames.function], "", "\\s*\\("),
    };
  }

  /** Returns whether a statement, as latin1 text, is worth parsing. */
  suspects(latin1: string): boolean {
    const { tablePattern, functionPattern } = this;
    return (
      (tablePattern?.test(latin1) === true && verbs.test(latin1)) ||
      functionPattern?.test(latin1) === true ||
      (tablePattern !== undefined && prepare.test(latin1) && transaction.test(latin1))
    );
  }

  private compile(): void {
    const tables = [...this.tables, ...[...this.definedNames.table].map((name) => ({ schema: null, name }))];
    const functions = [...this.functions, ...this.definedNames.function];
    this.tableNames = new Set(tables.map(({ name }) => name));
    this.sourcePattern = sourcePattern(tables, functions);
    this.tablePattern = tables.length > 0 ? new RegExp(`${anyOf([...this.tableNames])}|u&"`, "i") : undefined;
    this.functionPattern = functions.length > 0 ? new RegExp(`${anyOf(functions)}|u&"`, "i") : undefined;
  }
}

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

function anyOf(names: readonly string[]): string {
  return names
    .map((name) =>
      Buffer.from(inQuotes(name), "utf8")
        .toString("latin1")
        .replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"),
    )
    .join("|");
}
