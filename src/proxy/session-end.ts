// How a session ends: who has left it, what the client is told about it, and whether it was asked to stop.

import type { Fields } from "../../protocol/fields.js";
import { assertNever } from "../config/assert-never.js";
import { afterAcceptance } from "../write/client-errors.js";
import type { OpenCall } from "../write/session-port.js";

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
  /**
   * The statement that the client waits for has had its error, and its ReadyForQuery is yet to come. A driver would take a second error for
   * the answer of the next statement, or report it in place of the first. `byPostgres`: the statement is none that we hold or follow.
   */
  | { readonly at: "answered"; readonly byPostgres: boolean }
  /** The client left by itself, or has been told why, or has no statement that waits. */
  | { readonly at: "explained" }
  /** What a held statement has come to (`isAnswer`), or what Postgres said and must not be relayed as it is. */
  | { readonly at: "owed"; readonly words: Fields; readonly isAnswer: boolean };

export type FarewellEvent =
  | { readonly kind: "explain" }
  | { readonly kind: "owe"; readonly words: Fields; readonly isAnswer: boolean }
  | { readonly kind: "answer"; readonly byPostgres: boolean }
  /** The client gets a ReadyForQuery. `isOver`: the session has ended before that. */
  | { readonly kind: "ready"; readonly isOver: boolean };

/** What is owed stays owed until an answer takes its place, or the ReadyForQuery of a statement that did not wait for it. */
export function nextFarewell(farewell: Farewell, event: FarewellEvent): Farewell {
  switch (event.kind) {
    case "owe":
      if (farewell.at === "answered" || farewell.at === "explained") return farewell;
      if (farewell.at === "owed" && farewell.isAnswer && !event.isAnswer) return farewell;
      return { at: "owed", words: event.words, isAnswer: event.isAnswer };
    case "explain":
      return farewell.at === "owed" ? farewell : { at: "explained" };
    case "answer":
      return farewell.at === "unexplained" ? { at: "answered", byPostgres: event.byPostgres } : farewell;
    case "ready":
      return event.isOver || farewell.at === "explained" || farewell.at === "owed"
        ? { at: "explained" }
        : { at: "unexplained" };
    default:
      return assertNever(event);
  }
}

/** What the client hears when its session ends. */
export interface LastWords {
  readonly error: Fields | undefined;
  /** Whether a ReadyForQuery ends the statement that waits: several drivers forget an error behind which the connection ends at once. */
  readonly endsStatement: boolean;
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

  /** The client is told these words when the session ends. `isAnswer`: what its statement has come to. */
  owe(words: Fields, isAnswer: boolean): void {
    this.farewell = nextFarewell(this.farewell, { kind: "owe", words, isAnswer });
  }

  /** The statement that the client waits for has had its error. */
  answer(byPostgres: boolean): void {
    this.farewell = nextFarewell(this.farewell, { kind: "answer", byPostgres });
  }

  /** The client gets a ReadyForQuery. */
  ready(): void {
    this.farewell = nextFarewell(this.farewell, { kind: "ready", isOver: this.isOver });
  }

  /** The end would come out of nowhere. */
  get isUnexplained(): boolean {
    return this.farewell.at === "unexplained";
  }

  /** A statement that we hold or follow has had its error, and no ReadyForQuery yet. */
  get isAnswered(): boolean {
    return this.farewell.at === "answered" && !this.farewell.byPostgres;
  }

  /** What the client is told at the end; nothing a second time. `calls` are those that a later error may still undo. */
  takeLastWords(calls: readonly OpenCall[]): LastWords {
    const { farewell, isAnswered } = this;
    this.farewell = { at: "explained" };
    if (farewell.at !== "owed") return { error: undefined, endsStatement: isAnswered };
    const error = afterAcceptance(calls, farewell.words);
    // What Postgres says by itself is said as Postgres does.
    return { error, endsStatement: farewell.isAnswer || error !== farewell.words };
  }
}
