// The port: what a client opens with, cancel requests, and a session for everybody else.

import { connect, createServer, type ListenOptions, type Server, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import type { PostgresAddress } from "../postgres/address.js";
import { writeFatal } from "../write/sql-error.js";
import { ClientOpening } from "./client-opening.js";
import type { Interceptor } from "./interceptor.js";
import { MemoryBudget, memoryLimits } from "./memory-budget.js";
import { ownLogin, tooManyClients } from "./proxy-errors.js";
import { Session } from "./session.js";

export interface ListenerOptions {
  readonly postgres: PostgresAddress;
  readonly interceptor: Interceptor;
  /** For a client that connects to another database of the same server: nothing there is ours. */
  readonly asleep: Interceptor;
  readonly log: Logger;
  /** The most clients at a time. */
  readonly connections: number;
  /** How many bytes are kept of unfinished messages, rows and bound values, over all sessions. */
  readonly memoryBytes: number;
}

/** Bytes read from Postgres at a time; one private buffer a session. */
const readBufferBytes = 16 * 1024;
/** Length and code of a cancel request; process id and secret follow. */
const cancelHeaderBytes = 8;
/** How long a client may take to read why its session ends. */
const lastWordsMs = 1_000;

export class Listener {
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  /** Those that have not yet said what they want. */
  private readonly opening = new Set<Socket>();
  private readonly sessions = new Set<Session>();
  private readonly memory: MemoryBudget;

  constructor(private readonly options: ListenerOptions) {
    this.memory = new MemoryBudget(memoryLimits(options.memoryBytes));
    this.server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.accept(socket));
  }

  /** Returns the port; 0 for a Unix socket. */
  async listen(on: ListenOptions): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.server.once("error", reject);
      this.server.listen(on, () => resolve());
    });
    const address = this.server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  /** Clients that are connected. */
  get count(): number {
    return this.sessions.size;
  }

  /** Ends every session: at rest; after `drainMs` whatever it is at, but for a call that is under way. */
  async close(drainMs: number): Promise<void> {
    const closing = new Promise<void>((resolve) => this.server.close(() => resolve()));
    for (const socket of this.opening) socket.destroy();
    for (const session of this.sessions) session.stop("at rest");
    const drain = new AbortController();
    await Promise.race([closing, delay(drainMs, undefined, { signal: drain.signal }).catch(() => undefined)]);
    drain.abort();
    // A COPY would wait for its client.
    for (const session of this.sessions) session.heldClient.abandon();
    for (const session of this.sessions) session.stop("after this");
    // What Postgres says to who reads nothing would keep a held statement for ever.
    const unread = setTimeout(() => this.destroyUnread(), lastWordsMs);
    await this.options.interceptor.idle();
    clearTimeout(unread);
    for (const session of this.sessions) session.stop("at once");
    // Who reads nothing hears nothing.
    const patience = setTimeout(() => this.destroyAll(), lastWordsMs);
    for (const socket of this.sockets) if (!socket.writableLength) socket.destroySoon();
    await closing;
    clearTimeout(patience);
    await this.options.interceptor.idle();
  }

  private destroyUnread(): void {
    for (const session of this.sessions) if (session.client.isCongested) session.destroy();
  }

  private destroyAll(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  private accept(socket: Socket): void {
    this.sockets.add(socket);
    this.opening.add(socket);
    socket.once("close", () => {
      this.sockets.delete(socket);
      this.opening.delete(socket);
    });
    new ClientOpening(socket, {
      opened: () => this.opening.delete(socket),
      cancel: (request) => this.cancel(socket, request),
      start: (startup, rest, parameters) => this.start(socket, startup, rest, parameters),
    });
  }

  /** Ends an upstream call, or is passed on verbatim; closed, as Postgres does, when Postgres has acted on it. */
  private cancel(socket: Socket, request: Buffer): void {
    const key = request.subarray(cancelHeaderBytes);
    for (const session of this.sessions) {
      // While an upstream call is under way Postgres has nothing to cancel, and must not cancel what comes after it.
      if (!session.cancellation.cancels(key)) continue;
      socket.destroySoon();
      return;
    }
    const postgres = connect(this.options.postgres.connect);
    socket.on("error", () => socket.destroy());
    postgres.on("error", () => postgres.destroy());
    postgres.once("close", () => socket.destroy());
    postgres.resume();
    postgres.write(request);
  }

  private start(socket: Socket, startup: Buffer, rest: Buffer, parameters: ReadonlyMap<string, string>): void {
    const { postgres, interceptor, asleep, log, connections } = this.options;
    if (this.sessions.size >= connections) {
      socket.end(writeFatal(tooManyClients(connections)));
      return;
    }
    const database = parameters.get("database") || parameters.get("user");
    const replication = parameters.has("replication");
    const ours = database === postgres.database && !replication;
    if (ours && interceptor.awake && parameters.get("user") === postgres.user) {
      // Its writes are the sync's: the guard lets them through.
      socket.end(writeFatal(ownLogin(postgres.user)));
      return;
    }
    const mine = ours ? interceptor : asleep;
    const lookout = mine.lookout({
      role: parameters.get("user") ?? "",
      movesSearchPath: parameters.has("search_path") || parameters.has("options"),
    });
    const session = new Session(socket, {
      interceptor: mine,
      lookout,
      log,
      clientAddress: socket.remoteAddress ?? "local",
      memory: this.memory,
    });
    this.sessions.add(session);
    socket.once("close", () => this.sessions.delete(session));
    const postgresSocket = connect({
      ...postgres.connect,
      onread: {
        buffer: Buffer.allocUnsafeSlow(readBufferBytes),
        callback: (size, buffer) => session.readPostgres(Buffer.from(buffer.buffer, buffer.byteOffset, size)),
      },
    });
    session.start(postgresSocket, postgres.label, startup, rest);
  }
}
