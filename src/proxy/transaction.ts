// The transaction of a session: none, the client's, or one that we opened and the client knows nothing of.
//
//   none ──opened──► proxy ──handedOver──► as the last ReadyForQuery said
//   ready: none and client become what the ReadyForQuery says; proxy stays, and remembers it

import { Status } from "../../protocol/messages.js";
import { assertNever } from "../config/assert-never.js";
import type { OpenCalls } from "./open-calls.js";

export type Transaction =
  /** As far as the last ReadyForQuery goes: a BEGIN may be on its way. */
  | { readonly owner: "none" }
  | { readonly owner: "client"; readonly failed: boolean }
  /** It has to be followed to its end. `reported` is the status of the last ReadyForQuery. */
  | { readonly owner: "proxy"; readonly reported: Status };

export type TransactionEvent =
  /** A BEGIN of ours is on its way. */
  | { readonly kind: "opened" }
  /** The client's BEGIN makes it the client's own, its COMMIT or ROLLBACK ends it, or we end it. */
  | { readonly kind: "handedOver" }
  | { readonly kind: "ready"; readonly status: Status };

/** What a transaction is after an event. Throws Error for one that can't be: a transaction of ours inside the client's. */
export function nextTransaction(transaction: Transaction, event: TransactionEvent): Transaction {
  switch (event.kind) {
    case "opened":
      if (transaction.owner !== "none") throw new Error(`a transaction of the ${transaction.owner}'s is open`);
      return { owner: "proxy", reported: Status.idle };
    case "handedOver":
      return transaction.owner === "proxy" ? reportedAs(transaction.reported) : transaction;
    case "ready":
      return transaction.owner === "proxy" ? { owner: "proxy", reported: event.status } : reportedAs(event.status);
    default:
      return assertNever(event);
  }
}

function reportedAs(status: Status): Transaction {
  return status === Status.idle ? { owner: "none" } : { owner: "client", failed: status === Status.failed };
}

/** The one place where a session's transaction changes. */
export class SessionTransaction {
  private current: Transaction = { owner: "none" };

  /** `calls` are the upstream calls of the transaction that is open. */
  constructor(readonly calls: OpenCalls) {}

  /** We opened it, and the client knows nothing of it. */
  get isOurs(): boolean {
    return this.current.owner === "proxy";
  }

  /** What the last ReadyForQuery said. */
  get status(): Status {
    switch (this.current.owner) {
      case "none":
        return Status.idle;
      case "client":
        return this.current.failed ? Status.failed : Status.inTransaction;
      case "proxy":
        return this.current.reported;
      default:
        return assertNever(this.current);
    }
  }

  /** No transaction is open that the last ReadyForQuery or we know of. */
  get isNone(): boolean {
    return this.current.owner === "none";
  }

  /** In a failed transaction Postgres refuses every statement by itself. */
  get hasFailed(): boolean {
    return this.status === Status.failed;
  }

  /** Call it before our BEGIN is sent; only while none is open. */
  open(): void {
    this.on({ kind: "opened" });
  }

  /** The transaction is no longer one that we have to end. */
  handOver(): void {
    this.on({ kind: "handedOver" });
  }

  /** A ReadyForQuery has been read. */
  ready(status: Status): void {
    this.on({ kind: "ready", status });
  }

  /** A command tag of the client's has been read. */
  tag(tag: string): void {
    if (/^(?:BEGIN|START TRANSACTION|COMMIT|ROLLBACK)$/.test(tag)) this.handOver();
    this.calls.tag(tag);
  }

  private on(event: TransactionEvent): void {
    this.current = nextTransaction(this.current, event);
  }
}
