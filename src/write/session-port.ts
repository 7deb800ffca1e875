// What the write path asks of a held client session: flights of injected messages, and words to the client.

import type { Fields } from "../../protocol/fields.js";
import type { Classified } from "../sql/classify.js";

/** One injected message group; the client's own statement is never rewritten, only run. */
export type InjectedStep =
  /** A statement of ours, with text parameters; its rows come back. */
  | { readonly kind: "sql"; readonly text: string; readonly values: readonly (string | null)[] }
  /** Ends the transaction that we opened. */
  | { readonly kind: "commit" }
  /** Only for a simple Query: its text becomes the unnamed statement, bound to the unnamed portal. */
  | { readonly kind: "prepareQuery" }
  /** The named statement that `prepareQuery` made is there no more. */
  | { readonly kind: "forget" }
  /** A simple Query of the client's; all its replies go to the client, but for the ReadyForQuery. */
  | { readonly kind: "query"; readonly text: string }
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

/** An upstream call made in the client's open transaction. */
export interface OpenCall {
  readonly call: string;
  /** The transaction it was made in. */
  readonly transaction: string | null;
  /** What upstream has changed, or may have: such as `crm.contacts 512`. Null: nothing that may not be repeated. */
  readonly changed: string | null;
  readonly mirror: number;
  /** The client has been told what became of it: a rollback needs no warning. */
  readonly told: boolean;
  readonly api: string;
  /** Its rows are in the mirror already, or there is nothing to apply. */
  readonly settled: boolean;
}

export interface WriteSession {
  readonly classified: Extract<Classified, { kind: "write" | "prepareTransaction" }>;
  readonly text: string;
  /** The name under which this text has to be prepared for the statement to be what it was taken for. */
  readonly prepared: { readonly name: string; readonly text: string } | undefined;
  /** Takes the statement for what this text, prepared under its name, is. False: for no write on a mirror. */
  means(text: string): boolean;
  readonly processId: number;
  readonly clientAddress: string;
  /** A simple Query, rather than an Execute. */
  readonly simple: boolean;
  /** Upstream calls of the transaction that is open. */
  readonly openCalls: readonly OpenCall[];
  fly(steps: readonly InjectedStep[], end: FlightEnd): Promise<FlightResult>;
  /** The steps that open a transaction, if the client has none open. `quiet`: the client's setting when it hides warnings. */
  begin(quiet: string | undefined): readonly InjectedStep[];
  /** The transaction is one that the client has opened; known as soon as `begun` is. */
  readonly explicit: boolean;
  /** Whether `begin` opened it; known when the flight with its steps has landed. */
  readonly begun: boolean;
  /** Nothing more can be asked of Postgres. */
  readonly over: boolean;
  /** The client's portal was bound under other circumstances: planned now, it could be of something else. */
  readonly stale: boolean;
  /** Earlier statements of the client's are in the transaction that `begin` opens. */
  readonly follows: boolean;
  /** The client fetches in portions: its Execute has a row limit. */
  readonly limited: boolean;
  /** Does what only a cancel request interrupts: `signal` is aborted by it. */
  interruptibly<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** After a flight with `copyNothing`: collects the rows that the client sends, for the steps that run its statement. */
  collectRows(): Promise<"done" | "failed" | "long" | "lost">;
  /** Tells the client that its statement failed; as the session's last words if the connection to Postgres is gone. */
  tellError(error: Fields): void;
  /** Tells the client that its portal has completed, or was suspended at its row limit. */
  tellCompletion(): void;
  tellNotice(notice: { readonly message: string; readonly detail: string }): void;
  noteCall(call: OpenCall): void;
}
