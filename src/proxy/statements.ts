// The client's prepared statements and portals that write to mirrors. A name changes only when Postgres has confirmed it.

import type { PendingRepliesEvents } from "../../protocol/pending-replies.js";
import { type ByteName, toByteName } from "../../protocol/text.js";
import { assertNever } from "../config/assert-never.js";
import type { Classification } from "../sql/classification.js";
import { keptText, type SqlText } from "../sql/sql-text.js";
import type { WriteSession } from "../write/session-port.js";
import { PendingChanges } from "./pending-changes.js";
import { Queue } from "./queue.js";

/** A statement that writes to a mirror, or would if it could. */
export interface MirrorStatement {
  readonly name: ByteName;
  readonly text: SqlText;
  readonly classification: WriteSession["classification"];
  /** Name and text that it was prepared under; undefined for the unnamed statement. If the name now has other text, it is classified again. */
  readonly preparedAs?: WriteSession["preparedAs"];
}

export function isExplained({ classification }: MirrorStatement): boolean {
  return classification.kind === "write" && classification.explained !== null;
}

/** A portal of such a statement. */
export interface MirrorPortal {
  readonly statement: MirrorStatement;
  /** The Bind behind its two names: formats and values, verbatim. */
  readonly values: Buffer;
  /** The values were too long to be kept, and are missing. */
  readonly isTooLong: boolean;
  /** How many statements the client had run when it was bound. */
  readonly boundAfter: number;
  /** Its statement has run: what follows only fetches, and is Postgres's own. */
  hasExecuted: boolean;
}

type Change =
  | { readonly kind: "statement"; readonly name: ByteName; readonly to: MirrorStatement | undefined }
  | { readonly kind: "portal"; readonly name: ByteName; readonly to: MirrorPortal | undefined }
  /** A simple Query ends the unnamed statement and portal. */
  | { readonly kind: "query" };

export class Statements implements PendingRepliesEvents {
  private readonly statements = new Map<string, MirrorStatement>();
  private readonly portals = new Map<string, MirrorPortal>();
  private readonly pending = new Queue<Change>();
  private readonly pendingStatements = new PendingChanges(this.statements);
  private readonly pendingPortals = new PendingChanges(this.portals);

  /** How many bytes are kept of texts and values. */
  keptBytes = 0;
  /** Writes that SQL-level PREPARE has named; Postgres keeps them in one namespace with ours. */
  private hasPrepared = false;
  /** How many statements the client has run. */
  private runs = 0;

  /** What a classified text is as a statement; undefined: Postgres's own. An EXECUTE is the statement that it names. */
  resolve(name: ByteName, text: SqlText, classification: Classification): MirrorStatement | undefined {
    switch (classification.kind) {
      case "write":
      case "prepareTransaction":
        return { name, text, classification, preparedAs: name === "" ? undefined : { name, text } };
      case "prepare":
        // It may fail still: Postgres is asked what its name means when it is run. A name that led to a write is worth asking for.
        if (classification.statement !== null) {
          const { statement } = classification;
          const preparedName = toByteName(classification.name);
          this.hasPrepared = true;
          const kept = keptText(text);
          this.set(this.statements, preparedName, {
            name: preparedName,
            text: kept,
            classification: statement,
            preparedAs: { name: preparedName, text: kept },
          });
        }
        return undefined;
      case "execute": {
        const named = this.pendingStatements.get(toByteName(classification.name));
        if (named?.classification.kind !== "write") return undefined;
        const { explained } = classification;
        return {
          name,
          text,
          classification: { ...named.classification, parameters: false, explained },
          preparedAs: named.preparedAs,
        };
      }
      case "several":
      case "other":
        return undefined;
      default:
        return assertNever(classification);
    }
  }

  /** Whether a text that has the word EXECUTE or PREPARE matters. */
  get executes(): boolean {
    return this.hasPrepared;
  }

  /** Nothing to look up: the fast path. */
  get none(): boolean {
    return this.statements.size === 0 && this.portals.size === 0 && this.pending.length === 0;
  }

  /** A Parse was sent. True: its confirmation matters. */
  parse(name: ByteName, statement: MirrorStatement | undefined): boolean {
    return this.note({ kind: "statement", name, to: statement }, this.pendingStatements.get(name) !== undefined);
  }

