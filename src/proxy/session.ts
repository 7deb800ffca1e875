// One client, one Postgres connection, and what passes between them: whole chunks as they come, until a statement is held.
//
//   client ──► FrontendReader ──► postgres        hold: the client waits in front of a message while flights go out and land
//   client ◄── BackendReader  ◄── postgres

import type { Socket } from "node:net";
import type { Logger } from "pino";
import { type Fields, fatal, writeError } from "../../protocol/fields.js";
import { Status } from "../../protocol/messages.js";
import { PendingReplies, RequestKind } from "../../protocol/pending-replies.js";
import type { SqlError } from "../postgres/error-catalogue.js";
import type { Classification } from "../sql/classification.js";
import type { Lookout } from "../sql/lookout.js";
import { type TextEncoding, textEncoding } from "../sql/sql-text.js";
import { afterAcceptance } from "../write/client-errors.js";
import type { FlightEnd, InjectedStep } from "../write/injected-step.js";
import { fatalFields } from "../write/sql-error.js";
import { BackendReader, type BackendState } from "./backend.js";
import { Cancellation } from "./cancellation.js";
import { ClientPresence } from "./client-presence.js";
import type { Flight } from "./flight.js";
import { type FlightReport, FlightRunner } from "./flight-runner.js";
import { FrontendReader, type Hold, type HoldState } from "./frontend.js";
import { HeldClient } from "./held-client.js";
import { Inflow } from "./inflow.js";
import type { ClientStatement } from "./injected-messages.js";
import type { InterceptedSession, Interceptor } from "./interceptor.js";
import { Link } from "./link.js";
import { OpenCalls } from "./open-calls.js";
import { internalError, postgresLost, postgresUnreachable, proxyStops } from "./proxy-errors.js";
import { SessionEnd, type StopWhen } from "./session-end.js";
import { Statements } from "./statements.js";
import { SessionTransaction } from "./transaction.js";

const nothing = Buffer.alloc(0);
/** How long a side of a session that has ended may do nothing before its socket is destroyed. */
const lastWordsMs = 30_000;

export class Session implements HoldState, BackendState, InterceptedSession {
  /** How the client writes its texts: Postgres tells at login, and when that changes. */
  textEncoding: TextEncoding = "utf8";
  readonly statements = new Statements();
  readonly replies = new PendingReplies(this.statements);
  private readonly frontend: FrontendReader;
  private readonly backend: BackendReader;
  private readonly fromClient: Inflow;
  private readonly fromPostgres: Inflow;
  readonly heldClient: HeldClient;
  private readonly presence: ClientPresence;
  private readonly flights = new FlightRunner(this.replies, (bytes) => this.postgres?.write(bytes));
  readonly client: Link;
  private postgres: Link | undefined;
  private holdingReady = false;
  /** Postgres has asked the client for something, which may have come already. */
  private isAsked = false;
  private readonly end = new SessionEnd();
  readonly transaction: SessionTransaction;
  readonly cancellation = new Cancellation();

  constructor(
    clientSocket: Socket,
    readonly interceptor: Interceptor,
    readonly lookout: Lookout,
    private readonly log: Logger,
    readonly clientAddress: string,
    /** Called when Postgres has let the client in. */
    private readonly onAuthenticated?: () => void,
  ) {
    this.transaction = new SessionTransaction(new OpenCalls(interceptor));
    this.client = new Link(clientSocket);
    this.presence = new ClientPresence(clientSocket);
    this.frontend = new FrontendReader(this.replies, this.statements, lookout, this);
    this.backend = new BackendReader(this.replies, this);
    this.fromClient = new Inflow(this.frontend);
    this.heldClient = new HeldClient(this.fromClient, this.frontend, () => this.pace());
    this.fromPostgres = new Inflow(this.backend);
    // An accepted socket has no public `onread`; its chunks are fresh, so that they can be kept without a copy.
    clientSocket.on("data", (chunk: Buffer) => this.readClient(chunk));
    clientSocket.on("end", () => this.endClient());
    clientSocket.on("error", () => clientSocket.destroy());
    clientSocket.on("close", () => this.close());
  }

