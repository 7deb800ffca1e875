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
import { afterAcceptance } from "../write/client-errors.js";
import type { FlightEnd, InjectedStep } from "../write/injected-step.js";
import { fatalFields } from "../write/sql-error.js";
import { BackendReader, type BackendState } from "./backend.js";
import { Cancellation } from "./cancellation.js";
import type { ClientStatement, Flight } from "./flight.js";
import { type FlightReport, FlightRunner } from "./flight-runner.js";
import { FrontendReader, type Hold, type HoldState } from "./frontend.js";
import { HeldClient } from "./held-client.js";
import { Inflow } from "./inflow.js";
import type { Interceptor } from "./interceptor.js";
import { Link } from "./link.js";
import { OpenCalls } from "./open-calls.js";
import { internalError, postgresLost, postgresUnreachable, proxyStops } from "./session-errors.js";
import { Statements } from "./statements.js";

const nothing = Buffer.alloc(0);

export class Session implements HoldState, BackendState {
  readonly statements = new Statements();
  readonly replies = new PendingReplies(this.statements);
  private readonly frontend: FrontendReader;
  private readonly backend: BackendReader;
  private readonly fromClient: Inflow;
  private readonly fromPostgres: Inflow;
  readonly heldClient: HeldClient;
  private readonly flights = new FlightRunner(this.replies, (bytes) => this.postgres?.write(bytes));
  readonly client: Link;
  private postgres: Link | undefined;
  private holdingReady = false;
  private clientEnded = false;
  private postgresEnded = false;
  private toldWhy = false;
  /** What the client is told when a held statement has come to its end, or what Postgres said must not be relayed as it is. */
  private lastWords: Fields | undefined;
  private closed = false;
  private stopping: "at rest" | "after this" | undefined;

  readonly calls: OpenCalls;
  readonly cancellation = new Cancellation();
  status: Status = Status.idle;
  hidden = false;

