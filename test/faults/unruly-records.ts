// The records of an API that is anything but regular, and the history of what was done to them: by us, and by somebody else.

import type { Fact } from "./api.js";
import type { RowAsked } from "./asked.js";

type Verb = "insert" | "update" | "delete";

export interface Change {
  readonly verb: Verb;
  /** What the record is behind the change; of one that goes, what it was. */
  readonly fact: Fact;
  readonly isOurs: boolean;
  /** How the request was to be answered. */
  readonly answered?: string;
  /** When it was done, and when the request for it had come, by `performance.now()`. */
  readonly atMs: number;
  readonly askedMs: number;
}

/** What is wrong with a request: nothing of it is done. */
export interface Wrong {
  readonly status: number;
  readonly code: string;
}

export class UnrulyRecords {
  readonly history: Change[] = [];
  private readonly stored = new Map<string, Fact>();
  private readonly idsByName = new Map<string, Set<string>>();
  /** In the order in which they were made; what is gone stays a gap, so that a cursor stays where it is. */
  private readonly order: string[] = [];

  /** `isUnique`: no two records have one name. */
  constructor(private readonly isUnique: boolean) {}

  get(id: string): Fact | undefined {
    return this.stored.get(id);
  }

  all(): readonly Fact[] {
    return [...this.stored.values()];
  }

  /** By its own spelling alone. */
  find(name: string): readonly Fact[] {
    return [...(this.idsByName.get(name) ?? [])].flatMap((id) => this.stored.get(id) ?? []);
  }

  /** Those behind a cursor, and the cursor for the next page; null: there is none. */
  page(after: number, limit: number): { readonly facts: readonly Fact[]; readonly next: number | null } {
    const facts: Fact[] = [];
    let at = after;
    for (; at < this.order.length && facts.length < limit; at += 1) {
      const fact = this.stored.get(this.order[at] ?? "");
      if (fact) facts.push(fact);
    }
    return { facts, next: at < this.order.length ? at : null };
  }

  /** Does all of it, or nothing. Returns the records as they are then. */
  change(
    verb: Verb,
    rows: readonly RowAsked[],
    by: Pick<Change, "isOurs" | "askedMs" | "answered">,
  ): readonly Fact[] | Wrong {
    const names = rows.map(({ fields }) => spelled(fields["name"]));
    if (verb !== "insert" && rows.some(({ id }) => !this.stored.has(id))) return { status: 404, code: "GONE" };
    const isTaken = names.some((name, index) => this.find(name).length > 0 || names.indexOf(name) < index);
    if (verb === "insert" && this.isUnique && isTaken) return { status: 409, code: "DUPLICATE" };
    return rows.map(({ id, fields }, index) => {
      const before = this.stored.get(id) ?? { id: `r${this.order.length + 1}`, name: names[index] ?? "", note: null };
      const fact = "note" in fields ? { ...before, note: textOf(fields["note"]) } : before;
      if (verb === "insert") this.order.push(fact.id);
      if (verb === "delete") this.remove(fact);
      else this.store(fact);
      this.history.push({ verb, fact, ...by, atMs: performance.now() });
      return fact;
    });
  }

  private store(fact: Fact): void {
    this.stored.set(fact.id, fact);
    const ids = this.idsByName.get(fact.name) ?? new Set();
    this.idsByName.set(fact.name, ids.add(fact.id));
  }

  private remove({ id, name }: Fact): void {
    this.stored.delete(id);
    this.idsByName.get(name)?.delete(id);
  }
}

/** As this API writes a name. */
export function spelled(name: unknown): string {
  return (textOf(name) ?? "").trim().toLowerCase();
}

function textOf(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
