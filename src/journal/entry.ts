// A call and its journal entry, together: at any moment it is known whether the call may have been sent.

import type { Pool } from "pg";
import type { SendGate } from "../upstream/admission.js";
import { hasEntry, type Intent, noteIntent, noteOutcome, noteProgress, type Outcome } from "./journal.js";

/** How long to wait before an outcome is noted again; doubled each time, up to the longest. */
const firstRetryMs = 250;
const longestRetryMs = 10_000;

const unsent: Outcome = { state: "unsent", rows: [], status: null, request: null, sqlstate: "XX000" };

export class CallEntry implements SendGate {
  /** There is an entry, or may be one. */
  exists = false;

  constructor(
    private readonly pool: Pool,
    private readonly intent: Intent,
  ) {}

  async onWait(): Promise<void> {
    await this.note("intent");
  }

  onSend(): Promise<boolean> {
    return this.note("sent");
  }

  /**
   * Durable when it returns true; false: somebody else has decided. What was never noted needs no outcome.
   * It is worth a second connection: the first may have been lost while upstream took its time. When it rejects, it is tried
   * until Postgres is there again.
   */
  async noteOutcome(outcome: Outcome): Promise<boolean> {
    if (!this.exists) return true;
    const note = () => noteOutcome(this.pool, this.intent.call, outcome);
    try {
      return await note().catch(note);
    } catch (cause) {
      // Nobody waits any longer, but we know.
      this.endsLater(note, firstRetryMs);
      throw cause;
    }
  }

  private endsLater(note: () => Promise<boolean>, delayMs: number): void {
    const again = () => {
      if (this.pool.ending) return;
      note().catch(() => this.endsLater(note, Math.min(2 * delayMs, longestRetryMs)));
    };
    setTimeout(again, delayMs).unref();
  }

  private async note(state: "intent" | "sent"): Promise<boolean> {
    const { pool, intent } = this;
    try {
      if (this.exists) return await noteProgress(pool, intent.call, state);
      this.exists = await noteIntent(pool, intent, state);
      return this.exists;
    } catch (cause) {
      await this.withdraw();
      throw cause;
    }
  }

  /**
   * The lost note may have arrived, or be on its way: an entry of the same id waits for it, and closes both. An entry that is left
   * open may be sent again by the recovery of another proxy, so that nobody is told "not sent" before it is closed.
   */
  private async withdraw(): Promise<void> {
    const { pool, intent } = this;
    /** False: somebody else has decided. Without an entry, nobody can. */
    const close = async () => {
      const isNew = await noteIntent(pool, intent, "intent");
      const isClosed = await noteOutcome(pool, intent.call, unsent);
      return isClosed || (!isNew && !(await hasEntry(pool, intent.call)));
    };
    this.exists = true;
    try {
      this.exists = !(await close());
    } catch {
      this.endsLater(close, firstRetryMs);
    }
  }
}
