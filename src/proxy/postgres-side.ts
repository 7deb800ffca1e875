// Postgres's side of a session: its bytes on their way to the client, and those that wait until a ReadyForQuery may pass.

import type { PendingReplies } from "../../protocol/pending-replies.js";
import { BackendReader, type BackendState } from "./backend.js";
import { Inflow } from "./inflow.js";
import type { Link } from "./link.js";

export class PostgresSide {
  private readonly backend: BackendReader;
  private readonly inflow: Inflow;
  private link: Link | undefined;
  /** A ReadyForQuery waits for its calls to be settled, and all that comes behind it. */
  isHolding = false;

  constructor(
    replies: PendingReplies,
    state: BackendState,
    private readonly client: Link,
  ) {
    this.backend = new BackendReader(replies, state);
    this.inflow = new Inflow(this.backend);
  }

  get isUnfollowed(): boolean {
    return this.backend.isUnfollowed;
  }

  join(link: Link): void {
    this.link = link;
  }

  write(bytes: Buffer): void {
    this.link?.write(bytes);
  }

  writeAll(pieces: readonly Buffer[]): void {
    this.link?.writeAll(pieces);
  }

  /** Reads a chunk whose buffer is read into again. Throws when the messages can't be followed. */
  read(chunk: Buffer): void {
    if (this.isHolding) this.inflow.keep(Buffer.from(chunk));
    else this.relay(chunk);
  }

  /** Whether more may be read now; if not, it is as soon as the client keeps up. */
  get isReady(): boolean {
    if (this.client.isCongested) this.client.whenWritten(() => this.resume());
    return !this.client.isCongested && !this.isHolding;
  }

  /** The ReadyForQuery may pass, and what waits behind it. */
  release(): void {
    this.backend.isSettled = true;
    this.isHolding = false;
    this.relay();
  }

  resume(): void {
    if (!this.isHolding) this.link?.socket.resume();
  }

  /** What is kept, as it is, when nothing more can come. */
  takeRest(): Buffer {
    return this.inflow.takeKept();
  }

  end(): void {
    this.link?.socket.end();
  }

  destroy(): void {
    this.link?.socket.destroy();
  }

  /** Destroys the socket when nothing happens on it for so long. */
  expire(afterMs: number): void {
    const socket = this.link?.socket;
    socket?.setTimeout(afterMs, () => socket.destroy());
  }

  /** Without a chunk: what is kept. */
  private relay(chunk?: Buffer): void {
    this.backend.startRun();
    this.backend.endRun(chunk ? this.inflow.readShared(chunk) : this.inflow.read());
  }
}
