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
}

/** The names of the catalogue, as plain values that a thread can be sent. */
export interface WatchedNames {
  readonly tables: readonly WatchedName[];
  readonly functions: readonly WatchedName[];
  readonly words: LanguageWords;
  readonly paths: SearchPaths;
}

const noNames: WatchedNames = { tables: [], functions: [], words: noWords, paths: { schemas: [], roles: [] } };

export class WatchList implements Names {
  private names = noNames;
  private tableNames = new NamesBySchema([]);
  private functionNames = new FunctionNames([], noWords);
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
    if (this.version > 0 && JSON.stringify(names) === JSON.stringify(this.names)) return;
    this.names = names;
    this.version += 1;
    this.tableNames = new NamesBySchema(names.tables);
    this.functionNames = new FunctionNames(names.functions, names.words);
    this.index = new WordIndex(wordsOf(names));
  }

  with(definitions: readonly Definition[]): Names {
    return definitions.length === 0 ? this : new DefinedNames(this, definitions);
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

function wordsOf({ tables, functions, words, paths }: WatchedNames): (readonly [string, WordKinds])[] {
  const isNear = ({ schema }: WatchedName) => schema === null || paths.schemas.includes(schema);
  const builtins = new Set(words.functions);
  // Without its schema, such a name is that of Postgres's own function.
  const isNearFunction = (one: WatchedName) => isNear(one) && !builtins.has(one.name);
  const kindsOf = (watched: readonly WatchedName[], isNearOne: typeof isNear, near: WordKinds, far: WordKinds) =>
    watched.map((one) => [one.name, isNearOne(one) ? near : far] as const);
  const farSchemas = [
    ...tables.filter((one) => !isNear(one)),
    ...functions.filter((one) => !isNearFunction(one)),
  ].flatMap(({ schema }) => schema ?? []);
  return [
    ...kindsOf(tables, isNear, WordKind.table, WordKind.farTable),
    ...kindsOf(functions, isNearFunction, WordKind.function, WordKind.farFunction),
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
