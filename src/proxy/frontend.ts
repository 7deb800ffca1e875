// Reads what the client sends: notes what Postgres will owe for it, and stops in front of what has to be held.

import { readBind, readExecute, readParse, readQuery, readTarget } from "../../protocol/decode.js";
import type { FrameSink } from "../../protocol/frames.js";
import { Frontend, headerLength } from "../../protocol/messages.js";
import { Delivery, type PendingReplies, RequestKind } from "../../protocol/pending-replies.js";
import { assertNever } from "../config/assert-never.js";
import type { Classification } from "../sql/classification.js";
import type { Lookout } from "../sql/lookout.js";
import { keptText, type SqlText, type TextEncoding } from "../sql/sql-text.js";
import { nextTurn, type Turn } from "./authentication.js";
import type { CopyIn } from "./copy-in.js";
import type { MirrorPortal, MirrorStatement, Statements } from "./statements.js";
import type { SessionTransaction } from "./transaction.js";

/** A string of several statements. */
type Several = Extract<Classification, { kind: "several" }>;

/** Why the client is held; the message it is held at begins at the reader's offset. */
export type Hold =
  /** What the text of a Query or Parse means has to be found out. */
  | { readonly at: "text"; readonly text: SqlText }
  | { readonly at: "query"; readonly statement: MirrorStatement; readonly length: number }
  /** A Query of several statements. */
  | { readonly at: "several"; readonly text: SqlText; readonly several: Several; readonly length: number }
  | {
      readonly at: "execute";
      readonly portal: MirrorPortal;
      readonly execute: Buffer;
      readonly stale: boolean;
      readonly follows: boolean;
    }
  /** The transaction that we opened ends here: at the client's Sync, or before its next Query. */
  | { readonly at: "sync" }
  | { readonly at: "nextQuery" };

/** The bytes of the held message that are dropped when it has been dealt with. */
export function heldLength(hold: Hold): number {
  switch (hold.at) {
    case "query":
    case "several":
      return hold.length;
    case "execute":
      return hold.execute.length;
    case "sync":
      return headerLength;
    case "nextQuery":
    case "text":
      return 0;
    default:
      return assertNever(hold);
  }
}

/** Whether a statement is held, rather than the end of a transaction that we opened. */
export function holdsStatement(hold: Hold): boolean {
  switch (hold.at) {
    case "query":
    case "several":
    case "execute":
      return true;
    case "sync":
    case "nextQuery":
    case "text":
      return false;
    default:
      return assertNever(hold);
  }
}

export interface HoldState {
  readonly transaction: Pick<SessionTransaction, "isOurs" | "hasFailed">;
  /** What Postgres owes is no longer known. */
  readonly isUnfollowed: boolean;
  /** How the client writes its texts. */
  readonly textEncoding: TextEncoding;
  hold(hold: Hold): void;
  /** The client has said goodbye: that Postgres ends the connection is no loss. */
  goodbye(): void;
}

/** A longer text is not looked at: it has more rows than any call takes, and the guard refuses it. */
const longestText = 1024 * 1024;
/** The values of a longer Bind of a mirror's statement are not kept: no call takes as much. */
const longestBind = 16 * 1024 * 1024;

export class FrontendReader implements FrameSink {
  /** The next message was held and turned out not to be ours. */
  passNext = false;
  /** Collects the rows of a held COPY. */
  copyIn: CopyIn | undefined;
  /** An Execute since the last Sync: a Query now belongs to its transaction, which a Sync of ours would end. */
  private hasUnsynced = false;
  /** What the text of the next message means: it was held for that. */
  private nextMeaning: Classification | undefined;
  /** Until it is "done", no message of the client's is looked at. */
  private turn: Turn = "postgres";

  constructor(
    private readonly replies: PendingReplies,
    private readonly statements: Statements,
    private readonly lookout: Pick<Lookout, "awake" | "read" | "known">,
    private readonly state: HoldState,
  ) {}

  /** Postgres has sent an Authentication message. True: it has let the client in. */
  authenticate(code: number): boolean {
    this.turn = nextTurn(this.turn, { kind: "request", code });
    return this.turn === "done";
  }

  /** The client's next message has to wait, because Postgres has asked for none yet. */
  get isEarly(): boolean {
    return this.turn === "postgres";
  }

  /** The client was held because of the text of the next message: this is what it means. */
  learn(meaning: Classification): void {
    this.nextMeaning = meaning;
  }

  wantsWhole(type: number, length: number): boolean {
    if (this.turn !== "done") return false;
    if (this.copyIn) return this.copyIn.keeps(length);
    switch (type) {
      case Frontend.query:
        return this.lookout.awake && length <= longestText;
      case Frontend.parse:
        return this.lookout.awake && length <= (this.statements.none ? longestText : longestBind);
      case Frontend.bind:
        return !this.statements.none && length <= longestBind;
      case Frontend.execute:
      case Frontend.close:
        return !this.statements.none && length <= longestText;
      default:
        return false;
    }
  }

