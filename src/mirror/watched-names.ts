// Which names can lead a statement to a mirror: its own, those of views and rules over it, and of functions whose body writes to it.
// What others create is looked at again only when it has changed.

import type { Pool } from "pg";
import type { LanguageWords, WatchedName } from "../sql/function-names.js";
import { noNames, type SearchPaths, type WatchedNames } from "../sql/watch-list.js";
import type { IsBuiltin, NamedRelation } from "./call-graph.js";
import { loadLanguageWords, readFingerprint } from "./candidate-functions.js";
import type { Mirror } from "./column.js";
import { KnownFunctions } from "./known-functions.js";
import { loadSearchPaths } from "./search-paths.js";
import { loadWatchedRelations } from "./watched-views.js";

/** After a slow look at the catalogue there is none for so many times as long. */
const restAfterLook = 20;

export class NamesWatch {
  private readonly functions: KnownFunctions;
  private words: LanguageWords | undefined;
  private fingerprint = "";
  private names = noNames;
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
    return this.restMs > 0;
  }

  /** In how many milliseconds the next look may be. */
  get restMs(): number {
    return Math.max(0, this.restsUntilMs - performance.now());
  }

  /**
   * Looks at the catalogue, and returns the names that lead to `mirrors`. Throws what Postgres does; then the names stay as they were,
   * and the next look begins anew.
   */
  async look(mirrors: readonly Pick<Mirror, "relation">[]): Promise<WatchedNames> {
    if (this.isResting) return this.names;
    const beginsMs = performance.now();
    this.words ??= await loadLanguageWords(this.pool);
    const relations = mirrors.map(({ relation }) => relation);
    const paths = await loadSearchPaths(this.pool, relations);
    const isEmpty = mirrors.length === 0;
    const parts = isEmpty ? [] : [await readFingerprint(this.pool), ...relations, ...paths.trusted];
    const fingerprint = parts.join(" ");
    this.restsUntilMs = beginsMs + restAfterLook * (performance.now() - beginsMs);
    const isSame = fingerprint === this.fingerprint && !isEmpty;
    const { tables, functions } = isEmpty
      ? noNames
      : isSame
        ? this.names
        : await this.read(relations, this.words, paths);
    if (this.stopping()) return this.names;
    this.names = { tables, functions, words: this.words, paths };
    this.fingerprint = fingerprint;
    return this.names;
  }

  private async read(
    mirrors: readonly number[],
    words: LanguageWords,
    paths: SearchPaths,
  ): Promise<Pick<WatchedNames, "tables" | "functions">> {
    const tables = await loadWatchedRelations(this.pool, mirrors);
    await this.functions.read(new Set(words.keywords));
    const builtins = new Set(words.functions);
    const trusted = new Set(paths.trusted);
    const isBuiltin: IsBuiltin = ({ name, owner }) => builtins.has(name) && !trusted.has(owner);
    const functions = await this.functions.findWriters(tables, isBuiltin);
    return { tables: tables.map(nameOf), functions: functions.map(nameOf) };
  }
}

function nameOf({ schema, name, owner }: Pick<NamedRelation, "schema" | "name" | "owner">): WatchedName {
  return { schema, name, owner };
}
