// What the client's statements and portals will be, once Postgres has confirmed all that was sent: each name is found at once, however
// many changes are on their way.

export interface Change<Value> {
  readonly name: string;
  readonly to: Value | undefined;
}

interface Upcoming<Value> {
  readonly to: Value | undefined;
  /** How many changes of the name are on their way. */
  readonly changes: number;
}

/** The changes of one kind of name. */
export class PendingChanges<Value> {
  private readonly upcoming = new Map<string, Upcoming<Value>>();

  constructor(private readonly confirmed: Map<string, Value>) {}

  /** What the name will stand for. */
  get(name: string): Value | undefined {
    const upcoming = this.upcoming.get(name);
    return upcoming ? upcoming.to : this.confirmed.get(name);
  }

  /** A message that gives the name another meaning was sent. */
  send({ name, to }: Change<Value>): void {
    this.upcoming.set(name, { to, changes: (this.upcoming.get(name)?.changes ?? 0) + 1 });
  }

  /** The oldest change of the name is done with, whatever has become of it. */
  end(name: string): void {
    const upcoming = this.upcoming.get(name);
    if (!upcoming) return;
    if (upcoming.changes === 1) this.upcoming.delete(name);
    else this.upcoming.set(name, { ...upcoming, changes: upcoming.changes - 1 });
  }
}
