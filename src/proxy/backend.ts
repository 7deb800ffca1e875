// Reads what Postgres sends. All that is the client's goes to it in runs, in as few writes as the chunk allows.

import { readProcessId } from "../../protocol/decode.js";
import { readFields, writeError } from "../../protocol/fields.js";
import type { FrameSink } from "../../protocol/frames.js";
import { Backend, headerLength, Status } from "../../protocol/messages.js";
import { type Owed, ProtocolDesync, Route } from "../../protocol/owed.js";
import type { OpenCall } from "../write/held.js";
import { notApplied } from "../write/raise.js";
import type { Flight } from "./flight.js";

export interface BackendState {
  /** A transaction that we opened is open: it has to be followed to its end. */
  readonly hidden: boolean;
  /** Injected messages on their way. */
  readonly flight: Flight | undefined;
  readonly openCalls: readonly OpenCall[];
  toClient(bytes: Buffer): void;
  processId(processId: number): void;
  /** A ReadyForQuery has been read. */
  ready(status: Status): void;
  /** The transaction is over and had upstream calls: the client waits until they are settled. */
  holdReady(): void;
  landed(): void;
  /** Postgres has said why it ends the session. */
  fatal(): void;
}

export class BackendReader implements FrameSink {
  /** Where the bytes begin that have been read and not yet been passed to the client. */
  private runStart = 0;
  /** The next ReadyForQuery has been settled for. */
  settled = false;
  /** Postgres answered what was not asked: the bytes still pass, but nothing is intercepted any more. */
  unfollowed = false;

  constructor(
    private readonly owed: Owed,
    private readonly state: BackendState,
  ) {}

  /** To be called before reading, and `endRun` after it with what was done with. */
  startRun(): void {
    this.runStart = 0;
  }

  endRun(bytes: Buffer): void {
    if (bytes.length > this.runStart) this.state.toClient(bytes.subarray(this.runStart));
  }

  wantsWhole(type: number): boolean {
    switch (type) {
      case Backend.readyForQuery:
      case Backend.backendKeyData:
      case Backend.errorResponse:
        return true;
      default:
        return this.state.flight !== undefined && this.owed.headRoute !== Route.relay;
    }
  }

  message(type: number, chunk: Buffer, start: number, end: number): boolean {
    if (type === Backend.readyForQuery && this.mustSettle(chunk, start)) {
      this.state.holdReady();
      return false;
    }
    const { flight, openCalls } = this.state;
    const route = this.answer(type);
    if (flight && !flight.take(type, route, chunk, start, end)) this.skip(chunk, start, end);
    switch (type) {
      case Backend.readyForQuery:
        this.settled = false;
        this.state.ready(statusOf(chunk, start));
        break;
      case Backend.backendKeyData:
        this.state.processId(readProcessId(chunk, start));
        break;
      case Backend.errorResponse:
        this.error(route, openCalls, chunk, start, end);
        break;
      default:
        break;
    }
    if (flight && this.owed.empty) this.state.landed();
    return true;
  }

  private answer(type: number): Route {
    if (this.unfollowed) return Route.relay;
    try {
      return this.owed.answer(type);
    } catch (cause) {
      const { flight, openCalls, hidden } = this.state;
      if (!(cause instanceof ProtocolDesync) || flight || hidden || openCalls.length > 0) throw cause;
      this.unfollowed = true;
      return Route.relay;
    }
  }

  private mustSettle(chunk: Buffer, start: number): boolean {
    const { openCalls } = this.state;
    if (this.settled || openCalls.length === 0 || statusOf(chunk, start) !== Status.idle) return false;
    return this.owed.headRoute === Route.relay;
  }

  /** A class 40 error invites to repeat the transaction; after an accepted call that would be a second one. */
  private error(route: Route, openCalls: readonly OpenCall[], chunk: Buffer, start: number, end: number): void {
    const fields = readFields(chunk, start, end);
    const severity = fields.get("V");
    if (severity === "FATAL" || severity === "PANIC") this.state.fatal();
    const call = openCalls.find(({ undone }) => undone !== null);
    if (route !== Route.relay || !call || call.undone === null || fields.get("C")?.startsWith("40") !== true) return;
    this.skip(chunk, start, end);
    this.state.toClient(writeError(notApplied(call.api, call.undone, fields)));
  }

  private skip(chunk: Buffer, start: number, end: number): void {
    this.endRun(chunk.subarray(0, start));
    this.runStart = end;
  }
}

function statusOf(chunk: Buffer, start: number): Status {
  const status = chunk[start + headerLength];
  return status === Status.inTransaction
    ? Status.inTransaction
    : status === Status.failed
      ? Status.failed
      : Status.idle;
}
