// The upstream calls of a session's open transaction: noted when they are made, settled when it has ended.

import { Status } from "../../protocol/messages.js";
import type { OpenCall } from "../write/session-port.js";

export interface Settlement {
  /** Those whose transaction is over, however it ended. */
  endedCalls(calls: readonly OpenCall[]): Promise<readonly OpenCall[]>;
  /** Applies what the transaction undid; the bytes of warnings for the client come back. */
  settle(calls: readonly OpenCall[]): Promise<Buffer>;
  /** The same when nobody waits any more. */
  settleLater(calls: readonly OpenCall[]): void;
}

export class OpenCalls {
  list: readonly OpenCall[] = [];
  private committedCalls: readonly OpenCall[] = [];
  /** A COMMIT or ROLLBACK has been answered: by AND CHAIN, another transaction may be open already. */
  private maybeEnded = false;
  private isAbandoned = false;

  constructor(private readonly settlement: Settlement) {}

  note(call: OpenCall): void {
    if (this.isAbandoned) this.settlement.settleLater([call]);
    else this.list = [...this.list, call];
  }

  /** Those that a later error may still undo. */
  get pending(): readonly OpenCall[] {
    return this.list.filter((call) => !this.committedCalls.includes(call));
  }

  /** A command tag of the client's. */
  tag(tag: string): void {
    if (tag === "COMMIT") this.committedCalls = this.list;
    if (/^(?:COMMIT|ROLLBACK)/.test(tag)) this.maybeEnded = true;
  }

  /** Whether a ReadyForQuery with this status has to wait for `settle`. */
  hasUnsettled(status: Status): boolean {
    return this.list.length > 0 && (status === Status.idle || this.maybeEnded);
  }

  /** Settles the calls whose transaction has ended: all, when none is open. */
  async settle(status: Status): Promise<Buffer> {
    this.maybeEnded = false;
    const { list } = this;
    if (list.length === 0) return Buffer.alloc(0);
    const over = status === Status.idle ? list : await this.settlement.endedCalls(list);
    this.list = this.list.filter((call) => !over.includes(call));
    return this.settlement.settle(over);
  }

  /** The session is gone. */
  abandon(): void {
    this.isAbandoned = true;
    const { list } = this;
    this.list = [];
    if (list.length > 0) this.settlement.settleLater(list);
  }
}