  /** Joins the session to Postgres; `startup` is the client's first packet, verbatim; `address` is for messages. */
  start(socket: Socket, address: string, startup: Buffer, rest: Buffer): void {
    this.postgres = new Link(socket);
    let isConnected = false;
    socket.once("connect", () => {
      isConnected = true;
    });
    socket.on("error", () => {
      if (!isConnected) this.tellFatal(postgresUnreachable(address));
      socket.destroy();
    });
    socket.on("end", () => this.endPostgres());
    socket.on("close", () => this.endPostgres());
    this.replies.push(RequestKind.query);
    this.postgres.write(startup);
    this.readClient(rest);
  }

  // ── client → postgres

  private readClient(chunk: Buffer): void {
    try {
      if (this.heldClient.current || !this.postgres) this.heldClient.read(chunk);
      else {
        this.postgres.write(this.fromClient.readOwned(chunk));
        if (this.heldClient.current) void this.runHold(this.heldClient.current);
      }
      this.pace();
    } catch (cause) {
      this.lose(cause);
    }
  }

  /** Reads no faster than Postgres takes it, and no more of a client that is held than is kept of it. */
  private pace(): void {
    const { socket } = this.client;
    const isEarly = this.frontend.isEarly && this.fromClient.length > 0;
    if (this.heldClient.isFull || isEarly || this.end.isClosed) socket.pause();
    else if (this.postgres?.isCongested) {
      socket.pause();
      this.postgres.whenWritten(() => this.pace());
    } else if (socket.isPaused()) socket.resume();
  }

  get isUnfollowed(): boolean {
    return this.backend.isUnfollowed;
  }

  hold(hold: Hold): void {
    this.heldClient.begin(hold);
  }

  private async runHold(hold: Hold): Promise<void> {
    try {
      this.heldClient.end(await this.interceptor.handle(this, hold));
    } catch (cause) {
      this.log.error({ err: cause }, "a held statement failed for a reason of ours");
      this.tellFatal(internalError());
      this.close();
      return;
    }
    if (this.end.isOver) return this.endPostgres();
    if (this.end.stopWhen === "after this") return this.stop("at once");
    this.readClient(nothing);
    if (this.end.clientEnded) this.endClient();
    if (this.end.stopWhen) this.stop(this.end.stopWhen);
  }

  private endClient(): void {
    this.end.on("clientEnds");
    this.presence.end();
    this.heldClient.abandon();
    if (!this.heldClient.current) this.postgres?.socket.end();
  }

  // ── postgres → client

  /** The onread callback: `chunk` is a buffer that is read into again. False: not before `resume`. */
  readPostgres(chunk: Buffer): boolean {
    if (this.end.isClosed && this.client.socket.destroyed) {
      this.postgres?.socket.destroy();
      return false;
    }
    if (this.holdingReady) this.fromPostgres.keep(Buffer.from(chunk));
    else this.relay(chunk);
    if (this.client.isCongested) this.client.whenWritten(() => this.resumePostgres());
    return !this.client.isCongested && !this.holdingReady;
  }

  private resumePostgres(): void {
    if (!this.holdingReady) this.postgres?.socket.resume();
  }

  toClient(bytes: Buffer): void {
    this.client.write(bytes);
  }

  authentication(code: number): void {
    this.isAsked = true;
    if (this.frontend.authenticate(code)) this.onAuthenticated?.();
  }

  parameter(name: string, value: string): void {
    if (name === "client_encoding") this.textEncoding = textEncoding(value);
  }

  learn(meaning: Classification): void {
    this.frontend.learn(meaning);
  }

  cancelKey(key: Buffer): void {
    this.cancellation.learn(key);
  }

  ready(status: Status): void {
    this.transaction.ready(status);
    if (status === Status.idle) this.statements.transactionEnded();
  }

