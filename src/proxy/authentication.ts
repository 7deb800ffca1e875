// Whose turn it is until Postgres has let the client in. Before that nothing the client sends is looked at: a message goes to Postgres
// when Postgres has asked for one, and everything else waits (manual: "Start-up").
//
//   postgres ──asks──► client ──message──► postgres ── … ──ok──► done

import { assertNever } from "../config/assert-never.js";

export type Turn = "postgres" | "client" | "done";

export type AuthenticationEvent =
  /** An Authentication message of Postgres's, with its code. */
  | { readonly kind: "request"; readonly code: number }
  /** A message of the client's. */
  | { readonly kind: "message" };

/** The codes after which Postgres speaks again: AuthenticationOk, and AuthenticationSASLFinal, which expects no answer. */
const ok = 0;
const saslFinal = 12;

/** Returns whose turn it is after an event. A message of the client's that comes in Postgres's turn has to wait, and changes nothing. */
export function nextTurn(turn: Turn, event: AuthenticationEvent): Turn {
  if (turn === "done") return turn;
  switch (event.kind) {
    case "request":
      if (event.code === ok) return "done";
      return event.code === saslFinal ? "postgres" : "client";
    case "message":
      return "postgres";
    default:
      return assertNever(event);
  }
}