  constructor(
    clientSocket: Socket,
    readonly interceptor: Interceptor,
    private readonly log: Logger,
    readonly clientAddress: string,
  ) {
    this.calls = new OpenCalls(interceptor);
    this.client = new Link(clientSocket);
    this.frontend = new FrontendReader(this.replies, this.statements, interceptor, this);
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

  get failed(): boolean {
    return this.status === Status.failed;
  }

  /** Joins the session to Postgres; `startup` is the client's first packet, verbatim; `shown` is for messages. */
  start(socket: Socket, shown: string, startup: Buffer, rest: Buffer): void {
    this.postgres = new Link(socket);
    let connected = false;
    socket.once("connect", () => {
      connected = true;
    });
    socket.on("error", () => {
      if (!connected) this.tellFatal(postgresUnreachable(shown));
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

  /** Reads no faster than Postgres takes it, and not at all while the client is held. */
  private pace(): void {
    const { socket } = this.client;
    if ((this.heldClient.current && !this.heldClient.collecting) || this.closed) socket.pause();
    else if (this.postgres?.congested) {
      socket.pause();
      this.postgres.whenWritten(() => this.heldClient.current || socket.resume());
    } else if (socket.isPaused()) socket.resume();
  }

  get unfollowed(): boolean {
    return this.backend.unfollowed;
  }

  hold(hold: Hold): void {
    this.heldClient.begin(hold);
  }

  private async runHold(hold: Hold): Promise<void> {
    this.client.socket.pause();
    try {
      this.heldClient.end(await this.interceptor.handle(this, hold));
    } catch (cause) {
      this.log.error({ err: cause }, "a held statement failed for a reason of ours");
      this.tellFatal(internalError());
      this.close();
      return;
    }
    if (this.postgresEnded) return this.endPostgres();
    if (this.stopping === "after this") return this.stop("at once");
    this.readClient(nothing);
    if (this.clientEnded) this.endClient();
    if (this.stopping) this.stop(this.stopping);
  }

  private endClient(): void {
    this.clientEnded = true;
    this.heldClient.abandon();
    if (!this.heldClient.current) this.postgres?.socket.end();
  }

  // ── postgres → client

  /** The onread callback: `chunk` is a buffer that is read into again. False: not before `resume`. */
  readPostgres(chunk: Buffer): boolean {
    if (this.closed && this.client.socket.destroyed) {
      this.postgres?.socket.destroy();
      return false;
    }
    if (this.holdingReady) this.fromPostgres.keep(Buffer.from(chunk));
    else this.relay(chunk);
    if (this.client.congested) this.client.whenWritten(() => this.resumePostgres());
    return !this.client.congested && !this.holdingReady;
  }

  private resumePostgres(): void {
    if (!this.holdingReady) this.postgres?.socket.resume();
  }

  toClient(bytes: Buffer): void {
    this.client.write(bytes);
  }

  cancelKey(key: Buffer): void {
    this.cancellation.learn(key);
  }

  ready(status: Status): void {
    this.status = status;
    if (status !== Status.idle) return;
    this.statements.transactionEnded();
  }

  holdReady(status: Status): void {
    this.holdingReady = true;
    void this.calls.settle(status).then((warnings) => {
      this.toClient(warnings);
      this.backend.settled = true;
      this.holdingReady = false;
      this.relay();
      if (this.postgresEnded) this.endPostgres();
      else this.resumePostgres();
    });
  }

  /** Without a chunk: what is kept. */
  private relay(chunk?: Buffer): void {
    try {
      this.backend.startRun();
      this.backend.endRun(chunk ? this.fromPostgres.readShared(chunk) : this.fromPostgres.read());
      if (this.stopping) this.stop(this.stopping);
    } catch (cause) {
      this.lose(cause);
    }
  }

  get flight(): Flight | undefined {
    return this.flights.current;
  }

  landed(): void {
    this.flights.land(false);
  }

  goodbye(): void {
    this.toldWhy = true;
  }

  fatal(error: Fields): boolean {
    this.toldWhy = true;
    if (!this.heldClient.current && this.calls.list.length === 0) return true;
    this.lastWords = error;
    return false;
  }

  /** What a held statement has come to, when Postgres can no longer say it. */
  endWith(error: Fields): void {
    this.lastWords = fatal(error);
  }

  // ── while the client is held

  async fly(steps: readonly InjectedStep[], end: FlightEnd, statement: ClientStatement): Promise<FlightReport> {
    return this.over ? { kind: "over" } : this.flights.fly(steps, end, statement);
  }

  // ── ends

  get over(): boolean {
    return this.closed || this.postgresEnded;
  }

  private endPostgres(): void {
    this.postgresEnded = true;
    if (this.closed || this.holdingReady) return;
    // A held statement first learns what has become of its call.
    if (this.heldClient.current) {
      this.heldClient.abandon();
      this.flights.land(true);
      return;
    }
    const rest = this.fromPostgres.takeKept();
    this.toClient(rest);
    if (rest.length === 0 && !this.toldWhy && !this.clientEnded && !this.client.socket.destroyed)
      this.lastWords ??= fatalFields(postgresLost());
    if (this.lastWords) this.toClient(writeError(afterAcceptance(this.calls.pending, this.lastWords)));
    this.client.socket.end();
    this.close();
  }

  /** Tells the client why its session ends, and ends it. */
  private tellFatal(error: SqlError): void {
    this.toldWhy = true;
    this.toClient(writeError(afterAcceptance(this.calls.pending, fatalFields(error))));
    this.client.socket.end();
  }

  private close(): void {
    if (this.closed) return;
    this.closed = true;
    this.heldClient.abandon();
    this.postgres?.socket.end();
    this.flights.land(true);
    this.client.socket.resume();
    this.calls.abandon();
  }

  /** The proxy stops. `after this`: when what is held, or settled, has come to its end. */
  stop(when: "at rest" | "after this" | "at once"): void {
    if (when !== "at once") this.stopping = when;
    if (when !== "at once" && (this.heldClient.current || this.holdingReady)) return;
    if (when === "at rest" && (this.status !== Status.idle || !this.replies.empty || this.hidden)) return;
    if (!this.closed) this.tellFatal(proxyStops());
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
