// One client, one Postgres connection, and what passes between them: whole chunks as they come, until a statement is held.
//
//   client ──► FrontendReader ──► postgres        hold: the client waits in front of a message while flights go out and land
//   client ◄── BackendReader  ◄── postgres

import type { Socket } from "node:net";
import { Status } from "../../protocol/messages.js";
import { PendingReplies, RequestKind } from "../../protocol/pending-replies.js";
import type { SqlError } from "../postgres/error-catalogue.js";
import type { Classification } from "../sql/classification.js";
import type { Lookout } from "../sql/lookout.js";
import { type TextEncoding, textEncoding } from "../sql/sql-text.js";
import type { FlightEnd, InjectedStep } from "../write/injected-step.js";
import { fatalFields } from "../write/sql-error.js";
import { addressGroup } from "./address-group.js";
import type { BackendState } from "./backend.js";
import { Cancellation } from "./cancellation.js";
import type { ClientPresence } from "./client-presence.js";
import { ClientSide } from "./client-side.js";
import { ClientWords } from "./client-words.js";
import type { Flight } from "./flight.js";
import { type FlightReport, FlightRunner } from "./flight-runner.js";
import { FrontendReader, type Hold, type HoldState } from "./frontend.js";
import type { HeldClient } from "./held-client.js";
import type { ClientStatement } from "./injected-messages.js";
import type { InterceptedSession, SessionParts } from "./interceptor.js";
import { Link } from "./link.js";
import { OpenCalls } from "./open-calls.js";
import { PostgresSide } from "./postgres-side.js";
import { internalError, postgresLost, postgresUnreachable, proxyStops } from "./proxy-errors.js";
import { SessionEnd, type StopWhen } from "./session-end.js";
import { Statements } from "./statements.js";
import { SessionTransaction } from "./transaction.js";

/** How long a side of a session that has ended may do nothing before its socket is destroyed. */
const lastWordsMs = 30_000;

export class Session implements HoldState, BackendState, InterceptedSession {
  /** How the client writes its texts: Postgres tells at login, and when that changes. */
  textEncoding: TextEncoding = "utf8";
  readonly statements = new Statements();
  readonly replies = new PendingReplies(this.statements);
  private readonly frontend: FrontendReader;
  private readonly clientSide: ClientSide;
  private readonly postgres: PostgresSide;
  private readonly flights = new FlightRunner(this.replies, (pieces) => this.postgres.writeAll(pieces));
  /** Why the session ends as soon as its statement has come to its end. */
  private refusal: SqlError | undefined;
  private readonly end = new SessionEnd();
  readonly transaction: SessionTransaction;
  readonly cancellation = new Cancellation();
  readonly lookout: Lookout;
  readonly clientAddress: string;
  readonly client: Link;
  readonly words: ClientWords;
  readonly heldClient: HeldClient;
  readonly presence: ClientPresence;

  constructor(
    clientSocket: Socket,
    private readonly parts: SessionParts,
  ) {
    this.transaction = new SessionTransaction(new OpenCalls(parts.interceptor));
    this.frontend = new FrontendReader(this.replies, this.statements, parts.lookout, this);
    const memory = parts.memory.open(addressGroup(parts.clientAddress), (error) => this.refuse(error));
    this.clientSide = new ClientSide(clientSocket, this.frontend, this.statements, memory);
    ({ link: this.client, held: this.heldClient, presence: this.presence } = this.clientSide);
    const { explain } = parts.interceptor;
    this.words = new ClientWords(this.end, this.clientSide, this.replies, this.transaction, explain);
    ({ lookout: this.lookout, clientAddress: this.clientAddress } = parts);
    this.postgres = new PostgresSide(this.replies, this, this.client);
    // An accepted socket has no public `onread`; its chunks are fresh, so that they can be kept without a copy.
    clientSocket.on("data", (chunk: Buffer) => this.readClient(chunk));
    clientSocket.on("end", () => this.endClient());
    clientSocket.on("close", () => this.close());
  }

