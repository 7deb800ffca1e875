// How long this process has known of an open entry, or has left it in peace. No clock of a day has a say: it can be moved.

/** What is due for so long, and was not asked about, is forgotten: if it is open still, its rest begins anew. */
const forgottenMs = 3_600_000;

export class EntryWatch {
  /** When each is due, by `nowMs`. */
  private readonly dueMs = new Map<string, number>();

  constructor(private readonly nowMs: () => number = () => performance.now()) {}

  /** Whether the entry has rested for that long. Its rest begins when it is first asked about. */
  isDue(call: string, restMs: number): boolean {
    const now = this.nowMs();
    const due = this.dueMs.get(call) ?? now + restMs;
    this.dueMs.set(call, due);
    return now >= due;
  }

  /** Its next rest begins now, when it is asked about again. */
  looked(call: string, restMs: number): void {
    this.dueMs.set(call, this.nowMs() + restMs);
  }

  forget(call: string): void {
    this.dueMs.delete(call);
  }

  /** Those whose rest is not over. */
  resting(): readonly string[] {
    const now = this.nowMs();
    for (const [call, due] of this.dueMs) if (due < now - forgottenMs) this.dueMs.delete(call);
    return [...this.dueMs].flatMap(([call, due]) => (due > now ? [call] : []));
  }
}
