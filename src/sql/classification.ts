// The answer of `classify`: what one statement, or a string of several, means for mirror tables.

export interface TableName {
  /** Null when the statement names no schema: Postgres then finds the table by its search_path. */
  readonly schema: string | null;
  readonly table: string;
}

/** A statement that writes to a watched table, or calls a watched function. */
export interface Write {
  readonly kind: "write";
  /** The watched tables that the statement writes to, by itself or in the body of a DO block: mirrors, or views over them. */
  readonly relations: readonly TableName[];
  /** The watched functions that the statement calls. */
  readonly functions: readonly TableName[];
  readonly verbs: readonly ("insert" | "update" | "delete")[];
  /** The columns that the statement's one INSERT names and gives a value; null when it names none. */
  readonly columns: readonly string[] | null;
  /** The target of ON CONFLICT DO UPDATE in the statement's one INSERT; null when the INSERT has no such clause or names no target. */
  readonly conflict: { readonly columns: readonly string[] } | { readonly constraint: string } | null;
  /** The columns that the statement's one change of rows sets, wherever it sets them, to values that mention no column. */
  readonly constants: readonly string[];
  /** The statement contains a parameter such as $1, to which a simple Query can give no value. */
  readonly parameters: boolean;
  /** The statement calls a function, so each run of it may find different rows. */
  readonly calls: boolean;
  /** EXPLAIN without ANALYZE, which runs nothing of the statement; null when the statement is run. */
  readonly explained: Explained | null;
  /** The format of the rows that follow COPY … FROM STDIN; `match` begins with a header that has to fit; null for every other statement. */
  readonly copies: "text" | "binary" | "match" | null;
}

interface Explained {
  /** The answer: `rows` of text take further lines, every other format leaves only a `notice`. */
  readonly form: "rows" | "notice";
  /** Where the statement that is explained begins, in bytes. */
  readonly at: number;
}

export type Classification =
  /** The parser sees no write on a mirror, so Postgres gets the statement unchanged. */
  | { readonly kind: "other"; readonly defines: readonly Definition[] }
  | Write
  /** PREPARE TRANSACTION ends the session's transaction without a commit. */
  | { readonly kind: "prepareTransaction" }
  /** PREPARE in SQL; `statement` is null when the prepared statement is no write on a mirror. */
  | { readonly kind: "prepare"; readonly name: string; readonly statement: Write | null }
  /** EXECUTE in SQL of the statement that was prepared as `name`. */
  | { readonly kind: "execute"; readonly name: string; readonly explained: Explained | null }
  /** Several statements in one string, of which at least one is not `other`. */
  | {
      readonly kind: "several";
      readonly pieces: readonly Piece[];
      readonly isTooLong: boolean;
      readonly defines: readonly Definition[];
    };

/** A name that may lead to a mirror from this statement on: a view, a renamed table, a table with a rule, or a function. */
export interface Definition {
  readonly kind: "table" | "function";
  /** Null when the statement names no schema. */
  readonly schema: string | null;
  readonly name: string;
}

/** As many names are watched as soon as a string, a session or a role defines them; later ones wait for the next look at the catalogue. */
export const mostDefinitions = 1_000;

/** One statement of a string of several, or a run of neighbours that are sent to Postgres together. */
export interface Piece {
  /** Where it begins and ends in the string, in bytes. */
  readonly from: number;
  readonly to: number;
  readonly classification: Classification;
  readonly transaction: TransactionCommand | null;
  /** The statement is COPY … FROM STDIN, into any table. */
  readonly copies: boolean;
  /** The name of a command that Postgres refuses in a string of several; null for every other command. */
  readonly lone: string | null;
}

/** `end` is COMMIT or ROLLBACK of the whole transaction; `chain` also begins the next one. */
export type TransactionCommand =
  | "BEGIN"
  | "START TRANSACTION"
  | "SAVEPOINT"
  | "RELEASE SAVEPOINT"
  | "ROLLBACK TO SAVEPOINT"
  | "end"
  | "chain";
