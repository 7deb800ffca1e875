// Which names can lead a statement to a mirror: its own, those of views and rules over it, and of functions whose body writes to it.
// What others create is looked at again only when it has changed.

import type { Pool } from "pg";
import type { LanguageWords } from "../sql/function-names.js";
import type { WatchedNames as AllWatchedNames } from "../sql/watch-list.js";
import type { NamedRelation } from "./call-graph.js";
import { loadLanguageWords, readFingerprint } from "./candidate-functions.js";
import type { Mirror } from "./column.js";
import { KnownFunctions } from "./known-functions.js";
import { loadWatchedRelations } from "./watched-views.js";

/** After a slow look at the catalogue there is none for so many times as long. */
const restAfterLook = 20;

/** Those that lead to mirrors, and the words of the language. */
export type LeadingNames = Omit<AllWatchedNames, "paths">;

export class NamesWatch {
  private readonly functions: KnownFunctions;
  private words: LanguageWords | undefined;
  private fingerprint = "";
  private names: LeadingNames = { tables: [], functions: [], words: { functions: [], keywords: [] } };
  private restsUntilMs = 0;

  /** `stopping`: the proxy is about to end, and waits for this. */
  constructor(
    private readonly pool: Pool,
    private readonly stopping: () => boolean = () => false,
  ) {
    this.functions = new KnownFunctions(pool, stopping);
  }

  /** Returns whether this version of a function may write to a mirror; undefined when its body has not been read. `version`: the xmin of its row. */
  mayWrite(oid: number, version: string): boolean | undefined {
    return this.functions.mayWrite(oid, version);
  }

  /** The last look was slow, and the next one has to wait. */
  get isResting(): boolean {
    return performance.now() < this.restsUntilMs;
  }

  /**
   * Looks at the catalogue, and returns the names that lead to `mirrors`. Throws what Postgres does; then the names stay as they were,
   * and the next look begins anew.
   */
  async look(mirrors: readonly Pick<Mirror, "relation">[]): Promise<LeadingNames> {
    if (this.isResting) return this.names;
    const beginsMs = performance.now();
    this.words ??= await loadLanguageWords(this.pool);
    const relations = mirrors.map(({ relation }) => relation);
    const fingerprint = mirrors.length === 0 ? "" : `${await readFingerprint(this.pool)}, ${relations.join(" ")}`;
    this.restsUntilMs = beginsMs + restAfterLook * (performance.now() - beginsMs);
    if (fingerprint === this.fingerprint) return this.names;
    const names = mirrors.length === 0 ? noNames(this.words) : await this.read(relations, this.words);
    if (this.stopping()) return this.names;
    this.names = names;
    this.fingerprint = fingerprint;
    return names;
  }

  private async read(mirrors: readonly number[], words: LanguageWords): Promise<LeadingNames> {
    const tables = await loadWatchedRelations(this.pool, mirrors);
    await this.functions.read(new Set(words.keywords));
    const functions = await this.functions.findWriters(tables, new Set(words.functions));
    return { tables: tables.map(nameOf), functions: functions.map(nameOf), words };
  }
}

function noNames(words: LanguageWords): LeadingNames {
  return { tables: [], functions: [], words };
}

function nameOf({ schema, name }: Pick<NamedRelation, "schema" | "name">) {
  return { schema, name };
}
