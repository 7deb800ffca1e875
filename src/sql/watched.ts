// The names whose appearance makes a statement worth parsing: mirrors, the views over them, and the functions that write to them.
// A false alarm costs one parse and one look-up; what slips through, the guard in Postgres refuses.

const verbs = /\b(?:insert|update|delete|merge|copy|view|rule)\b/i;
const prepare = /\bprepare\b/i;
const transaction = /\btransaction\b/i;

export class Watched {
  private tables: ReadonlySet<string> = new Set();
  private functions: ReadonlySet<string> = new Set();
  private readonly defined = { tables: new Set<string>(), functions: new Set<string>() };
  private named: RegExp | undefined;
  private called: RegExp | undefined;

  /** False while there is no mirror: nothing is looked at. */
  get awake(): boolean {
    return this.named !== undefined;
  }

  isTable(name: string): boolean {
    return this.tables.has(name) || this.defined.tables.has(name);
  }

  isFunction(name: string): boolean {
    return this.functions.has(name) || this.defined.functions.has(name);
  }

  /** What the catalogue says; names that a statement has defined since stay. */
  set(tables: Iterable<string>, functions: Iterable<string>): void {
    this.tables = new Set(tables);
    this.functions = new Set(functions);
    this.compile();
  }

  /** What a client's statement defines is known before its next one. */
  define(kind: "tables" | "functions", name: string): void {
    if (kind === "tables" ? this.isTable(name) : this.isFunction(name)) return;
    this.defined[kind].add(name);
    this.compile();
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
    const tables = [...this.tables, ...this.defined.tables];
    const functions = [...this.functions, ...this.defined.functions];
    this.named = tables.length > 0 ? new RegExp(`${anyOf(tables)}|u&"`, "i") : undefined;
    this.called = functions.length > 0 ? new RegExp(anyOf(functions), "i") : undefined;
  }
}

function anyOf(names: readonly string[]): string {
  return names
    .map((name) =>
      Buffer.from(name, "utf8")
        .toString("latin1")
        .replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"),
    )
    .join("|");
}
