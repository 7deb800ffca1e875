// The names whose appearance makes a statement worth parsing: mirrors, the views over them, and the functions that write to them.
// A false alarm costs one parse and one look-up; what slips through, the guard in Postgres refuses.

import type { Definition } from "./classification.js";
import { DefinedNames } from "./defined-names.js";
import { FunctionNames, type LanguageWords, NamesBySchema, noWords, type WatchedName } from "./function-names.js";
import type { Mention } from "./mentions.js";
import type { Names } from "./names.js";
import { WordIndex, WordKind, type WordKinds } from "./word-index.js";

/** Where the sessions of this database look for a name that a statement does not qualify. */
export interface SearchPaths {
  /** The schemas in which every session looks, unless it is told to look elsewhere. */
  readonly schemas: readonly string[];
  /** The roles whose sessions look elsewhere from the start. */
  readonly roles: readonly string[];
  /** The roles whose views and functions are watched in whichever schema they are. */
  readonly trusted: readonly string[];
}

/** The names of the catalogue, as plain values that a thread can be sent. */
export interface WatchedNames {
  readonly tables: readonly WatchedName[];
  readonly functions: readonly WatchedName[];
  readonly words: LanguageWords;
  readonly paths: SearchPaths;
}

/** Nothing leads to a mirror. */
export const noNames: WatchedNames = {
  tables: [],
  functions: [],
  words: noWords,
  paths: { schemas: [], roles: [], trusted: [] },
};

export class WatchList implements Names {
  private names = noNames;
  private tableNames = new NamesBySchema([]);
  private functionNames = new FunctionNames([], noWords, new Set());
  private index = new WordIndex();
  /** The roles whose sessions may find names that others find only by their schema. */
  private elsewhere: ReadonlySet<string> = new Set();
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
    return this.tableNames.has(name, null);
  }

  isFunction(name: string, schema: string | null): boolean {
    return this.functionNames.has(name, schema);
  }

  isMentioned(mention: Mention): boolean {
    const { kind, name } = mention;
    return kind === "table" ? this.tableNames.has(name.table, name.schema) : this.functionNames.isMentioned(mention);
  }

  /** Replaces the names from the catalogue. The same names again change nothing. */
  set(names: WatchedNames): void {
    const { tables, functions, paths } = this.names;
    const isSame = names.tables === tables && names.functions === functions;
    if (this.version > 0 && isSame && JSON.stringify(names.paths) === JSON.stringify(paths)) return;
    this.names = names;
    this.version += 1;
    this.tableNames = new NamesBySchema(names.tables);
    this.functionNames = new FunctionNames(names.functions, names.words, new Set(names.paths.trusted));
    const near = new NearNames(names);
    this.index = new WordIndex(near.words);
    this.elsewhere = new Set([...names.paths.roles, ...near.farOwners, ...near.farSchemas]);
  }

  /** Returns whether a name that a session has defined is here by now. */
  isDefined({ kind, schema, name }: Definition): boolean {
    return kind === "table" ? this.tableNames.has(name, schema) : this.isFunction(name, schema);
  }

  with(definitions: readonly Definition[]): Names {
    return definitions.length === 0 ? this : new DefinedNames(this, definitions);
  }

  /** Returns the kinds of the words in a text. */
  wordsIn(bytes: Buffer): WordKinds {
    return this.index.scan(bytes);
  }

  /** Returns whether the sessions of a role may find names elsewhere: it has a path, a schema, or views or functions of its own. */
  looksElsewhere(role: string): boolean {
    return this.elsewhere.has(role);
  }
}

/**
 * Which names a session finds without their schema, as far as that can be told: those of trusted roles, wherever they are, and those in
 * the schemas in which every session looks. What another role has made elsewhere is far, and so is a function of its with a name that
 * Postgres gives a meaning of its own.
 */
class NearNames {
  readonly words: (readonly [string, WordKinds])[] = [];
  readonly farOwners = new Set<string>();
  readonly farSchemas = new Set<string>();

  constructor({ tables, functions, words, paths }: WatchedNames) {
    const trusted = new Set(paths.trusted);
    const general = new Set(paths.schemas);
    const meanings = new Set([...words.functions, ...words.keywords]);
    const isNear = ({ schema, owner }: WatchedName) => schema === null || trusted.has(owner) || general.has(schema);
    const isNearFunction = (one: WatchedName) => isNear(one) && (trusted.has(one.owner) || !meanings.has(one.name));
    for (const one of tables) this.add(one, isNear(one), WordKind.table, WordKind.farTable);
    for (const one of functions) this.add(one, isNearFunction(one), WordKind.function, WordKind.farFunction);
    for (const schema of this.farSchemas) this.words.push([schema, WordKind.farSchema]);
  }

  private add({ schema, name, owner }: WatchedName, isNear: boolean, near: WordKinds, far: WordKinds): void {
    this.words.push([name, isNear ? near : far]);
    if (isNear) return;
    this.farOwners.add(owner);
    if (schema !== null) this.farSchemas.add(schema);
  }
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
