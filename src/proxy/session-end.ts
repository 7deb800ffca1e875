// How a session ends: who has left it, what the client is told about it, and whether it was asked to stop.

import type { Fields } from "../../protocol/fields.js";
import { assertNever } from "../config/assert-never.js";

/** Which side is still there. */
export type Ending =
  | { readonly at: "open" }
  /** The client sends nothing more, and still reads. */
  | { readonly at: "clientEnded" }
  /** Postgres is gone; a held statement may still be at its call. */
  | { readonly at: "postgresEnded"; readonly clientEnded: boolean }
  | { readonly at: "closed" };

export type EndingEvent = "clientEnds" | "postgresEnds" | "closes";

/** What is left of a session after one side has ended. */
export function nextEnding(ending: Ending, event: EndingEvent): Ending {
  switch (ending.at) {
    case "open":
    case "clientEnded":
    case "postgresEnded":
      break;
    case "closed":
      return ending;
    default:
      return assertNever(ending);
  }
  switch (event) {
    case "clientEnds":
      return ending.at === "postgresEnded" ? { ...ending, clientEnded: true } : { at: "clientEnded" };
    case "postgresEnds":
      return ending.at === "postgresEnded" ? ending : { at: "postgresEnded", clientEnded: ending.at === "clientEnded" };
    case "closes":
      return { at: "closed" };
    default:
      return assertNever(event);
  }
}

/** What the client has yet to be told about the end. */
export type Farewell =
  /** Nothing has been said: a lost connection has to be explained. */
  | { readonly at: "unexplained" }
  /** The client left by itself, or has been told why. */
  | { readonly at: "explained" }
  /** What a held statement has come to, or what Postgres said and must not be relayed as it is. */
  | { readonly at: "owed"; readonly words: Fields };

export type FarewellEvent = { readonly kind: "explain" } | { readonly kind: "owe"; readonly words: Fields };

/** Words that are owed stay owed, until others take their place. */
export function nextFarewell(farewell: Farewell, event: FarewellEvent): Farewell {
  switch (event.kind) {
    case "owe":
      return { at: "owed", words: event.words };
    case "explain":
      return farewell.at === "owed" ? farewell : { at: "explained" };
    default:
      return assertNever(event);
  }
}

/** `at rest`: when no transaction is open. `after this`: when what is held, or settled, has come to its end. */
export type StopWhen = "at rest" | "after this";

/** The one place where a session's end changes. */
export class SessionEnd {
  private ending: Ending = { at: "open" };
  private farewell: Farewell = { at: "unexplained" };
  private stopRequest: StopWhen | undefined;

  /** When the session has to stop; undefined while nothing has asked it to. */
  get stopWhen(): StopWhen | undefined {
    return this.stopRequest;
  }

  /** The proxy stops: the session ends at its next occasion. */
  requestStop(when: StopWhen): void {
    this.stopRequest = when;
  }

  get isClosed(): boolean {
    return this.ending.at === "closed";
  }

  get clientEnded(): boolean {
    return this.ending.at === "clientEnded" || (this.ending.at === "postgresEnded" && this.ending.clientEnded);
  }

  /** Nothing more can be asked of Postgres. */
  get isOver(): boolean {
    return this.ending.at === "postgresEnded" || this.ending.at === "closed";
  }

  /** Postgres is gone, and the session is not yet closed. */
  get postgresEnded(): boolean {
    return this.ending.at === "postgresEnded";
  }

  on(event: EndingEvent): void {
    this.ending = nextEnding(this.ending, event);
  }

  /** The client knows why the session ends. */
  explain(): void {
    this.farewell = nextFarewell(this.farewell, { kind: "explain" });
  }

  /** The client is told these words when the session ends. */
  owe(words: Fields): void {
    this.farewell = nextFarewell(this.farewell, { kind: "owe", words });
  }

  /** The end would come out of nowhere. */
  get isUnexplained(): boolean {
    return this.farewell.at === "unexplained";
  }

  /** What the client has yet to be told. */
  get owedWords(): Fields | undefined {
    return this.farewell.at === "owed" ? this.farewell.words : undefined;
  }
}