  message(type: number, chunk: Buffer, start: number, end: number): boolean {
    if (this.turn !== "done") return this.answer();
    if (this.copyIn) return this.copyIn.message(type, chunk, start, end);
    const whole = end <= chunk.length;
    switch (type) {
      case Frontend.query:
        return this.query(whole, chunk, start, end);
      case Frontend.parse:
        return this.parse(whole, chunk, start, end);
      case Frontend.bind:
        this.replies.push(
          RequestKind.bind,
          Delivery.relay,
          !this.statements.none && this.bind(whole, chunk, start, end),
        );
        return true;
      case Frontend.execute:
        if (!this.statements.none && whole && this.holdsExecute(chunk, start, end)) return false;
        this.replies.push(RequestKind.execute);
        this.statements.ran();
        this.hasUnsynced = true;
        return true;
      case Frontend.close:
        this.replies.push(
          RequestKind.close,
          Delivery.relay,
          !this.statements.none && whole && this.close(chunk, start, end),
        );
        return true;
      case Frontend.describe:
        this.replies.push(RequestKind.describe);
        return true;
      case Frontend.sync:
        this.hasUnsynced = false;
        if (this.state.transaction.isOurs && !this.replies.awaitsRows) {
          this.state.hold({ at: "sync" });
          return false;
        }
        this.replies.push(RequestKind.sync);
        return true;
      case Frontend.functionCall:
        if (this.holdsHidden()) return false;
        this.statements.ran();
        this.replies.push(RequestKind.query);
        return true;
      case Frontend.copyDone:
      case Frontend.copyFail:
        this.replies.push(RequestKind.copyEnd);
        return true;
      case Frontend.terminate:
        this.state.goodbye();
        return true;
      default:
        return true;
    }
  }

  /** A message before the client is in: the answer to what Postgres asked, or one that has to wait. */
  private answer(): boolean {
    if (this.isEarly) return false;
    this.turn = nextTurn(this.turn, { kind: "message" });
    return true;
  }

  private query(whole: boolean, chunk: Buffer, start: number, end: number): boolean {
    if (this.holdsHidden()) return false;
    const bytes = whole && this.lookout.awake && !this.passNext ? readQuery(chunk, start, end) : undefined;
    const text = bytes && this.suspectText(bytes);
    const classification = text && this.meaningOf(text);
    if (classification === "held") return false;
    this.passNext = false;
    const { hasUnsynced } = this;
    this.hasUnsynced = false;
    const { isUnfollowed, transaction } = this.state;
    const foreign = hasUnsynced || isUnfollowed || this.replies.skipping;
    // What is in a failed transaction is Postgres's to refuse, unless it begins by leaving it.
    const leaves = classification?.kind === "several" && classification.pieces[0]?.transaction != null;
    if (classification && text && !foreign && (leaves || !(transaction.hasFailed && this.replies.empty))) {
      if (classification.kind === "several") {
        this.state.hold({ at: "several", text, several: classification, length: end - start });
        return false;
      }
      const statement = this.statements.resolve("", text, classification);
      // So is what a simple Query can't give a value.
      if (statement && !(statement.classification.kind === "write" && statement.classification.parameters)) {
        this.state.hold({ at: "query", statement, length: end - start });
        return false;
      }
    }
    this.statements.ran();
    this.replies.push(RequestKind.query, Delivery.relay, this.statements.query());
    return true;
  }

  private parse(whole: boolean, chunk: Buffer, start: number, end: number): boolean {
    const message = whole && this.lookout.awake ? readParse(chunk, start, end) : undefined;
    const text = message && end - start <= longestText ? this.suspectText(message.text) : undefined;
    const classification = text && this.meaningOf(text);
    if (classification === "held") return false;
    let tracked = false;
    if (message && (text || !this.statements.none)) {
      const statement =
        text && classification ? this.statements.resolve(message.name, keptText(text), classification) : undefined;
      tracked = this.statements.parse(message.name, statement);
    }
    this.replies.push(RequestKind.parse, Delivery.relay, tracked);
    return true;
  }

  /** A text that is worth to be understood, as one that the client was held for; undefined: its words lead to no mirror. */
  private suspectText(bytes: Buffer): SqlText | undefined {
    return this.nextMeaning || this.isSuspect(bytes) ? { bytes, encoding: this.state.textEncoding } : undefined;
  }

  private isSuspect(bytes: Buffer): boolean {
    const { suspect, executes } = this.lookout.read(bytes);
    return suspect || (executes && this.statements.executes);
  }

  /** What a text means. `held`: that has to be found out, and the client waits in front of the message. */
  private meaningOf(text: SqlText): Classification | "held" {
    const meaning = this.nextMeaning ?? this.lookout.known(text);
    this.nextMeaning = undefined;
    if (meaning) return meaning;
    this.state.hold({ at: "text", text });
    return "held";
  }

  /** Of a Bind that is not kept whole, the names are there: they come first. */
  private bind(whole: boolean, chunk: Buffer, start: number, end: number): boolean {
    const names = readBind(chunk, start, Math.min(end, chunk.length));
    return names
      ? this.statements.bind(names.portal, names.statement, () =>
          whole ? Buffer.from(chunk.subarray(names.valuesAt, end)) : undefined,
        )
      : false;
  }

  private close(chunk: Buffer, start: number, end: number): boolean {
    const target = readTarget(chunk, start, end);
    return target ? this.statements.close(target.kind, target.name) : false;
  }

  private holdsExecute(chunk: Buffer, start: number, end: number): boolean {
    const name = readExecute(chunk, start, end);
    const portal = name === undefined ? undefined : this.statements.portal(name);
    const passes = this.passNext;
    this.passNext = false;
    if (!portal || this.state.isUnfollowed || portal.hasExecuted || passes || this.replies.skipping) return false;
    const stale = this.statements.isStale(portal);
    const execute = Buffer.from(chunk.subarray(start, end));
    this.state.hold({ at: "execute", portal, execute, stale, follows: this.hasUnsynced });
    return true;
  }

  private holdsHidden(): boolean {
    if (!this.state.transaction.isOurs || this.replies.skipping || this.replies.awaitsRows) return false;
    this.state.hold({ at: "nextQuery" });
    return true;
  }
}
