// What a cancel request can end that Postgres knows nothing of: an upstream call, or the wait for it.

import { timingSafeEqual } from "node:crypto";
import { writeCancelRequest } from "../../protocol/startup.js";

export class Cancellation {
  /** Process id and secret, as BackendKeyData brought them and a cancel request carries them. */
  private key: Buffer = Buffer.alloc(0);
  private interruption: AbortController | undefined;

  /** `key` is copied. */
  learn(key: Buffer): void {
    this.key = Buffer.from(key);
  }

  get processId(): number {
    return this.key.length < 4 ? 0 : this.key.readInt32BE(0);
  }

  /** A cancel request. True: it was for this session, and has ended what is under way here. */
  cancels(key: Buffer): boolean {
    if (!this.interruption || key.length !== this.key.length || !timingSafeEqual(key, this.key)) return false;
    this.interruption.abort();
    return true;
  }

  /** An upstream call was begun for the held statement, whose client has not been told what became of it. */
  hasCalled = false;

  /** Ends what is under way here, as a cancel request does. */
  interrupt(): void {
    this.interruption?.abort();
  }

  /** Returns the cancel request for what Postgres is at. Undefined: Postgres has not told the key yet. */
  request(): Buffer | undefined {
    return this.key.length === 0 ? undefined : writeCancelRequest(this.key);
  }

  async interruptibly<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.hasCalled = true;
    this.interruption = new AbortController();
    try {
      return await work(this.interruption.signal);
    } finally {
      this.interruption = undefined;
    }
  }
}
