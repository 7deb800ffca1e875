// Reads what Postgres sends. All that is the client's goes to it in runs, in as few writes as the chunk allows.

import { readParameterStatus, readTag } from "../../protocol/decode.js";
import { atPosition, type Fields, readFields, writeError, writeNotice } from "../../protocol/fields.js";
import type { FrameSink } from "../../protocol/frames.js";
import { Backend, headerLength, Status } from "../../protocol/messages.js";
import { Delivery, type PendingReplies, ProtocolDesync } from "../../protocol/pending-replies.js";
import { afterAcceptance, endsSession } from "../write/client-errors.js";
import type { ClientWords } from "./client-words.js";
import { type Flight, isClients } from "./flight.js";
import type { SessionTransaction } from "./transaction.js";

export interface BackendState {
  readonly transaction: SessionTransaction;
  /** Injected messages on their way. */
  readonly flight: Flight | undefined;
  /** Hears of Postgres's errors. */
  readonly words: Pick<ClientWords, "postgresError" | "postgresFatal" | "explained">;
  toClient(bytes: Buffer): void;
  /** A setting has, or gets, another value. */
  parameter(name: string, value: string): void;
  /** Postgres asks the client for a proof of who it is, or lets it in: the code of its Authentication message. */
  authentication(code: number): void;
  /** Process id and secret of this session; not to be kept as they are. */
  cancelKey(key: Buffer): void;
  /** A ReadyForQuery has been read. `isRelayed`: it is the client's. */
  ready(status: Status, isRelayed: boolean): void;
  /** A transaction is over and had upstream calls: the client waits until they are settled. */
  holdReady(status: Status): void;
  landed(): void;
}

/** Bytes of an Authentication message up to its code. */
const authenticationLength = headerLength + 4;

export class BackendReader implements FrameSink {
  /** Where the bytes begin that have been read and not yet been passed to the client. */
  private runStart = 0;
  /** The next ReadyForQuery has been settled for. */
  isSettled = false;
  /** Postgres answered what was not asked: the bytes still pass, but nothing is intercepted any more. */
  isUnfollowed = false;

  constructor(
    private readonly replies: PendingReplies,
    private readonly state: BackendState,
  ) {}

  /** To be called before reading, and `endRun` after it with what was done with. */
  startRun(): void {
    this.runStart = 0;
  }

  endRun(bytes: Buffer): void {
    if (bytes.length <= this.runStart) return;
    this.state.toClient(this.runStart === 0 ? bytes : bytes.subarray(this.runStart));
  }

  wantsWhole(type: number): boolean {
    switch (type) {
      case Backend.readyForQuery:
      case Backend.backendKeyData:
      case Backend.errorResponse:
      case Backend.authentication:
        return true;
      case Backend.commandComplete:
      case Backend.noticeResponse:
        if (this.followsTransaction || (this.state.flight?.shift ?? 0) > 0) return true;
        break;
      case Backend.parameterStatus:
        return true;
      default:
        break;
    }
    return this.state.flight !== undefined && this.replies.headDelivery !== Delivery.relay;
  }

  message(type: number, chunk: Buffer, start: number, end: number): boolean {
    if (type === Backend.readyForQuery && this.mustSettle(chunk, start)) {
      this.state.holdReady(statusOf(chunk, start));
      return false;
    }
    const { flight } = this.state;
    const route = this.answer(type);
    if (flight && !flight.take(type, route, chunk, start, end)) this.skip(chunk, start, end);
    switch (type) {
      case Backend.readyForQuery:
        this.isSettled = false;
        this.state.ready(statusOf(chunk, start), route === Delivery.relay);
        break;
      case Backend.authentication:
        if (end - start >= authenticationLength) this.state.authentication(chunk.readInt32BE(start + headerLength));
        break;
      case Backend.backendKeyData:
        this.state.cancelKey(chunk.subarray(start + headerLength, end));
        break;
      case Backend.errorResponse:
        this.error(route, chunk, start, end);
        break;
      case Backend.commandComplete:
        if (isClients(route) && this.followsTransaction) this.state.transaction.tag(readTag(chunk, start, end));
        break;
      case Backend.parameterStatus: {
        const parameter = readParameterStatus(chunk, start, end);
        if (parameter) this.state.parameter(parameter.name, parameter.value);
        break;
      }
      case Backend.noticeResponse:
        this.notice(route, chunk, start, end);
        break;
      default:
        break;
    }
    if (flight && (this.replies.empty || (flight.onlyWaits && this.replies.awaitsRows))) this.state.landed();
    return true;
  }

  private answer(type: number): Delivery {
    if (this.isUnfollowed) return Delivery.relay;
    try {
      return this.replies.answer(type);
    } catch (cause) {
      if (!(cause instanceof ProtocolDesync) || this.state.flight || this.followsTransaction) throw cause;
      this.isUnfollowed = true;
      return Delivery.relay;
    }
  }

  /** How the transaction ends matters: it is ours, or an upstream call was made in it. */
  private get followsTransaction(): boolean {
    const { isOurs, calls } = this.state.transaction;
    return isOurs || calls.list.length > 0;
  }

  private mustSettle(chunk: Buffer, start: number): boolean {
    return (
      !this.isSettled &&
      this.replies.headDelivery === Delivery.relay &&
      this.state.transaction.calls.hasUnsettled(statusOf(chunk, start))
    );
  }

  /** What follows an accepted call must not invite to repeat it. */
  private error(route: Delivery, chunk: Buffer, start: number, end: number): void {
    const fields = readFields(chunk, start, end);
    if (endsSession(fields)) {
      if (!this.state.words.postgresFatal(fields)) this.skip(chunk, start, end);
      return;
    }
    if (!isClients(route)) return;
    this.state.words.postgresError();
    const error = this.state.words.explained(this.moved(route, fields));
    const errorForClient = afterAcceptance(this.state.transaction.calls.pending, error);
    if (errorForClient === fields) return;
    this.skip(chunk, start, end);
    this.state.toClient(writeError(errorForClient));
  }

  private notice(route: Delivery, chunk: Buffer, start: number, end: number): void {
    const { transaction, flight } = this.state;
    if (!transaction.isOurs && !flight) return;
    const fields = readFields(chunk, start, end);
    // "There is already a transaction in progress": ours, of which the client knows nothing.
    if (transaction.isOurs && route === Delivery.relay && fields.get("C") === "25001") this.skip(chunk, start, end);
    const noticeForClient = this.moved(route, fields);
    if (noticeForClient === fields) return;
    this.skip(chunk, start, end);
    this.state.toClient(writeNotice(noticeForClient));
  }

  /** What a piece of the client's string says is shown at its place in the string. */
  private moved(route: Delivery, fields: Fields): Fields {
    const isOfPiece = route === Delivery.replies || route === Delivery.rows;
    return isOfPiece ? atPosition(fields, this.state.flight?.shift ?? 0) : fields;
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
