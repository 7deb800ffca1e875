// How long this process has left an entry in peace since it was last looked for, whoever did. No clock of a day has a say: it can be moved.

/** What has been due for so long, and was not asked about, is forgotten: if it is open still, its rest begins anew. */
const forgottenMs = 3_600_000;

interface Rest {
  /** How often the entry had been looked for when the rest began. */
  readonly looks: number;
  readonly dueMs: number;
}

export class EntryWatch {
  private readonly rests = new Map<string, Rest>();

  constructor(private readonly nowMs: () => number = () => performance.now()) {}

  /** The rest of an entry that has been looked for so often begins, unless it has begun. */
  begin(call: string, looks: number, restMs: number): void {
    if (this.rests.get(call)?.looks !== looks) this.rests.set(call, { looks, dueMs: this.nowMs() + restMs });
  }

  /** Whether it has rested long enough. */
  isDue(call: string): boolean {
    return this.nowMs() >= (this.rests.get(call)?.dueMs ?? Number.POSITIVE_INFINITY);
  }

  forget(call: string): void {
    this.rests.delete(call);
  }

  /** Those whose rest is not over. */
  resting(): readonly string[] {
    const now = this.nowMs();
    for (const [call, { dueMs }] of this.rests) if (dueMs < now - forgottenMs) this.rests.delete(call);
    return [...this.rests].flatMap(([call, { dueMs }]) => (dueMs > now ? [call] : []));
  }
}
