// The client while it is held in front of a message: what it sends meanwhile waits, or is collected when it belongs to a COPY.

import { type CopyCollection, CopyIn } from "./copy-in.js";
import { type FrontendReader, type Hold, heldLength, holdsStatement } from "./frontend.js";
import type { Inflow } from "./inflow.js";

/** What a held client may send meanwhile: it is read in one go when the client is let go. */
const mostWaiting = 128 * 1024;

export class HeldClient {
  current: Hold | undefined;
  /** How much of what is kept is the held message. */
  private length = 0;
  /** The client sends nothing more, so that rows which have not come will not come. */
  private isAbandoned = false;

  constructor(
    private readonly inflow: Inflow,
    private readonly frontend: FrontendReader,
    /** Lets the client send. */
    private readonly resume: () => void,
  ) {}

  begin(hold: Hold): void {
    this.current = hold;
    this.length = heldLength(hold);
  }

  /** The client may go on. `dealtWith`: the message is done; otherwise it goes to Postgres after all. */
  end(dealtWith: boolean): void {
    const hold = this.current;
    this.current = undefined;
    if (dealtWith) this.inflow.drop(this.length);
    else this.frontend.passNext = hold !== undefined && holdsStatement(hold);
  }

  /** Whether the client's bytes are wanted. */
  get collecting(): boolean {
    return this.frontend.copyIn !== undefined && !this.frontend.copyIn.over;
  }

  /**
   * Whether the client has sent enough for now. Up to that its socket is read: only who reads hears that the other side has ended or is
   * gone.
   */
  get isFull(): boolean {
    return this.current !== undefined && !this.collecting && this.inflow.length - this.length > mostWaiting;
  }

  /** How many bytes are kept of a COPY. */
  get collectedLength(): number {
    return this.frontend.copyIn?.length ?? 0;
  }

  read(chunk: Buffer): void {
    if (this.collecting) this.inflow.readOwned(chunk);
    else this.inflow.keep(chunk);
  }

  /** Collects what follows a held COPY, up to and with its end. */
  async collect(): Promise<{ readonly collection: CopyCollection; readonly bytes: Buffer }> {
    const copyIn = new CopyIn();
    this.inflow.drop(this.length);
    this.length = 0;
    this.frontend.copyIn = copyIn;
    this.inflow.read();
    this.resume();
    if (this.isAbandoned && !copyIn.over) copyIn.end("lost");
    const collection = await copyIn.collection;
    this.frontend.copyIn = undefined;
    return { collection, bytes: copyIn.bytes() };
  }

  /** The client will send nothing more. */
  abandon(): void {
    this.isAbandoned = true;
    this.frontend.copyIn?.end("lost");
  }
}
