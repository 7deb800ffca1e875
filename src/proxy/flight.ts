// One flight of injected messages on its way: what comes back of it is collected until Postgres owes nothing more.

import { readDataRow } from "../../protocol/decode.js";
import { type Fields, readFields } from "../../protocol/fields.js";
import { Backend } from "../../protocol/messages.js";
import { Delivery } from "../../protocol/pending-replies.js";
import { assertNever } from "../config/assert-never.js";
import { endsSession } from "../write/client-errors.js";
import type { FlightResult, InjectedStep, Rows } from "../write/injected-step.js";
import { isOfOurs, ownWords } from "../write/sql-error.js";

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
    private readonly steps: readonly InjectedStep[],
    /** It has no message of its own that Postgres would answer. */
    readonly onlyWaits: boolean,
    /** What an error or notice that goes to the client has its position moved by. */
    readonly shift: number,
  ) {}

  /** A reply that is not simply the client's. True: the client gets it all the same. */
  take(type: number, route: Delivery, chunk: Buffer, start: number, end: number): boolean {
    if (type === Backend.errorResponse) {
      const fields = readFields(chunk, start, end);
      if (isClients(route) || endsSession(fields)) {
        this.over = true;
        return true;
      }
      this.error = this.isOurs(route) ? ownWords(fields) : fields;
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
      case Delivery.mute:
        if (type === Backend.copyInResponse) this.copyIn = Buffer.from(chunk.subarray(start, end));
        return false;
      case Delivery.notices:
        return type === Backend.noticeResponse && !isLogged(readFields(chunk, start, end));
      case Delivery.replies:
        return type !== Backend.readyForQuery;
      case Delivery.rows:
        return this.takeOfPortal(type, chunk, start, end);
      case Delivery.capture:
        if (type === Backend.dataRow) this.current.push(readDataRow(chunk, start));
        else if (type === Backend.commandComplete) {
          this.rows.push(this.current);
          this.current = [];
        }
        return false;
      default:
        return assertNever(route);
    }
  }

  /** Nothing more is owed, or nothing more can come. */
  land(lost: boolean): void {
    if (this.error) this.resolve({ kind: "failed", error: this.error, wasOpen: this.wasOpen });
    else if (this.over || lost) this.resolve({ kind: "over" });
    else this.resolve({ kind: "landed", rows: this.rows, wasOpen: this.wasOpen });
  }

  /** Whether Postgres is at a statement of ours that has values: they are not the client's to see. */
  private isOurs(route: Delivery): boolean {
    if (route !== Delivery.capture && route !== Delivery.drop) return false;
    const step = this.steps.filter(({ kind }) => kind === "sql")[this.rows.length];
    return step?.kind === "sql" && step.values.length > 0;
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
      case Backend.noticeResponse: {
        const notice = readFields(chunk, start, end);
        return !(isLogged(notice) && isOfOurs(notice));
      }
      default:
        return true;
    }
  }
}

/** What is meant for the server's log, and reaches a client by its client_min_messages. */
function isLogged(notice: Fields): boolean {
  return /^(?:LOG|DEBUG)/.test(notice.get("V") ?? "");
}

/** The client is told of errors where they come. */
export function isClients(route: Delivery): boolean {
  return route === Delivery.relay || route === Delivery.replies;
}
