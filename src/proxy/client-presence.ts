// Whether a client that has ended its side is still there. A FIN alone does not tell: a client that has closed its socket, or was killed,
// sends no more than one that only has nothing further to say and waits for its answers. Drivers don't do the latter while a statement
// is under way (libpq and pgjdbc close, node-postgres destroys the socket), but programs such as `nc` do.
//
// What is written to a closed socket is answered with RST, and the next write fails. So two messages are written that any client takes at
// any time (manual: "Asynchronous Operations"): a ParameterStatus with the value that this parameter always has.

import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { writeMessage } from "../../protocol/encode.js";
import { Backend } from "../../protocol/messages.js";

const probe = writeMessage(Backend.parameterStatus, Buffer.from("integer_datetimes\0on\0", "latin1"));
/** A client whose side has ended so shortly ago is not asked: its statement would not be kept from the API in time anyway. */
const leastMs = 250;
/** How long a RST is waited for. */
const resetMs = 50;

export class ClientPresence {
  private endedAtMs: number | undefined;

  constructor(private readonly socket: Socket) {}

  /** The client has ended its side. */
  end(): void {
    this.endedAtMs ??= performance.now();
  }

  /** Returns whether the client is certainly gone. Only one that has ended its side a while ago hears anything of the question. */
  async isGone(): Promise<boolean> {
    if (this.endedAtMs === undefined || performance.now() - this.endedAtMs < leastMs) return this.socket.destroyed;
    await this.write();
    await delay(resetMs);
    await this.write();
    return this.socket.destroyed;
  }

  /** Resolves when the kernel has taken the message, or has refused it. */
  private write(): Promise<void> {
    if (!this.socket.writable || this.socket.writableLength > 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.socket.once("close", () => resolve());
      this.socket.write(probe, (cause) => cause == null && resolve());
    });
  }
}
