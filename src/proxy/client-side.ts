// The client's side of a session: its bytes on their way to Postgres, what of them waits, and how fast they are taken.

import type { Socket } from "node:net";
import { awaitsReady } from "../../protocol/decode.js";
import { ClientPresence } from "./client-presence.js";
import type { FrontendReader, Hold } from "./frontend.js";
import { HeldClient } from "./held-client.js";
import { Inflow } from "./inflow.js";
import { Link } from "./link.js";
import type { MemoryAccount } from "./memory-budget.js";
import type { Statements } from "./statements.js";

const nothing = Buffer.alloc(0);
/** So much more may come of a session that has ended. */
const mostDiscarded = 16 * 1024 * 1024;

export class ClientSide {
  readonly link: Link;
  readonly held: HeldClient;
  readonly presence: ClientPresence;
  private readonly inflow: Inflow;
  private postgres: Link | undefined;
  /** Nothing is read any more. */
  private isClosed = false;
  private discardedLength = 0;

  constructor(
    socket: Socket,
    private readonly frontend: FrontendReader,
    private readonly statements: Statements,
    private readonly memory: MemoryAccount,
  ) {
    this.link = new Link(socket);
    this.presence = new ClientPresence(socket);
    this.inflow = new Inflow(frontend);
    this.held = new HeldClient(this.inflow, frontend, () => this.pace());
  }

  /** Where the client's bytes go from now on. */
  join(postgres: Link): void {
    this.postgres = postgres;
  }

  /** Reads what has come, and what waited: returns why the client is held, if that begins here. Throws when the messages can't be followed. */
  read(chunk: Buffer = nothing): Hold | undefined {
    const { held, postgres } = this;
    if (this.isClosed) return this.discard(chunk);
    if (held.current || !postgres) {
      held.read(chunk);
      this.settle();
      return undefined;
    }
    postgres.write(this.inflow.readOwned(chunk));
    this.settle();
    return held.current;
  }

  /** Whether the client waits for a ReadyForQuery that Postgres has not been asked for. What is kept is forgotten: the session ends. */
  takeAwaitsReady(): boolean {
    const { current } = this.held;
    const isQuery = current?.at === "query" || current?.at === "several";
    return isQuery || awaitsReady(this.inflow.takeKept());
  }

  /** The session has ended: what is kept is forgotten, and what still comes is not read. */
  close(): void {
    this.isClosed = true;
    this.memory.close();
    if (!this.held.current) this.inflow.takeKept();
    this.held.abandon();
    this.link.socket.resume();
  }

  /** Who hears that the session has ended may be in the middle of a message; who never stops is cut off. */
  private discard(chunk: Buffer): undefined {
    this.discardedLength += chunk.length;
    if (this.discardedLength > mostDiscarded) this.link.socket.destroy();
  }

  private settle(): void {
    this.memory.keep(this.inflow.length + this.held.collectedLength + this.statements.keptBytes);
    this.pace();
  }

  /** Takes no more than Postgres takes, and no more than is kept of a client that is held, or comes before Postgres has asked for it. */
  private pace(): void {
    const { socket } = this.link;
    const isEarly = this.frontend.isEarly && this.inflow.length > 0;
    if (this.held.isFull || isEarly) socket.pause();
    else if (this.postgres?.isCongested) {
      socket.pause();
      this.postgres.whenWritten(() => this.pace());
    } else if (socket.isPaused()) socket.resume();
  }
}
