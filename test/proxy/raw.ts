// A connection of raw bytes: what was sent is the caller's, what came back is kept message by message until the end.

import { connect, type NetConnectOpts, type Socket } from "node:net";
import { setImmediate as turn } from "node:timers/promises";

export class Raw {
  /** Everything that came: whole messages, in front of them single bytes. */
  readonly messages: Buffer[] = [];
  private pending: Buffer = Buffer.alloc(0);
  private awaited = 0;
  private ended = false;
  private wake: () => void = () => undefined;
  readonly socket: Socket;

  /** `answers`: as many bytes come first that are no messages, but answers to SSLRequest and GSSENCRequest. */
  constructor(
    target: NetConnectOpts,
    private answers = 0,
  ) {
    this.socket = connect({ ...target, noDelay: true, allowHalfOpen: true });
    this.socket.on("data", (chunk) => this.read(chunk));
    this.socket.on("end", () => this.end());
    this.socket.on("error", () => this.end());
    this.socket.on("close", () => this.end());
  }

  send(bytes: Buffer): void {
    if (this.socket.writable) this.socket.write(bytes);
  }

  /** Pieces that arrive one by one: the other side, which lives in this process, reads between them. */
  async sendCut(bytes: Buffer, size: number): Promise<void> {
    for (let at = 0; at < bytes.length; at += size) {
      this.send(bytes.subarray(at, at + size));
      await turn();
    }
  }

  /** Waits for the next message of this type that has not been waited for. */
  async until(type: string): Promise<Buffer> {
    for (;;) {
      const found = this.messages.slice(this.awaited).findIndex((bytes) => bytes[0] === type.charCodeAt(0));
      if (found >= 0) {
        this.awaited += found + 1;
        return this.messages[this.awaited - 1] ?? Buffer.alloc(0);
      }
      if (this.ended) throw new Error(`the connection ended before ${type}: ${this.letters}`);
      await this.more();
    }
  }

  /** Waits until the other side has ended the connection. */
  async untilEnd(): Promise<void> {
    while (!this.ended) await this.more();
    this.socket.destroy();
    if (this.pending.length > 0) this.messages.push(this.pending);
    this.pending = Buffer.alloc(0);
  }

  get letters(): string {
    return this.messages.map((bytes) => String.fromCharCode(bytes[0] ?? 0)).join(" ");
  }

  private read(chunk: Buffer): void {
    this.pending = this.pending.length === 0 ? chunk : Buffer.concat([this.pending, chunk]);
    for (; this.answers > 0 && this.pending.length > 0; this.answers -= 1) this.take(1);
    while (this.pending.length >= 5) {
      const length = 1 + this.pending.readInt32BE(1);
      if (this.pending.length < length) break;
      this.take(length);
    }
    this.wake();
  }

  private take(length: number): void {
    this.messages.push(this.pending.subarray(0, length));
    this.pending = this.pending.subarray(length);
  }

  private async more(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.wake = resolve;
    });
  }

  private end(): void {
    this.ended = true;
    this.wake();
  }
}
