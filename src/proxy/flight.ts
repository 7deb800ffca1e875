// Injected messages: composed from the write path's steps, noted as owed, and their replies collected.

import { serialize } from "pg-protocol";
import { readDataRow } from "../../protocol/decode.js";
import { writeMessage } from "../../protocol/encode.js";
import { type Fields, readFields } from "../../protocol/fields.js";
import { Backend, Frontend } from "../../protocol/messages.js";
import { Delivery, type PendingReplies, RequestKind } from "../../protocol/pending-replies.js";
import { endsSession } from "../write/client-errors.js";
import type { FlightEnd, FlightResult, InjectedStep, Rows } from "../write/injected-step.js";
import { noRows } from "./copy-in.js";

/** What the client's own statement looks like from outside. */
export interface ClientStatement {
  /** The name of its prepared statement; unnamed for a simple Query, which becomes one. */
  readonly statement: string;
  readonly text: string;
  /** A Bind's formats and values, verbatim. */
  readonly values: Buffer;
  /** The client's Execute, verbatim; undefined for a simple Query. */
  readonly execute: Buffer | undefined;
  /** A Bind of ours to the same statement could mean something else by now. */
  readonly stale?: boolean;
  /** Others have run since the last Sync: if no transaction is open, they are in one with it. */
  readonly follows?: boolean;
  /** What follows a COPY … FROM STDIN, up to and with its end. */
  readonly copied?: Buffer | undefined;
}

/** Our own statement and portal: never the unnamed ones, which are the client's. */
const own = "_throughline";
const planPortal = "_throughline_plan";
/** No formats, no values, results as text. */
export const noValues = Buffer.alloc(6);

export class Flight {
  private readonly rows: Rows[] = [];
  private current: (string | null)[][] = [];
  private error: Fields | undefined;
  private over = false;
  private wasOpen = false;
  /** The CopyInResponse to a COPY of no rows. */
  copyIn: Buffer | undefined;
  /** The CommandComplete or PortalSuspended of the client's portal. */
  completion: Buffer | undefined;
  private resolve: (landing: FlightResult) => void = () => undefined;
  readonly landing = new Promise<FlightResult>((resolve) => {
    this.resolve = resolve;
  });

  constructor(
    /** It has no message of its own that Postgres would answer. */
    readonly onlyWaits: boolean,
  ) {}

  /** A reply that is not simply the client's. True: the client gets it all the same. */
  take(type: number, route: Delivery, chunk: Buffer, start: number, end: number): boolean {
    if (type === Backend.errorResponse) {
      const fields = readFields(chunk, start, end);
      if (isClients(route) || endsSession(fields)) {
        this.over = true;
        return true;
      }
      this.error = fields;
      return false;
    }
    // One of ours is answered: the client's earlier error did not make Postgres skip it.
    if (!isClients(route) && type !== Backend.readyForQuery) this.over = false;
    if (type === Backend.noticeResponse && !isClients(route)) {
      this.wasOpen ||= readFields(chunk, start, end).get("C") === "25001";
    }
    switch (route) {
      case Delivery.relay:
        return true;
      case Delivery.drop:
        return false;
      case Delivery.notices:
        return type === Backend.noticeResponse;
      case Delivery.replies:
        return type !== Backend.readyForQuery;
      case Delivery.rows:
        return this.takeOfPortal(type, chunk, start, end);
      case Delivery.capture:
        if (type === Backend.copyInResponse) this.copyIn = Buffer.from(chunk.subarray(start, end));
        else if (type === Backend.dataRow) this.current.push(readDataRow(chunk, start));
        else if (type === Backend.commandComplete) {
          this.rows.push(this.current);
          this.current = [];
        }
        return false;
    }
  }

  /** Nothing more is owed, or nothing more can come. */
  land(lost: boolean): void {
    if (this.error) this.resolve({ kind: "failed", error: this.error, wasOpen: this.wasOpen });
    else if (this.over || lost) this.resolve({ kind: "over" });
    else this.resolve({ kind: "landed", rows: this.rows, wasOpen: this.wasOpen });
  }

  private takeOfPortal(type: number, chunk: Buffer, start: number, end: number): boolean {
    switch (type) {
      case Backend.commandComplete:
      case Backend.portalSuspended:
        this.completion = Buffer.from(chunk.subarray(start, end));
        return false;
      case Backend.noData:
      case Backend.copyInResponse:
        return false;
      default:
        return true;
    }
  }
}

