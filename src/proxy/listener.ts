// The port: what a client opens with, cancel requests, and a session for everybody else.

import { connect, createServer, type ListenOptions, type Server, type Socket } from "node:net";
import type { Logger } from "pino";
import type { PostgresAddress } from "../postgres/address.js";
import type { SqlError } from "../postgres/error-catalogue.js";
import { ClientOpening } from "./client-opening.js";
import { FailureLog } from "./failure-log.js";
import type { Interceptor } from "./interceptor.js";
import { MemoryBudget, memoryLimits } from "./memory-budget.js";
import type { FilesForClients } from "./open-files.js";
import { type Opening, OpeningSockets } from "./opening-sockets.js";
import { ownLogin, tooManyClients, tooManyFiles } from "./proxy-errors.js";
import { Session } from "./session.js";
import { type Drained, drain } from "./stopping.js";

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
  /** The most connections at a time that Postgres has not let in yet. */
  readonly opening: number;
  /** What the limit on open files leaves; as much as is wanted if absent. */
  readonly files?: FilesForClients | undefined;
}

/** Bytes read from Postgres at a time; one private buffer a session. */
const readBufferBytes = 16 * 1024;
/** Length and code of a cancel request; process id and secret follow. */
const cancelHeaderBytes = 8;
/** How long Postgres may take for a cancel request, in milliseconds. */
const cancelTimeoutMs = 15_000;

export class Listener implements Drained {
  private readonly server: Server;
  /** Of clients, and of Postgres for them. */
  readonly clients = new Set<Socket>();
  readonly postgresSockets = new Set<Socket>();
  readonly sessions = new Set<Session>();
  /** Those of the sessions that Postgres has let in. */
  private readonly admitted = new Set<Session>();
  private readonly opening: OpeningSockets;
  private readonly failures: FailureLog;
  private readonly memory: MemoryBudget;

