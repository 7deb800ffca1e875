// Which calls lead to a watched function: by its schema where the call has one, and never by a name that Postgres's own functions have.

import type { Mention } from "./mentions.js";

/** A null schema stands for any schema. */
export interface WatchedName {
  readonly schema: string | null;
  readonly name: string;
  /** The role that owns it. */
  readonly owner: string;
}

/** The roles that could do anything to the database anyway: what they own may cost every session something. */
export type TrustedRoles = ReadonlySet<string>;

/** Words that have a meaning of their own in every session. */
export interface LanguageWords {
  /** The functions of pg_catalog, which is searched before every other schema. */
  readonly functions: readonly string[];
  /** The words that may stand in front of a bracket in a body and call nothing, as in `if (`. */
  readonly keywords: readonly string[];
}

export const noWords: LanguageWords = { functions: [], keywords: [] };

/** Watched names by their schemas. */
export class NamesBySchema {
  private readonly schemas = new Map<string, Set<string | null>>();

  constructor(names: Iterable<Pick<WatchedName, "schema" | "name">>) {
    for (const { schema, name } of names) {
      const schemas = this.schemas.get(name) ?? new Set();
      schemas.add(schema === null ? null : homeOf(schema));
      this.schemas.set(name, schemas);
    }
  }

  /** Returns whether the name, of any schema when `schema` is null, is watched. */
  has(name: string, schema: string | null): boolean {
    const schemas = this.schemas.get(name);
    return schemas !== undefined && (schema === null || schemas.has(null) || schemas.has(homeOf(schema)));
  }

  /** Returns whether the name is watched only as a temporary one. */
  isTemporary(name: string): boolean {
    const schemas = this.schemas.get(name);
    return schemas?.size === 1 && schemas.has(temporary);
  }
}

export class FunctionNames {
  private readonly names: NamesBySchema;
  /** Names that are Postgres's own without a schema: those of its functions that no trusted role has given to one of its own. */
  private readonly builtins: ReadonlySet<string>;
  private readonly keywords: ReadonlySet<string>;

  constructor(functions: readonly WatchedName[], words: LanguageWords, trusted: TrustedRoles) {
    this.names = new NamesBySchema(functions);
    const overloaded = new Set(functions.flatMap(({ name, owner }) => (trusted.has(owner) ? name : [])));
    this.builtins = new Set(words.functions.filter((name) => !overloaded.has(name)));
    this.keywords = new Set(words.keywords);
  }

  /** Returns whether a call of `name` may be one of a watched function; `schema` is the one that the call gives, null when it gives none. */
  has(name: string, schema: string | null): boolean {
    const { names, builtins } = this;
    // Postgres finds a function of pg_temp only by its schema.
    return names.has(name, schema) && (schema !== null || !(builtins.has(name) || names.isTemporary(name)));
  }

  /** Returns whether a body calls a watched function by this mention. */
  isMentioned({ kind, name: { schema, table }, isWord }: Mention): boolean {
    return kind === "function" && !(isWord && this.keywords.has(table)) && this.has(table, schema);
  }
}

const temporary = "pg_temp";

/** Each session has a temporary schema of its own, under one name for all. */
function homeOf(schema: string): string {
  return schema.startsWith("pg_temp_") ? temporary : schema;
}
