// Injected steps as messages: what is sent for each, and where its replies go.

import { serialize } from "pg-protocol";
import { type BoundText, writeBind, writeMessage } from "../../protocol/encode.js";
import { Frontend } from "../../protocol/messages.js";
import { Delivery, type PendingReplies, RequestKind } from "../../protocol/pending-replies.js";
import { type ByteName, writeName } from "../../protocol/text.js";
import { assertNever } from "../config/assert-never.js";
import type { SqlText } from "../sql/sql-text.js";
import type { FlightEnd, InjectedStep } from "../write/injected-step.js";
import { noRows } from "./copy-in.js";

/** What the client's own statement looks like from outside. */
export interface ClientStatement {
  /** The name of its prepared statement; unnamed for a simple Query, which becomes one. */
  readonly statement: ByteName;
  readonly text: SqlText;
  /** A Bind's formats and values, verbatim. */
  readonly values: Buffer;
  /** The client's Execute, verbatim; undefined for a simple Query. */
  readonly execute: Buffer | undefined;
  /** How many characters of the client's string stand in front of it: errors show their place in the string. */
  readonly shift?: number;
  /** A Bind of ours to the same statement could mean something else by now. */
  readonly isStale?: boolean;
  /** Its values were too long to be kept. */
  readonly isTooLong?: boolean;
  /** Others have run since the last Sync: if no transaction is open, they are in one with it. */
  readonly followsOthers?: boolean;
  /** What follows a COPY … FROM STDIN, up to and with its end. */
  readonly copiedRows?: Buffer | undefined;
}

/** Our own statement and portal: never the unnamed ones, which are the client's. */
const own = "_throughline";
const planPortal = "_throughline_plan";
/** No formats, no values, results as text. */
export const noValues = Buffer.alloc(6);

const nul = Buffer.alloc(1);
/** The count of the types that a Parse gives its parameters. */
const noTypes = Buffer.alloc(2);

/** What a flight consists of. */
export interface FlightPlan {
  readonly steps: readonly InjectedStep[];
  readonly end: FlightEnd;
  /** The statement that `execute`, `dryRun` and their like are about. */
  readonly client: ClientStatement;
  /** An earlier flight failed before it cleaned up: the Close of its statement was skipped. */
  readonly dirty: boolean;
}

/** The bytes of a flight, in pieces; what Postgres will answer is noted in `replies`. */
export function composeFlight({ steps, end, client, dirty }: FlightPlan, replies: PendingReplies): Buffer[] {
  const messages = new InjectedMessages(client, replies);
  if (dirty) messages.cleanUp();
  for (const step of steps) messages.addStep(step);
  return messages.end(end);
}

class InjectedMessages {
  private readonly parts: Buffer[] = [];

  constructor(
    private readonly client: ClientStatement,
    private readonly replies: PendingReplies,
  ) {}

  addStep(step: InjectedStep): void {
    switch (step.kind) {
      case "sql":
        this.runOurs(step.text, step.values, Delivery.capture);
        break;
      case "commit":
        // What is deferred fires now, and speaks to the client.
        this.runOurs("commit", [], Delivery.notices);
        break;
      case "query":
        this.add(
          writeMessage(Frontend.query, Buffer.concat([step.text.bytes, nul])),
          RequestKind.query,
          Delivery.replies,
        );
        break;
      case "prepareQuery":
        this.prepareQuery();
        break;
      case "forget":
        this.close("S", this.client.statement);
        break;
      case "dryRun":
        this.runInPlanPortal(this.client.copiedRows);
        break;
      case "copyNothing":
        this.runInPlanPortal(noRows(step.format));
        break;
      case "execute":
        this.execute();
        break;
      default:
        assertNever(step);
    }
  }

  /** Closes what an earlier flight left behind. */
  cleanUp(): void {
    this.close("P", planPortal);
    this.closeOurs();
  }

  /** The bytes of all messages, with a Sync or a Flush behind them. */
  end(end: FlightEnd): Buffer[] {
    if (end === "sync") this.add(serialize.sync(), RequestKind.sync, Delivery.capture);
    else this.parts.push(serialize.flush());
    return joinShort(this.parts);
  }

  private runOurs(text: string, values: readonly BoundText[], delivery: Delivery): void {
    this.add(serialize.parse({ name: own, text }), RequestKind.parse, Delivery.drop);
    this.addParts(writeBind(own, own, values), RequestKind.bind, Delivery.drop);
    this.add(serialize.execute({ portal: own, rows: 0 }), RequestKind.execute, delivery);
    this.closeOurs();
  }

  /** A named statement (EXPLAIN's) is bound only in our own portals; the client's unnamed portal is left alone. */
  private prepareQuery(): void {
    const { statement, text } = this.client;
    if (statement !== "") this.close("S", statement);
    const parse = Buffer.concat([writeName(statement), text.bytes, nul, noTypes]);
    this.add(writeMessage(Frontend.parse, parse), RequestKind.parse, Delivery.mute);
    if (statement === "") this.add(serialize.bind({}), RequestKind.bind, Delivery.mute);
  }

  private runInPlanPortal(rows: Buffer | undefined): void {
    const { statement, values } = this.client;
    const bind = Buffer.concat([writeName(planPortal), writeName(statement), values]);
    this.add(writeMessage(Frontend.bind, bind), RequestKind.bind, Delivery.mute);
    this.add(serialize.execute({ portal: planPortal, rows: 0 }), RequestKind.execute, Delivery.mute);
    if (rows) this.add(rows, RequestKind.copyEnd, Delivery.mute);
    this.close("P", planPortal);
  }

  private execute(): void {
    const { execute, copiedRows } = this.client;
    if (execute === undefined) {
      this.add(serialize.describe({ type: "P", name: "" }), RequestKind.describe, Delivery.rows);
    }
    this.add(execute ?? serialize.execute({ portal: "", rows: 0 }), RequestKind.execute, Delivery.rows);
    if (copiedRows) this.add(copiedRows, RequestKind.copyEnd, Delivery.drop);
  }

  private closeOurs(): void {
    this.close("P", own);
    this.close("S", own);
  }

  private close(type: "S" | "P", name: ByteName): void {
    const target = Buffer.concat([Buffer.from(type), writeName(name)]);
    this.add(writeMessage(Frontend.close, target), RequestKind.close, Delivery.drop);
  }

  private add(bytes: Buffer, request: RequestKind, delivery: Delivery): void {
    this.addParts([bytes], request, delivery);
  }

  private addParts(parts: readonly Buffer[], request: RequestKind, delivery: Delivery): void {
    this.parts.push(...parts);
    this.replies.push(request, delivery);
  }
}

/** From how many bytes on a part costs more to copy than to write by itself. */
const longBytes = 16_384;

/** Joins the short parts that follow each other. */
function joinShort(parts: readonly Buffer[]): Buffer[] {
  const joined: Buffer[] = [];
  let short: Buffer[] = [];
  const join = () => {
    if (short.length > 0) joined.push(Buffer.concat(short));
    short = [];
  };
  for (const part of parts) {
    if (part.length < longBytes) short.push(part);
    else {
      join();
      joined.push(part);
    }
  }
  join();
  return joined;
}
