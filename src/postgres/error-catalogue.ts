// The catalogue of the errors that Throughline raises itself. An entry has the SQLSTATE, when it is raised, what had become of the
// API call, what to do, and the words: the error that a client gets and its row in docs/errors.md come from the same entry. The
// entries lie in the folders whose errors they are.

import { type CleanText, cleanText, textLimits } from "../config/clean-text.js";

/** What docs/errors.md says of an error. */
export interface ErrorDoc {
  /** When it is raised: a sentence. */
  readonly means: string;
  /** What had become of the API call: `refused`, the API changed nothing; `journal`, the journal tells. */
  readonly sent: "nothing" | "refused" | "accepted" | "part" | "unknown" | "journal";
  /** What the user does about it: a sentence. */
  readonly remedy: string;
}

/** An entry of the catalogue. */
export interface ErrorEntry extends ErrorDoc {
  readonly sqlstate: Sqlstate;
}

/** What a client is told, besides the SQLSTATE (manual: "Error and Notice Message Fields"). */
export interface ErrorWords {
  /** Lower case, no full stop, and who speaks comes first: `throughline: …`, or the API's name. */
  readonly message: string;
  readonly detail?: string | undefined;
  readonly hint?: string | undefined;
  readonly schema?: string | undefined;
  readonly table?: string | undefined;
  readonly column?: string | undefined;
  readonly constraint?: string | undefined;
}

/** The same words, each clean and of a bounded length. */
type CleanWords = {
  readonly [Field in keyof ErrorWords]: CleanText | (undefined extends ErrorWords[Field] ? undefined : never);
};

/**
 * How many characters of each word a client gets: whatever it was made of, keys of records and names of columns included. The message
 * and the detail have room for a whole sentence of an API, and for what we say around it.
 */
const mostOf = { message: 3_072, detail: 14_336, hint: 2_048, name: textLimits.word } as const;

class CatalogueError implements CleanWords {
  /** Keeps an object literal, and a spread of another error, from passing for one: an error without an entry does not compile. */
  declare protected readonly isFromCatalogue: true;
  readonly message: CleanText;
  readonly detail: CleanText | undefined;
  readonly hint: CleanText | undefined;
  readonly schema: CleanText | undefined;
  readonly table: CleanText | undefined;
  readonly column: CleanText | undefined;
  readonly constraint: CleanText | undefined;

  constructor(
    readonly sqlstate: string,
    words: ErrorWords,
  ) {
    const clean = (text: string | undefined, most: number) => (text === undefined ? undefined : cleanText(text, most));
    this.message = cleanText(words.message, mostOf.message);
    this.detail = clean(words.detail, mostOf.detail);
    this.hint = clean(words.hint, mostOf.hint);
    this.schema = clean(words.schema, mostOf.name);
    this.table = clean(words.table, mostOf.name);
    this.column = clean(words.column, mostOf.name);
    this.constraint = clean(words.constraint, mostOf.name);
  }

  /** The same error with another detail. */
  withDetail(detail: string): CatalogueError {
    return new CatalogueError(this.sqlstate, { ...this.words, detail });
  }

  /** What the client is told, without the SQLSTATE. */
  get words(): CleanWords {
    const { message, detail, hint, schema, table, column, constraint } = this;
    return { message, detail, hint, schema, table, column, constraint };
  }
}

/** An error for the client, in Postgres's terms. Only an entry of the catalogue makes one. */
export type SqlError = CatalogueError;

/** An entry as a function: called with what the error is about, it gives the error. */
export type ErrorMaker<Subjects extends readonly unknown[]> = ErrorEntry & ((...subjects: Subjects) => SqlError);

/** Defines an error: its entry, and how its words are made. */
export function defineError<Subjects extends readonly unknown[]>(
  sqlstate: Sqlstate,
  { means, sent, remedy }: ErrorDoc,
  words: (...subjects: Subjects) => ErrorWords,
): ErrorMaker<Subjects> {
  const make = (...subjects: Subjects): SqlError => new CatalogueError(sqlstate, words(...subjects));
  return Object.assign(make, { sqlstate, means, sent, remedy });
}

/** An entry whose error the installed SQL raises. */
export interface ServerErrorEntry extends ErrorEntry {
  /** The text of its RAISE EXCEPTION, as it stands in the SQL. */
  readonly raised: string;
}

/** Defines an error that the installed SQL raises, once for each RAISE EXCEPTION. */
export function defineServerError(sqlstate: Sqlstate, raised: string, doc: ErrorDoc): ServerErrorEntry {
  return { sqlstate, raised, ...doc };
}

/** What an API's refusal is known by. */
export interface ApiRefusal {
  /** That of an entry of src/upstream, or one that the manifest chose. */
  readonly sqlstate: string;
  readonly code: string | null;
  readonly status: number | null;
  readonly request: string | null;
}

/** An API's refusal, told in the API's words. */
export function relayedError({ sqlstate }: ApiRefusal, words: ErrorWords): SqlError {
  return new CatalogueError(sqlstate, words);
}

/** Postgres's names (appendix A of its manual); the class TL is ours. */
export const conditionNames = {
  "00000": "successful_completion",
  "01000": "warning",
  "08006": "connection_failure",
  "08P01": "protocol_violation",
  "0A000": "feature_not_supported",
  "22001": "string_data_right_truncation",
  "22003": "numeric_value_out_of_range",
  "22023": "invalid_parameter_value",
  "22P02": "invalid_text_representation",
  "23502": "not_null_violation",
  "23503": "foreign_key_violation",
  "23505": "unique_violation",
  "23514": "check_violation",
  "25001": "active_sql_transaction",
  "25P01": "no_active_sql_transaction",
  "27000": "triggered_data_change_violation",
  "28000": "invalid_authorization_specification",
  "40001": "serialization_failure",
  "42501": "insufficient_privilege",
  "42703": "undefined_column",
  "428C9": "generated_always",
  "53300": "too_many_connections",
  "53400": "configuration_limit_exceeded",
  "54000": "program_limit_exceeded",
  "55000": "object_not_in_prerequisite_state",
  "55P03": "lock_not_available",
  "57014": "query_canceled",
  "57P01": "admin_shutdown",
  HV000: "fdw_error",
  HV00N: "fdw_unable_to_establish_connection",
  TL001: "partly accepted",
  TL002: "accepted, not applied here",
  TL007: "outcome unknown",
  XX000: "internal_error",
} as const;

/** The SQLSTATEs that Throughline raises itself. */
export type Sqlstate = keyof typeof conditionNames;
