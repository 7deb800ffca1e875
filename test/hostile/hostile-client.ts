// A client of raw bytes that keeps no more of what it hears than letters and errors, and can end in every way there is.

import { connect, type Socket } from "node:net";
import { readFields } from "../../protocol/fields.js";

const headerBytes = 5;
/** An ErrorResponse that is longer is not read. */
const longestErrorBytes = 1 << 20;

export class HostileClient {
  readonly socket: Socket;
  /** SQLSTATE and message of each ErrorResponse, newest last. */
  readonly errors: string[] = [];
  ready = 0;
  /** Messages by their letter. */
  readonly heard = new Map<string, number>();
  receivedBytes = 0;
  ended = false;
  /** The end was no error of the socket. */
  private header: Buffer = Buffer.alloc(0);
  private skip = 0;
  private error: Buffer[] | undefined;
  private readonly waiting = new Set<() => void>();

  constructor(port: number) {
    this.socket = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
    this.socket.on("data", (chunk) => this.read(chunk));
    for (const name of ["end", "error", "close"]) this.socket.on(name, () => this.end());
  }

  send(...bytes: readonly Buffer[]): void {
    for (const one of bytes) if (this.socket.writable) this.socket.write(one);
  }

  /** Waits until `holds`, asked after each thing heard, or the end. Returns false after `withinMs`. */
  async until(holds: () => boolean, withinMs: number): Promise<boolean> {
    if (holds() || this.ended) return true;
    return new Promise((resolve) => {
      const done = (isMet: boolean) => {
        clearTimeout(timer);
        this.waiting.delete(look);
        resolve(isMet);
      };
      const look = () => {
        if (holds() || this.ended) done(true);
      };
      const timer = setTimeout(() => done(false), withinMs);
      this.waiting.add(look);
    });
  }

  untilReady(count: number, withinMs: number): Promise<boolean> {
    return this.until(() => this.ready >= count, withinMs);
  }

  private end(): void {
    this.ended = true;
    this.wake();
  }

  private wake(): void {
    for (const look of [...this.waiting]) look();
  }

  /** What a spoilt server says may be no messages at all: nothing here throws. */
  private read(chunk: Buffer): void {
    this.receivedBytes += chunk.length;
    let at = 0;
    while (at < chunk.length) {
      if (this.skip > 0) {
        const taken = Math.min(this.skip, chunk.length - at);
        this.error?.push(chunk.subarray(at, at + taken));
        this.skip -= taken;
        at += taken;
        if (this.skip === 0) this.endMessage();
        continue;
      }
      const taken = chunk.subarray(at, at + headerBytes - this.header.length);
      this.header = Buffer.concat([this.header, taken]);
      at += taken.length;
      if (this.header.length === headerBytes) this.beginMessage();
    }
    this.wake();
  }

  private beginMessage(): void {
    const letter = String.fromCharCode(this.header[0] ?? 0);
    this.skip = Math.max(0, this.header.readInt32BE(1) - 4);
    this.heard.set(letter, (this.heard.get(letter) ?? 0) + 1);
    this.error = letter === "E" && this.skip < longestErrorBytes ? [] : undefined;
    if (letter === "Z") this.ready += 1;
    if (this.skip === 0) this.endMessage();
  }

  private endMessage(): void {
    const header = this.header;
    this.header = Buffer.alloc(0);
    if (!this.error) return;
    const message = Buffer.concat([header, ...this.error]);
    const fields = readFields(message, 0, message.length);
    this.errors.push(`${fields.get("C")} ${fields.get("M")}`);
    this.error = undefined;
  }
}