  constructor(private readonly options: ListenerOptions) {
    this.opening = new OpeningSockets(options.opening);
    this.failures = new FailureLog(options.log, "taking connections");
    this.memory = new MemoryBudget(memoryLimits(options.memoryBytes));
    this.server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.accept(socket));
  }

  /** Returns the port; 0 for a Unix socket. */
  async listen(on: ListenOptions): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.server.once("error", reject);
      this.server.listen(on, () => {
        this.server.off("error", reject);
        resolve();
      });
    });
    // A connection could not be taken, for want of open files or memory. The next one may be.
    this.server.on("error", (cause) => this.failures.failed(cause));
    const address = this.server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  /** Clients that are connected. */
  get count(): number {
    return this.admitted.size;
  }

  /** Connections that Postgres has not let in yet. */
  get openingCount(): number {
    return this.opening.count;
  }

  get interceptor(): Interceptor {
    return this.options.interceptor;
  }

  /**
   * Takes no more connections and ends every session: at rest; after `drainMs` whatever it is at. A call that is under way has `graceMs`
   * more. Resolves by then, with the port free and no socket left, whatever clients, Postgres and APIs do.
   */
  async close(drainMs: number, graceMs = 3_500): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.opening.endSilent();
    await drain(this, closed, drainMs, graceMs);
  }

  /** Asks Postgres to end what a session is at, for its client goes without an answer. */
  cancelQuery(session: Session): void {
    const request = session.cancellation.request();
    if (request) this.connectToCancel().end(request);
  }

  private accept(socket: Socket): void {
    this.clients.add(socket);
    // An error without a listener would end the process, whoever reads the socket.
    socket.on("error", () => socket.destroy());
    const opening = this.opening.enter(socket);
    socket.once("close", () => {
      this.clients.delete(socket);
      this.opening.leave(opening);
    });
    new ClientOpening(socket, {
      refuse: (error) => this.opening.turnAway(opening, error),
      cancel: (request) => this.cancel(opening, request),
      start: (startup, rest, parameters) => this.start(opening, startup, rest, parameters),
    });
    const { files, connections } = this.options;
    if (!files || this.clients.size + this.postgresSockets.size <= files.sockets) return;
    // Who is not in yet makes room, be it the newcomer.
    this.opening.endOne(tooManyFiles(connections, files.limit));
  }

  /** Ends an upstream call, or is passed on verbatim; closed, as Postgres does, when Postgres has acted on it. */
  private cancel(opening: Opening, request: Buffer): void {
    const { socket } = opening;
    opening.at = "cancel";
    const key = request.subarray(cancelHeaderBytes);
    for (const session of this.sessions) {
      // While an upstream call is under way Postgres has nothing to cancel, and must not cancel what comes after it.
      if (!session.cancellation.cancels(key)) continue;
      socket.destroySoon();
      return;
    }
    const postgres = this.connectToCancel();
    this.opening.hear(opening, "client");
    opening.postgres = postgres;
    postgres.once("close", () => socket.destroy());
    postgres.write(request);
  }

  /** A connection for a cancel request: Postgres closes it without an answer, or it is closed when Postgres takes too long. */
  private connectToCancel(): Socket {
    const socket = this.track(connect(this.options.postgres.connect));
    const timer = setTimeout(() => socket.destroy(), cancelTimeoutMs);
    socket.once("close", () => clearTimeout(timer));
    return socket.on("error", () => socket.destroy()).resume();
  }

  private track(socket: Socket): Socket {
    this.postgresSockets.add(socket);
    return socket.once("close", () => this.postgresSockets.delete(socket));
  }

  private start(opening: Opening, startup: Buffer, rest: Buffer, parameters: ReadonlyMap<string, string>): void {
    const { socket } = opening;
    // It has been turned away meanwhile.
    if (!socket.writable) return;
    opening.at = "session";
    const { postgres, interceptor, asleep, log } = this.options;
    const database = parameters.get("database") || parameters.get("user");
    const ours = database === postgres.database && !asksForReplication(parameters.get("replication"));
    // Its writes are the sync's: the guard lets them through.
    const isOwn = ours && interceptor.awake && parameters.get("user") === postgres.user;
    const refusal = this.fullness() ?? (isOwn ? ownLogin(postgres.user) : undefined);
    if (refusal) {
      this.opening.turnAway(opening, refusal);
      return;
    }
    const mine = ours ? interceptor : asleep;
    const lookout = mine.lookout({
      role: parameters.get("user") ?? "",
      // Postgres takes the names of settings in any case.
      movesSearchPath: [...parameters.keys()].some((name) =>
        /^(?:search_path|role|session_authorization|options)$/i.test(name),
      ),
    });
    // Who is in has nothing more to be heard for, and its chunks pass without.
    const hear = () => this.opening.hear(opening, "client");
    const session = new Session(socket, {
      interceptor: mine,
      lookout,
      log,
      clientAddress: socket.remoteAddress ?? "local",
      memory: this.memory,
      onAuthenticated: () => {
        socket.off("data", hear);
        this.admit(opening, session);
      },
    });
    this.sessions.add(session);
    socket.once("close", () => {
      this.sessions.delete(session);
      this.admitted.delete(session);
    });
    hear();
    socket.on("data", hear);
    const postgresSocket = connect({
      ...postgres.connect,
      onread: {
        buffer: Buffer.allocUnsafeSlow(readBufferBytes),
        callback: (size, buffer) => {
          if (opening.at === "session") this.opening.hear(opening, "postgres");
          return session.readPostgres(Buffer.from(buffer.buffer, buffer.byteOffset, size));
        },
      },
    });
    opening.postgres = this.track(postgresSocket);
    session.start(postgresSocket, postgres.label, startup, rest);
  }

  /** Why one more client can't be let in. Undefined: there is a place. */
  private fullness(): SqlError | undefined {
    const { connections, files } = this.options;
    if (this.admitted.size < connections) return undefined;
    return files?.isShort ? tooManyFiles(connections, files.limit) : tooManyClients(connections);
  }

  /** Postgres has let the client in. More may have been opening at once than there are places. */
  private admit(opening: Opening, session: Session): void {
    if (opening.at !== "session") return;
    const refusal = this.fullness();
    if (refusal) this.opening.turnAway(opening, refusal);
    else {
      this.opening.leave(opening);
      this.admitted.add(session);
    }
  }
}

/** Whether Postgres will make it a session of replication, whose messages are other ones. It reads a boolean as parse_bool() does: any beginning of a word, in any case. */
function asksForReplication(parameter: string | undefined): boolean {
  return parameter !== undefined && !/^(?:f|fa|fal|fals|false|n|no|of|off|0)$/i.test(parameter);
}
