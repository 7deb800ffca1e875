// What a session asks for while its client is held, and what is asked of the session in return; none of it is on the byte path.

import type { Logger } from "pino";
import type { Fields } from "../../protocol/fields.js";
import type { PendingReplies } from "../../protocol/pending-replies.js";
import type { Classification } from "../sql/classification.js";
import type { Lookout, SessionStart } from "../sql/lookout.js";
import type { FlightEnd, InjectedStep } from "../write/injected-step.js";
import type { Cancellation } from "./cancellation.js";
import type { ClientPresence } from "./client-presence.js";
import type { ClientWords } from "./client-words.js";
import type { FlightReport } from "./flight-runner.js";
import type { Hold } from "./frontend.js";
import type { HeldClient } from "./held-client.js";
import type { ClientStatement } from "./injected-messages.js";
import type { MemoryBudget } from "./memory-budget.js";
import type { Settlement } from "./open-calls.js";
import type { Statements } from "./statements.js";
import type { SessionTransaction } from "./transaction.js";

export interface Interceptor extends Settlement {
  /** False while no mirror is known. */
  readonly awake: boolean;
  /** How a new session's texts are looked at. */
  lookout(start: SessionStart): Lookout;
  /** Handles a held message. True: it has been dealt with. False: it goes to Postgres after all. */
  handle(session: InterceptedSession, hold: Hold): Promise<boolean>;
  /** An error of Postgres's with what is known of its cause here. */
  explain(error: Fields): Fields;
  /** How many held statements and settlings are on their way. */
  readonly underWay: number;
  /** Resolves when no held statement and no settling is on its way. */
  idle(): Promise<void>;
}

export interface SessionParts {
  readonly interceptor: Interceptor;
  /** How this session's texts are looked at. */
  readonly lookout: Lookout;
  readonly log: Logger;
  /** The client's, for the journal and the limits of an address. */
  readonly clientAddress: string;
  readonly memory: MemoryBudget;
  /** Called when Postgres has let the client in. */
  onAuthenticated?(): void;
}

/** A session whose client is held. */
export interface InterceptedSession {
  readonly lookout: Lookout;
  readonly statements: Statements;
  readonly replies: PendingReplies;
  readonly transaction: SessionTransaction;
  readonly heldClient: HeldClient;
  readonly cancellation: Cancellation;
  readonly clientAddress: string;
  readonly presence: ClientPresence;
  /** Tells the client how its statements end. */
  readonly words: Pick<ClientWords, "error" | "ready">;
  /** Nothing more can be asked of Postgres. */
  readonly over: boolean;
  /** Sends steps to Postgres and waits until it owes nothing more; `over` when the session is. */
  fly(steps: readonly InjectedStep[], end: FlightEnd, statement: ClientStatement): Promise<FlightReport>;
  toClient(bytes: Buffer): void;
  /** What the text of the message means that the client is held at. */
  learn(meaning: Classification): void;
}
