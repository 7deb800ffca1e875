// The table at the end of a run: client by client, how many conversations were the same, and how many were not.

export type Outcome = "same" | "exception" | "bug" | "different";

const outcomes: readonly Outcome[] = ["same", "exception", "bug", "different"];

export class Report {
  private readonly counts = new Map<string, Map<Outcome, number>>();

  count(client: string, outcome: Outcome): void {
    const counts = this.counts.get(client) ?? new Map<Outcome, number>();
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
    this.counts.set(client, counts);
  }

  print(): string {
    const rows = [...this.counts].map(([client, counts]) => row(client, counts));
    const total = new Map(outcomes.map((one) => [one, this.sum(one)]));
    return [head, ...rows, row("all", total)].join("\n");
  }

  private sum(outcome: Outcome): number {
    return [...this.counts.values()].reduce((sum, counts) => sum + (counts.get(outcome) ?? 0), 0);
  }
}

const head = line("client", ["conversations", "same", "exceptions", "bugs", "different"]);

function row(client: string, counts: ReadonlyMap<Outcome, number>): string {
  const numbers = outcomes.map((one) => counts.get(one) ?? 0);
  return line(client, [numbers.reduce((sum, number) => sum + number, 0), ...numbers].map(String));
}

function line(client: string, cells: readonly string[]): string {
  return `${client.padEnd(16)}${cells.map((cell) => cell.padStart(14)).join("")}`;
}