/** The client is told of errors where they come. */
export function isClients(route: Delivery): boolean {
  return route === Delivery.relay || route === Delivery.replies;
}

/** The bytes of `steps`; what they will be answered with is noted in `owed`. `dirty`: an earlier flight did not clean up. */
export function compose(
  steps: readonly InjectedStep[],
  end: FlightEnd,
  client: ClientStatement,
  owed: PendingReplies,
  dirty: boolean,
): Buffer {
  const parts: Buffer[] = [];
  const add = (bytes: Buffer, sent: RequestKind, route: Delivery) => {
    parts.push(bytes);
    owed.push(sent, route);
  };
  const cleanUp = () => {
    add(serialize.close({ type: "P", name: own }), RequestKind.close, Delivery.drop);
    add(serialize.close({ type: "S", name: own }), RequestKind.close, Delivery.drop);
  };
  if (dirty) {
    add(serialize.close({ type: "P", name: planPortal }), RequestKind.close, Delivery.drop);
    cleanUp();
  }
  for (const step of steps) {
    switch (step.kind) {
      case "sql":
        add(serialize.parse({ name: own, text: step.text }), RequestKind.parse, Delivery.drop);
        add(serialize.bind({ portal: own, statement: own, values: [...step.values] }), RequestKind.bind, Delivery.drop);
        add(serialize.execute({ portal: own, rows: 0 }), RequestKind.execute, Delivery.capture);
        cleanUp();
        break;
      case "commit":
        add(serialize.parse({ name: own, text: "commit" }), RequestKind.parse, Delivery.drop);
        add(serialize.bind({ portal: own, statement: own }), RequestKind.bind, Delivery.drop);
        // What is deferred fires now, and speaks to the client.
        add(serialize.execute({ portal: own, rows: 0 }), RequestKind.execute, Delivery.notices);
        cleanUp();
        break;
      case "query":
        add(serialize.query(step.text), RequestKind.query, Delivery.replies);
        break;
      case "prepareQuery":
        // What has a name of ours is never the client's portal.
        if (client.statement !== "")
          add(serialize.close({ type: "S", name: client.statement }), RequestKind.close, Delivery.drop);
        add(serialize.parse({ name: client.statement, text: client.text }), RequestKind.parse, Delivery.drop);
        if (client.statement === "") add(serialize.bind({}), RequestKind.bind, Delivery.drop);
        break;
      case "forget":
        add(serialize.close({ type: "S", name: client.statement }), RequestKind.close, Delivery.drop);
        break;
      case "dryRun":
        add(bindVerbatim(planPortal, client), RequestKind.bind, Delivery.drop);
        add(serialize.execute({ portal: planPortal, rows: 0 }), RequestKind.execute, Delivery.drop);
        if (client.copied) add(client.copied, RequestKind.copyEnd, Delivery.drop);
        add(serialize.close({ type: "P", name: planPortal }), RequestKind.close, Delivery.drop);
        break;
      case "copyNothing":
        add(bindVerbatim(planPortal, client), RequestKind.bind, Delivery.drop);
        add(serialize.execute({ portal: planPortal, rows: 0 }), RequestKind.execute, Delivery.capture);
        add(noRows(step.format), RequestKind.copyEnd, Delivery.drop);
        add(serialize.close({ type: "P", name: planPortal }), RequestKind.close, Delivery.drop);
        break;
      case "execute":
        if (client.execute === undefined)
          add(serialize.describe({ type: "P", name: "" }), RequestKind.describe, Delivery.rows);
        add(client.execute ?? serialize.execute({ portal: "", rows: 0 }), RequestKind.execute, Delivery.rows);
        if (client.copied) add(client.copied, RequestKind.copyEnd, Delivery.drop);
        break;
    }
  }
  if (end === "sync") add(serialize.sync(), RequestKind.sync, Delivery.capture);
  else parts.push(serialize.flush());
  return Buffer.concat(parts);
}

/** The client's Bind again, for another portal. */
function bindVerbatim(portal: string, { statement, values }: ClientStatement): Buffer {
  return writeMessage(Frontend.bind, Buffer.concat([Buffer.from(`${portal}\0${statement}\0`, "utf8"), values]));
}
