// What the write path has sent to Postgres while a client is held: steps, the flights that carry them, and how these end.

import type { BoundText } from "../../protocol/encode.js";
import type { Fields } from "../../protocol/fields.js";
import type { SqlText } from "../sql/sql-text.js";

/** One injected message group; the client's own statement is never rewritten, only run. */
export type InjectedStep =
  /** A statement of ours, with text parameters; its rows come back. */
  | { readonly kind: "sql"; readonly text: string; readonly values: readonly BoundText[] }
  /** Ends the transaction that we opened. */
  | { readonly kind: "commit" }
  /** Only for a simple Query: its text becomes the unnamed statement, bound to the unnamed portal. */
  | { readonly kind: "prepareQuery" }
  /** Closes the named statement that `prepareQuery` made. */
  | { readonly kind: "forget" }
  /** A simple Query of the client's; all its replies go to the client, but for the ReadyForQuery. */
  | { readonly kind: "query"; readonly text: SqlText }
  /** The client's statement and values, in a portal of ours; its rows are dropped. */
  | { readonly kind: "dryRun" }
  /** The client's COPY … FROM STDIN, with no rows: what Postgres says to it is kept. */
  | { readonly kind: "copyNothing"; readonly format: "text" | "binary" }
  /** The client's own portal, with its own row limit; rows go to the client, the completion is kept. */
  | { readonly kind: "execute" };

/** How a flight ends: with the client's batch still open, or by a Sync of our own. */
export type FlightEnd = "flush" | "sync";

export type Rows = readonly (readonly (string | null)[])[];

export type FlightResult =
  /** The rows of each `sql` step. `wasOpen`: a BEGIN among them met the client's own (its warning 25001 says so). */
  | { readonly kind: "landed"; readonly rows: readonly Rows[]; readonly wasOpen: boolean }
  /** An injected message, or the client's portal, failed; the client has not been told. */
  | { readonly kind: "failed"; readonly error: Fields; readonly wasOpen: boolean }
  /** An earlier message of the client's failed, and it has been told; or its connection is gone. */
  | { readonly kind: "over" };
