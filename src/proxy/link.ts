// The writing side of a socket: how to see that it does not keep up, and how to wait until it does.

import type { Socket } from "node:net";

export class Link {
  private waiting: (() => void)[] = [];
  private readonly written = () => {
    if (this.isCongested || this.waiting.length === 0) return;
    const waiting = this.waiting;
    this.waiting = [];
    for (const then of waiting) then();
  };

  constructor(readonly socket: Socket) {
    socket.setNoDelay(true);
    socket.setKeepAlive(true);
  }

  /** The caller must not reuse `bytes` while the link is congested. */
  write(bytes: Buffer): void {
    if (bytes.length > 0 && this.socket.writable) this.socket.write(bytes, this.written);
  }

  /** Writes pieces that follow each other: one system call, as long as the socket takes them. */
  writeAll(pieces: readonly Buffer[]): void {
    this.socket.cork();
    for (const bytes of pieces) this.write(bytes);
    this.socket.uncork();
  }

  /** Something was not written at once, and still refers to the buffers it was given. */
  get isCongested(): boolean {
    return this.socket.writableLength !== 0 && this.socket.writable;
  }

  /** Calls back when everything has been written. `drain` would not do: it stays silent below the high-water mark. */
  whenWritten(then: () => void): void {
    if (this.isCongested) this.waiting.push(then);
    else then();
  }
}
