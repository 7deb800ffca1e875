// What a client opens its connection with: requests for encryption, which are refused, and then a startup packet or a cancel request.

import type { Socket } from "node:net";
import { readOpening } from "../../protocol/startup.js";
import { assertNever } from "../config/assert-never.js";
import type { SqlError } from "../postgres/error-catalogue.js";
import { bytesBeforeEncryption, encryptionAskedTwice } from "./proxy-errors.js";

/** From accept to the end of the startup packet. */
const openingTimeoutMs = 15_000;
/** The answer to SSLRequest and GSSENCRequest: neither is offered here. */
const refusedEncryption = Buffer.from("N");

export interface OpeningEvents {
  /** What the client sent can't be the opening of a connection: it is to be told so. */
  refuse(error: SqlError): void;
  /** `request` is the whole packet. */
  cancel(request: Buffer): void;
  /** `startup` is the whole packet, verbatim; `rest`: what came behind it. */
  start(startup: Buffer, rest: Buffer, parameters: ReadonlyMap<string, string>): void;
}

/** Reads one client's opening. A client that says nothing in time, or nothing that Postgres knows, is dropped. */
export class ClientOpening {
  private bytes: Buffer = Buffer.alloc(0);
  private readonly refused = { ssl: false, gss: false };
  private readonly timer = setTimeout(() => this.drop(), openingTimeoutMs);
  private readonly read = (chunk: Buffer): void => this.take(chunk);
  private readonly drop = (): void => {
    this.socket.destroy();
  };

  constructor(
    private readonly socket: Socket,
    private readonly events: OpeningEvents,
  ) {
    socket.on("data", this.read);
    socket.on("end", this.drop);
    socket.once("close", () => clearTimeout(this.timer));
  }

  private take(chunk: Buffer): void {
    this.bytes = this.bytes.length === 0 ? chunk : Buffer.concat([this.bytes, chunk]);
    while (this.step() === "again");
  }

  /** Takes one packet, if a whole one has come. */
  private step(): "again" | "done" {
    const opening = readOpening(this.bytes);
    switch (opening.at) {
      case "incomplete":
        return "done";
      case "ssl":
      case "gss":
        return this.refuseEncryption(opening.at, opening.length);
      case "refused":
        this.drop();
        return "done";
      case "cancel":
        this.stop();
        this.events.cancel(this.bytes.subarray(0, opening.length));
        return "done";
      case "startup":
        this.stop();
        this.events.start(
          this.bytes.subarray(0, opening.length),
          this.bytes.subarray(opening.length),
          opening.parameters,
        );
        return "done";
      default:
        return assertNever(opening);
    }
  }

  /** Each kind may be asked for once, as Postgres has it, and nothing may stand behind the request. */
  private refuseEncryption(kind: "ssl" | "gss", length: number): "again" | "done" {
    if (this.refused[kind]) return this.deny(encryptionAskedTwice(kind));
    this.refused[kind] = true;
    this.bytes = this.bytes.subarray(length);
    this.socket.write(refusedEncryption);
    return this.bytes.length > 0 ? this.deny(bytesBeforeEncryption(kind)) : "again";
  }

  private deny(error: SqlError): "done" {
    this.stop();
    this.events.refuse(error);
    return "done";
  }

  private stop(): void {
    clearTimeout(this.timer);
    this.socket.off("data", this.read);
    this.socket.off("end", this.drop);
  }
}
