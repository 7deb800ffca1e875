// The port between the write path and a held client session: flights of injected messages, and words to the client.

import type { Fields } from "../../protocol/fields.js";
import type { ByteName } from "../../protocol/text.js";
import type { SessionSigner } from "../postgres/mac.js";
import type { Classification } from "../sql/classification.js";
import type { SqlText } from "../sql/sql-text.js";
import type { FlightEnd, FlightResult, InjectedStep } from "./injected-step.js";

/** An upstream call made in the client's open transaction. */
export interface OpenCall {
  readonly call: string;
  /** The transaction it was made in. */
  readonly transaction: string | null;
  /** What upstream has changed, or may have: such as `crm.contacts 512`. Null: nothing that may not be repeated. */
  readonly change: string | null;
  readonly mirror: number;
  /** The client has been told what became of it: a rollback needs no warning. */
  readonly isReported: boolean;
  readonly api: string;
  /** Its rows are in the mirror already, or there is nothing to apply. */
  readonly isSettled: boolean;
}

export interface WriteSession {
  readonly classification: Extract<Classification, { kind: "write" | "prepareTransaction" }>;
  readonly text: SqlText;
  /** Name and text this statement was prepared under. If the name now maps to other text, the statement is classified again. */
  readonly preparedAs: { readonly name: ByteName; readonly text: SqlText } | undefined;
  /** Classifies the statement again, by the text that is prepared under its name now. False: that is no write on a mirror. */
  reclassify(text: string): Promise<boolean>;
  /** Signs what our functions take from this session. */
  readonly signer: SessionSigner;
  readonly clientAddress: string;
  /** A simple Query, rather than an Execute. */
  readonly isSimple: boolean;
  /** Upstream calls of the transaction that is open. */
  readonly openCalls: readonly OpenCall[];
  fly(steps: readonly InjectedStep[], end: FlightEnd): Promise<FlightResult>;
  /** The steps that open a transaction, if the client has none open. `quiet`: the client's setting when it hides warnings. */
  begin(quiet: string | undefined): readonly InjectedStep[];
  /** The transaction is one that the client has opened; known as soon as `hasBegun` is. */
  readonly isExplicit: boolean;
  /** Whether `begin` opened it; known when the flight with its steps has landed. */
  readonly hasBegun: boolean;
  /** Nothing more can be asked of Postgres. */
  readonly isOver: boolean;
  /** Nobody is there any more for whom a call would be made; found out when it is asked. */
  isClientGone(): Promise<boolean>;
  /** The client's portal was bound under other circumstances: planned now, it could be of something else. */
  readonly isStale: boolean;
  /** The values of the client's portal were too long to be kept. */
  readonly isTooLong: boolean;
  /** Earlier statements of the client's are in the transaction that `begin` opens. */
  readonly followsOthers: boolean;
  /** The client fetches in portions: its Execute has a row limit. */
  readonly hasRowLimit: boolean;
  /** Does what only a cancel request interrupts: `signal` is aborted by it. */
  interruptibly<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** After a flight with `copyNothing`: collects the rows that the client sends, for the steps that run its statement. */
  collectRows(): Promise<"done" | "failed" | "long" | "lost">;
  /** Tells the client that its statement failed; as the session's last words if the connection to Postgres is gone. */
  tellError(error: Fields): void;
  /** Tells the client that its portal has completed, or was suspended at its row limit. */
  tellCompletion(): void;
  /** A NOTICE: `detail` may have several lines. */
  tellNotice(notice: { readonly message: string; readonly detail?: string | undefined }): void;
  noteCall(call: OpenCall): void;
}