  holdReady(status: Status): void {
    this.holdingReady = true;
    void this.transaction.calls.settle(status).then((warnings) => {
      this.toClient(warnings);
      this.backend.isSettled = true;
      this.holdingReady = false;
      this.relay();
      if (this.end.postgresEnded) this.endPostgres();
      else this.resumePostgres();
    });
  }

  /** Without a chunk: what is kept. */
  private relay(chunk?: Buffer): void {
    try {
      this.backend.startRun();
      this.backend.endRun(chunk ? this.fromPostgres.readShared(chunk) : this.fromPostgres.read());
      if (this.end.stopWhen) this.stop(this.end.stopWhen);
    } catch (cause) {
      this.lose(cause);
    }
    if (!this.isAsked) return;
    this.isAsked = false;
    this.readClient(nothing);
  }

  get flight(): Flight | undefined {
    return this.flights.current;
  }

  landed(): void {
    this.flights.land(false);
  }

  goodbye(): void {
    this.end.explain();
  }

  fatal(error: Fields): boolean {
    this.end.explain();
    if (!this.heldClient.current && this.transaction.calls.list.length === 0) return true;
    this.end.owe(error);
    return false;
  }

  /** What a held statement has come to, when Postgres can no longer say it. */
  endWith(error: Fields): void {
    this.end.owe(fatal(error));
  }

  // ── while the client is held

  isClientGone(): Promise<boolean> {
    return this.presence.isGone();
  }

  async fly(steps: readonly InjectedStep[], end: FlightEnd, statement: ClientStatement): Promise<FlightReport> {
    return this.over ? { kind: "over" } : this.flights.fly(steps, end, statement);
  }

  // ── ends

  get over(): boolean {
    return this.end.isOver;
  }

  private endPostgres(): void {
    this.end.on("postgresEnds");
    if (this.end.isClosed || this.holdingReady) return;
    // A held statement first learns what has become of its call.
    if (this.heldClient.current) {
      this.heldClient.abandon();
      this.flights.land(true);
      return;
    }
    const rest = this.fromPostgres.takeKept();
    this.toClient(rest);
    const listens = !this.end.clientEnded && !this.client.socket.destroyed;
    if (rest.length === 0 && this.end.isUnexplained && listens) this.end.owe(fatalFields(postgresLost()));
    const { owedWords } = this.end;
    if (owedWords) this.toClient(writeError(afterAcceptance(this.transaction.calls.pending, owedWords)));
    this.client.socket.end();
    this.close();
  }

  /** Tells the client why its session ends, and ends it. */
  private tellFatal(error: SqlError): void {
    this.end.explain();
    this.toClient(writeError(afterAcceptance(this.transaction.calls.pending, fatalFields(error))));
    this.client.socket.end();
  }

  private close(): void {
    if (this.end.isClosed) return;
    this.end.on("closes");
    this.heldClient.abandon();
    this.postgres?.socket.end();
    this.flights.land(true);
    // Who neither reads nor closes would keep the session for ever.
    for (const { socket } of this.postgres ? [this.client, this.postgres] : [this.client])
      socket.setTimeout(lastWordsMs, () => socket.destroy());
    this.client.socket.resume();
    this.transaction.calls.abandon();
  }

  /** The proxy stops. `after this`: when what is held, or settled, has come to its end. */
  stop(when: StopWhen | "at once"): void {
    if (when !== "at once") this.end.requestStop(when);
    if (when !== "at once" && (this.heldClient.current || this.holdingReady)) return;
    if (when === "at rest" && !(this.transaction.isNone && this.replies.empty)) return;
    if (!this.end.isClosed) this.tellFatal(proxyStops());
    this.close();
    this.client.socket.destroySoon();
  }

  destroy(): void {
    this.close();
    this.client.socket.destroy();
    this.postgres?.socket.destroy();
  }

  /** What can't be followed ends the session: nothing is guessed on the wire. */
  private lose(cause: unknown): void {
    this.log.error({ err: cause }, "the session can't be followed");
    this.destroy();
  }
}
