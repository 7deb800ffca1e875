// What the client is told of the ends of its statements, and of the session's: a statement that waits hears one error, and no other before
// its ReadyForQuery. A driver would take a second one for the next statement's answer, or report it in place of the first.

import { writeReady } from "../../protocol/encode.js";
import { type Fields, fatal, writeError } from "../../protocol/fields.js";
import { Status } from "../../protocol/messages.js";
import type { PendingReplies } from "../../protocol/pending-replies.js";
import type { ClientSide } from "./client-side.js";
import type { SessionEnd } from "./session-end.js";
import type { SessionTransaction } from "./transaction.js";

export class ClientWords {
  constructor(
    private readonly end: SessionEnd,
    private readonly client: ClientSide,
    private readonly replies: PendingReplies,
    private readonly transaction: SessionTransaction,
    /** Returns an error of Postgres's with what is known of its cause here. */
    readonly explained: (error: Fields) => Fields,
  ) {}

  /** Tells the client the error that its statement has come to; as the session's last words if nothing more can be asked of Postgres. */
  error(error: Fields): void {
    if (this.end.isOver) {
      this.end.owe(fatal(error), true);
      return;
    }
    this.client.link.write(writeError(this.explained(error)));
    this.end.answer(false);
  }

  /** Tells the client that its statement has ended, and how its transaction stands. */
  ready(): void {
    this.client.link.write(writeReady(this.transaction.status));
    this.end.ready();
  }

  /** An error of Postgres's that does not end the session is the client's. */
  postgresError(): void {
    this.end.answer(!this.isFollowed);
  }

  /** Postgres has said why it ends the session. True: the client hears it as it is; otherwise what it hears comes at the end. */
  postgresFatal(error: Fields): boolean {
    if (!this.isFollowed && !this.end.isAnswered) {
      this.end.explain();
      return true;
    }
    this.end.owe(error, false);
    this.end.on("postgresEnds");
    return false;
  }

  /** Tells the client what it has yet to hear at the end of the session, and hangs up. */
  last(): void {
    const { calls, status } = this.transaction;
    const { error, endsStatement } = this.end.takeLastWords(calls.pending);
    if (error) this.client.link.write(writeError(error));
    // What Postgres was not asked for is with the client's messages that it has not been sent.
    if (endsStatement && (this.replies.owesReady || this.client.takeAwaitsReady())) {
      this.client.link.write(writeReady(status === Status.idle ? status : Status.failed));
    }
    this.client.link.socket.end();
  }

  /** What becomes of the client's statement is more than Postgres says of it. */
  private get isFollowed(): boolean {
    return this.client.held.current !== undefined || this.transaction.calls.list.length > 0;
  }
}
