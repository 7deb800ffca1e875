// A client that speaks raw messages: what no driver sends on demand.

import { connect, type Socket } from "node:net";
import { serialize } from "pg-protocol";
import { readDataRow, readTag } from "../../protocol/decode.js";
import { readFields } from "../../protocol/fields.js";

export interface Message {
  readonly type: string;
  readonly bytes: Buffer;
}

export class WireClient {
  private pending: Buffer = Buffer.alloc(0);
  private readonly messages: Message[] = [];
  private wake: () => void = () => undefined;
  private ended = false;

  private constructor(readonly socket: Socket) {
    socket.on("data", (chunk) => this.read(chunk));
    socket.on("error", () => this.end());
    socket.on("close", () => this.end());
  }

  /** Logs in without a password. `more`: other parameters of the StartupMessage. */
  static async login(
    port: number,
    user: string,
    database: string,
    more: Readonly<Record<string, string>> = {},
    host = "127.0.0.1",
  ): Promise<WireClient> {
    const client = new WireClient(connect({ port, host, noDelay: true }));
    client.send(serialize.startup({ user, database, ...more }));
    await client.until("Z");
    return client;
  }

  send(...messages: readonly Buffer[]): void {
    this.socket.write(Buffer.concat(messages));
  }

  /** Sends, and shows what comes up to ReadyForQuery. */
  async ask(...messages: readonly Buffer[]): Promise<string[]> {
    this.send(...messages);
    return shown(await this.until("Z"));
  }

  /** All messages up to and including the first of `type`. */
  async until(type: string): Promise<Message[]> {
    for (;;) {
      const at = this.messages.findIndex((message) => message.type === type);
      if (at >= 0) return this.messages.splice(0, at + 1);
      if (this.ended) throw new Error(`the connection ended before ${type}: ${shown(this.messages).join(" ")}`);
      await this.more();
    }
  }

  /** The next message; undefined when the connection has ended. */
  async next(): Promise<Message | undefined> {
    while (this.messages.length === 0 && !this.ended) await this.more();
    return this.messages.shift();
  }

  /** Waits until the other side has ended the connection. */
  async untilEnd(): Promise<void> {
    while (!this.ended) await this.more();
  }

  close(): void {
    this.socket.destroy();
  }

  private read(chunk: Buffer): void {
    this.pending = Buffer.concat([this.pending, chunk]);
    while (this.pending.length >= 5) {
      const end = 1 + this.pending.readInt32BE(1);
      if (this.pending.length < end) break;
      const bytes = this.pending.subarray(0, end);
      this.messages.push({ type: String.fromCharCode(bytes[0] ?? 0), bytes });
      this.pending = this.pending.subarray(end);
    }
    this.wake();
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

/** Messages in a form that a test can write down: rows and tags and SQLSTATEs in full, the rest by letter. */
export function shown(messages: readonly Message[]): string[] {
  return messages
    .filter(({ type }) => type !== "S")
    .map(({ type, bytes }) => {
      switch (type) {
        case "D":
          return `D ${readDataRow(bytes, 0).join("|")}`;
        case "C":
          return `C ${readTag(bytes, 0, bytes.length)}`;
        case "E":
        case "N":
          return `${type} ${readFields(bytes, 0, bytes.length).get("C")}`;
        case "Z":
          return `Z ${String.fromCharCode(bytes[5] ?? 0)}`;
        default:
          return type;
      }
    });
}