  /** A statement of the client's was sent to be run. */
  ran(): void {
    this.runs += 1;
  }

  /**
   * A portal of ours would no longer be bound to the same: the statement's name has another meaning, or none, or what ran since the
   * Bind may have changed what names and values mean.
   */
  isStale({ statement, boundAfter }: MirrorPortal): boolean {
    return boundAfter !== this.runs || this.pendingStatements.get(statement.name) !== statement;
  }

  /** A Bind was sent. `values` is asked for only when it is kept, and is undefined when that is too much. */
  bind(portal: ByteName, statement: ByteName, values: () => Buffer | undefined): boolean {
    const named = this.pendingStatements.get(statement);
    const kept = named && values();
    const to = named && {
      statement: named,
      values: kept ?? nothing,
      isTooLong: kept === undefined,
      boundAfter: this.runs,
      hasExecuted: false,
    };
    return this.note({ kind: "portal", name: portal, to }, this.portal(portal) !== undefined);
  }

  close(kind: "S" | "P", name: ByteName): boolean {
    if (kind === "S") return this.parse(name, undefined);
    return this.note({ kind: "portal", name, to: undefined }, this.portal(name) !== undefined);
  }

  query(): boolean {
    return this.note({ kind: "query" }, !this.none);
  }

  /** The portal as it will be when all that was sent is confirmed. */
  portal(name: ByteName): MirrorPortal | undefined {
    return this.pendingPortals.get(name);
  }

  /** Portals die with their transaction. */
  transactionEnded(): void {
    for (const name of this.portals.keys()) this.set(this.portals, name, undefined);
  }

  confirmed(): void {
    const change = this.oldest();
    switch (change?.kind) {
      case "statement":
        this.set(this.statements, change.name, change.to);
        break;
      case "portal":
        this.set(this.portals, change.name, change.to);
        break;
      case "query":
        this.queried();
        break;
      case undefined:
        break;
      default:
        assertNever(change);
    }
  }

  /** A simple Query has left no unnamed statement, and no unnamed portal. */
  queried(): void {
    this.set(this.statements, "", undefined);
    this.set(this.portals, "", undefined);
  }

  discarded(skipped: boolean): void {
    const change = this.oldest();
    // A Parse that fails leaves no unnamed statement behind; a named one stays what it was.
    if (!skipped && change?.kind === "statement" && change.name === "") this.set(this.statements, "", undefined);
  }

  private note(change: Change, replaces: boolean): boolean {
    const matters = replaces || ("to" in change && change.to !== undefined);
    if (!matters) return false;
    this.pending.push(change);
    this.keptBytes += costOf(change);
    switch (change.kind) {
      case "statement":
        this.pendingStatements.send(change);
        break;
      case "portal":
        this.pendingPortals.send(change);
        break;
      case "query":
        this.pendingStatements.send({ name: "", to: undefined });
        this.pendingPortals.send({ name: "", to: undefined });
        break;
      default:
        assertNever(change);
    }
    return true;
  }

  /** Takes the change that Postgres has just dealt with. */
  private oldest(): Change | undefined {
    const change = this.pending.shift();
    if (change) this.keptBytes -= costOf(change);
    const name = change && "name" in change ? change.name : "";
    if (change?.kind !== "portal") this.pendingStatements.end(name);
    if (change?.kind !== "statement") this.pendingPortals.end(name);
    return change;
  }

  private set<T extends MirrorStatement | MirrorPortal>(map: Map<string, T>, name: string, to: T | undefined): void {
    const before = map.get(name);
    if (before) this.keptBytes -= bytesOf(before);
    if (to === undefined) {
      map.delete(name);
      return;
    }
    this.keptBytes += bytesOf(to);
    map.set(name, to);
  }
}

const nothing = Buffer.alloc(0);

/** What an entry costs besides its bytes. */
const entryBytes = 512;

function costOf(change: Change): number {
  return change.kind === "query" || change.to === undefined ? entryBytes : bytesOf(change.to);
}

function bytesOf(kept: MirrorStatement | MirrorPortal): number {
  return entryBytes + ("values" in kept ? kept.values.length : kept.text.bytes.length);
}
