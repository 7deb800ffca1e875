// What is counted and timed, as Prometheus reads it. No label holds a value, a key or a role.

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

/** Asked at each scrape. */
export interface Gauges {
  connections(): number;
  opening(): number;
  heldStatements(): number;
  /** Open entries of the journal. */
  journal(): Promise<readonly { readonly api: string; readonly state: string; readonly count: number }[]>;
}

export class Metrics {
  readonly registry = new Registry();
  private readonly calls = new Counter({
    name: "throughline_calls_total",
    help: "Upstream calls that change something, by how they ended.",
    labelNames: ["api", "verb", "outcome"],
    registers: [this.registry],
  });
  private readonly callSeconds = new Histogram({
    name: "throughline_call_seconds",
    help: "From the moment that a call may go out to its noted outcome, waiting for the rate limit included.",
    labelNames: ["api", "verb"],
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20],
    registers: [this.registry],
  });
  private readonly writeSeconds = new Histogram({
    name: "throughline_write_seconds",
    help: "How long a client was held for one message that may write to a mirror.",
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20],
    registers: [this.registry],
  });
  private readonly recoveries = new Counter({
    name: "throughline_recovered_total",
    help: "Journal entries that recovery has finished, by what became of them.",
    labelNames: ["state"],
    registers: [this.registry],
  });

  constructor() {
    // The delay of the event loop among them.
    collectDefaultMetrics({ register: this.registry });
  }

  call(api: string, verb: string, outcome: string, ms: number): void {
    this.calls.inc({ api, verb, outcome });
    this.callSeconds.observe({ api, verb }, ms / 1000);
  }

  write(ms: number): void {
    this.writeSeconds.observe(ms / 1000);
  }

  recover(state: string): void {
    this.recoveries.inc({ state });
  }

  watch(gauges: Gauges): void {
    const registers = [this.registry];
    new Gauge({
      name: "throughline_connections",
      help: "Clients that are connected.",
      registers,
      collect() {
        this.set(gauges.connections());
      },
    });
    new Gauge({
      name: "throughline_opening_connections",
      help: "Connections that Postgres has not let in yet.",
      registers,
      collect() {
        this.set(gauges.opening());
      },
    });
    new Gauge({
      name: "throughline_held_statements",
      help: "Statements that are held for an API, or to be settled.",
      registers,
      collect() {
        this.set(gauges.heldStatements());
      },
    });
    new Gauge({
      name: "throughline_journal_open",
      help: "Open journal entries; blocked: upstream has done it, and Postgres refuses its rows.",
      labelNames: ["api", "state"],
      registers,
      async collect() {
        this.reset();
        // Without Postgres, the rest is still worth reading.
        const open = await gauges.journal().catch(() => []);
        for (const { api, state, count } of open) this.set({ api, state }, count);
      },
    });
  }
}
