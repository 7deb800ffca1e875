// The names whose appearance makes a statement worth parsing: mirrors, the views over them, and the functions that write to them.
// A false alarm costs one parse and one look-up; what slips through, the guard in Postgres refuses.

import type { TableName } from "./classified.js";

const verbs = /\b(?:insert|update|delete|merge|copy|view|rule)\b/i;
const prepare = /\bprepare\b/i;
const transaction = /\btransaction\b/i;

/** Names that statements have defined: whoever makes more finds that they are known only after a moment. */
const mostDefined = 1_000;

/** Null: whatever the schema. */
export interface WatchedTable {
  readonly schema: string | null;
  readonly name: string;
}

export class WatchList {
  private tables: readonly WatchedTable[] = [];
  private functions: ReadonlySet<string> = new Set();
  private readonly defined = { tables: new Set<string>(), functions: new Set<string>() };
  private tableNames: ReadonlySet<string> = new Set();
  /** A regular expression of Postgres's: the source of a function that may write to a mirror, by itself or by another. */
  sourcePattern = "";
  private named: RegExp | undefined;
  private called: RegExp | undefined;

  /** False while there is no mirror: nothing is looked at. */
  get awake(): boolean {
    return this.named !== undefined;
  }

  isTable(name: string): boolean {
    return this.tableNames.has(name);
  }

  isFunction(name: string): boolean {
    return this.functions.has(name) || this.defined.functions.has(name);
  }

  /** What the catalogue says; names that a statement has defined since stay. */
  set(tables: readonly WatchedTable[], functions: Iterable<string>): void {
    this.tables = tables;
    this.functions = new Set(functions);
    this.compile();
  }

  /** What a client's statement defines is known before its next one. */
  define(kind: "tables" | "functions", name: string): void {
    if (kind === "tables" ? this.isTable(name) : this.isFunction(name)) return;
    if (this.defined[kind].size >= mostDefined) return;
    this.defined[kind].add(name);
    this.compile();
  }

  /** The tables that the body of a DO block writes to and the functions that it calls, with the schema it gives them. */
  mentioned(body: string): { readonly tables: TableName[]; readonly functions: TableName[] } {
    return {
      tables: mentionsOf(body, [...this.tableNames], writes, ""),
      functions: mentionsOf(body, [...this.functions, ...this.defined.functions], "", "\\s*\\("),
    };
  }

  /** Whether a statement, as latin1 text, is worth parsing. */
  suspects(latin1: string): boolean {
    const { named, called } = this;
    return (
      (named?.test(latin1) === true && verbs.test(latin1)) ||
      called?.test(latin1) === true ||
      (named !== undefined && prepare.test(latin1) && transaction.test(latin1))
    );
  }

  private compile(): void {
    const tables = [...this.tables, ...[...this.defined.tables].map((name) => ({ schema: null, name }))];
    const functions = [...this.functions, ...this.defined.functions];
    this.tableNames = new Set(tables.map(({ name }) => name));
    this.sourcePattern = sourcePattern(tables, functions);
    this.named = tables.length > 0 ? new RegExp(`${anyOf([...this.tableNames])}|u&"`, "i") : undefined;
    this.called = functions.length > 0 ? new RegExp(`${anyOf(functions)}|u&"`, "i") : undefined;
  }
}

/** Between two words: a blank, or a comment. */
const gap = "(?:\\s|--[^\\n]*\\n|/\\*(?:[^*]|\\*+[^*/])*\\*+/)+";

/** What stands before the name of the table that a statement in a function's body writes to. */
const writes = `(?:insert${gap}into|update|delete${gap}from|merge${gap}into)${gap}(?:only${gap})?`;

/** `tables` are written to, `functions` are called. Another schema's table of that name is another's. */
export function sourcePattern(tables: readonly WatchedTable[], functions: readonly string[]): string {
  const quoted = (name: string) => inQuotes(name).replaceAll(/[^\p{L}\p{N}_]/gu, "\\$&");
  const table = ({ schema, name }: WatchedTable) =>
    `(?:"?${schema === null ? "\\w+" : quoted(schema)}"?\\s*\\.\\s*)?"?${quoted(name)}"?(?!\\w)`;
  const written = `\\y${writes}(?:${tables.map(table).join("|")})`;
  return functions.length === 0 ? written : `${written}|\\y(?:${functions.map(quoted).join("|")})\\s*\\(`;
}

/** `before` and `behind` are what a mention stands between. */
function mentionsOf(body: string, names: readonly string[], before: string, behind: string): TableName[] {
  if (names.length === 0) return [];
  const any = names.map((name) => inQuotes(name).replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|");
  const word = "[\\p{L}\\p{N}_$]";
  const mention = new RegExp(
    `(?<!${word}|\\.)${before}(?:(?:"((?:[^"]|"")+)"|(${word}+))\\s*\\.\\s*)?"?(${any})"?(?!${word})${behind}`,
    "giu",
  );
  return [...body.matchAll(mention)].map(([, exact, folded, name]) => ({
    schema: exact?.replaceAll('""', '"') ?? folded?.toLowerCase() ?? null,
    table: names.find((known) => inQuotes(known).toLowerCase() === name?.toLowerCase()) ?? "",
  }));
}

/** As a name is spelled in quotes; without a quote in it, also without them. */
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