  /** Joins the session to Postgres; `startup` is the client's first packet, verbatim; `address` is for messages. */
  start(socket: Socket, address: string, startup: Buffer, rest: Buffer): void {
    const link = new Link(socket);
    this.postgres.join(link);
    this.clientSide.join(link);
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

  private readClient(chunk?: Buffer): void {
    try {
      const hold = this.clientSide.read(chunk);
      if (hold) void this.runHold(hold);
    } catch (cause) {
      this.lose(cause);
    }
  }

  get isUnfollowed(): boolean {
    return this.postgres.isUnfollowed;
  }

  hold(hold: Hold): void {
    this.heldClient.begin(hold);
  }

  private async runHold(hold: Hold): Promise<void> {
    try {
      const isDone = await this.parts.interceptor.handle(this, hold);
      // What the client waits for is known while it is held.
      if (this.end.isOver) this.finish();
      this.heldClient.end(isDone);
    } catch (cause) {
      this.parts.log.error({ err: cause }, "a held statement failed for a reason of ours");
      return this.endWithFatal(internalError());
    }
    if (this.end.isOver) return;
    if (this.refusal) return this.refuse(this.refusal);
    if (this.end.stopWhen === "after this") return this.stop("at once");
    this.readClient();
    if (this.end.clientEnded) this.endClient();
    if (this.end.stopWhen) this.stop(this.end.stopWhen);
  }

  private endClient(): void {
    this.end.on("clientEnds");
    this.presence.end();
    this.heldClient.abandon();
    if (!this.heldClient.current) this.postgres.end();
  }

  // ── postgres → client

  /** The onread callback: `chunk` is a buffer that is read into again. False: not before `resume`. */
  readPostgres(chunk: Buffer): boolean {
    if (this.end.isClosed && this.client.socket.destroyed) {
      this.postgres.destroy();
      return false;
    }
    this.relay(() => this.postgres.read(chunk));
    return this.postgres.isReady;
  }

  toClient(bytes: Buffer): void {
    this.client.write(bytes);
  }

  authentication(code: number): void {
    if (this.frontend.authenticate(code)) this.parts.onAuthenticated?.();
    // What Postgres asks for may have come already.
    queueMicrotask(() => this.readClient());
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

  ready(status: Status, isRelayed: boolean): void {
    if (isRelayed) this.end.ready();
    this.transaction.ready(status);
    if (status === Status.idle) this.statements.transactionEnded();
  }

  holdReady(status: Status): void {
    this.postgres.isHolding = true;
    void this.transaction.calls.settle(status).then((warnings) => {
      this.toClient(warnings);
      this.relay(() => this.postgres.release());
      if (this.end.postgresEnded) this.endPostgres();
      else this.postgres.resume();
    });
  }

  private relay(read: () => void): void {
    try {
      read();
      if (this.end.stopWhen) this.stop(this.end.stopWhen);
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
    this.end.explain();
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
    if (this.end.isClosed || this.postgres.isHolding) return;
    // A held statement first learns what has become of its call.
    if (this.heldClient.current) {
      this.heldClient.abandon();
      this.flights.land(true);
      return;
    }
    this.finish();
  }

  /** Postgres is gone, and what was held has come to its end. */
  private finish(): void {
    if (this.end.isClosed || this.postgres.isHolding) return;
    const rest = this.postgres.takeRest();
    this.toClient(rest);
    const listens = !this.end.clientEnded && !this.client.socket.destroyed;
    if (rest.length === 0 && this.end.isUnexplained && listens) this.end.owe(fatalFields(postgresLost()), false);
    this.words.last();
    this.close();
  }

  /** Ends a session that makes the proxy keep too much: a held statement first comes to its end. */
  private refuse(error: SqlError): void {
    this.refusal = error;
    if (this.heldClient.current) this.heldClient.abandon();
    else this.endWithFatal(error);
  }

  private endWithFatal(error: SqlError): void {
    if (!this.end.isClosed) this.tellFatal(error);
    this.close();
  }

  /** Tells the client why its session ends, and ends it. */
  private tellFatal(error: SqlError): void {
    this.end.owe(fatalFields(error), false);
    this.words.last();
  }

  private close(): void {
    if (this.end.isClosed) return;
    this.end.on("closes");
    this.clientSide.close();
    this.postgres.end();
    this.flights.land(true);
    // Who neither reads nor closes would keep the session for ever.
    this.client.socket.setTimeout(lastWordsMs, () => this.client.socket.destroy());
    this.postgres.expire(lastWordsMs);
    this.transaction.calls.abandon();
  }

  /** The proxy stops. `after this`: when what is held, or settled, has come to its end. */
  stop(when: StopWhen | "at once"): void {
    if (when !== "at once") this.end.requestStop(when);
    if (when !== "at once" && (this.heldClient.current || this.postgres.isHolding)) return;
    if (when === "at rest" && !(this.transaction.isNone && this.replies.empty)) return;
    this.endWithFatal(proxyStops());
    this.client.socket.destroySoon();
  }

  destroy(): void {
    this.close();
    this.client.socket.destroy();
    this.postgres.destroy();
  }

  /** What can't be followed ends the session: nothing is guessed on the wire. */
  private lose(cause: unknown): void {
    this.parts.log.error({ err: cause }, "the session can't be followed");
    this.destroy();
  }
}
