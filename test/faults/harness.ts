// Batches of clients that write while something goes wrong, each batch judged at rest.

import type pg from "pg";
import { judge, judgeAll, untilRest } from "./oracle.js";
import { setTrap, shuffledTraps, type TrapName } from "./postgres-faults.js";
import { Random } from "./random.js";
import { apiFaults, chooseRun, otherFaults, perform, prepare, type Run, type RunFault } from "./runs.js";
import type { ApiName, World } from "./world.js";

/** Clients at a time. */
const together = 5;
/** A run without a fault of its own is there for the trap. */
const all: readonly RunFault[] = ["none", ...apiFaults, ...otherFaults];

export interface Plan {
  readonly runs: number;
  readonly seed: number;
  /** One fault of a run, and no traps. */
  readonly only?: string | undefined;
  /** False: nothing is sprung between proxy and Postgres. */
  readonly traps?: boolean;
  /** What is done to the world before a batch, and what undoes it. */
  disturb?(random: Random): Promise<(() => Promise<void>) | undefined>;
}

/** Returns what broke a promise; prints how often each fault met each outcome. */
export async function runFaults(
  world: World,
  { runs, seed, only, traps: trapping = true, disturb }: Plan,
): Promise<readonly string[]> {
  const random = new Random(seed);
  const faults = all.filter((fault) => only === undefined || fault === only);
  const histogram = new Map<string, Map<string, number>>();
  const count = (fault: string, outcome: string) => {
    const row = histogram.get(fault) ?? new Map<string, number>();
    row.set(outcome, (row.get(outcome) ?? 0) + 1);
    histogram.set(fault, row);
  };
  const violations: string[] = [];
  let traps: TrapName[] = [];
  let kinds: RunFault[] = [];
  for (let at = 0; at < runs && violations.length === 0; at += together) {
    if (traps.length === 0) traps = shuffledTraps(random);
    const trap = traps.shift() ?? "connection cut before plan";
    const trapped = random.pick(world.proxies);
    const chosen = Array.from({ length: Math.min(together, runs - at) }, (_, index) => {
      if (kinds.length === 0) kinds = [...faults];
      const [fault = "none"] = kinds.splice(random.below(kinds.length), 1);
      return chooseRun(random, world, `run-${seed}-${at + index}-`, index === 0 && only === undefined ? "none" : fault);
    });
    const isFirst = at === 0 && only === undefined;
    if (isFirst) chosen.splice(0, chosen.length, ...openingRuns(world, seed));
    const [first] = chosen;
    // An update that the page knows nothing of.
    const isLate = isFirst || random.below(3) === 0;
    if (first && only === undefined && !isFirst) {
      chosen[0] = { ...first, ...(isLate && { verb: "update", ends: "commit" }), ...fitting(trap), proxy: trapped };
    }
    for (const run of chosen) await prepare(world, run);
    const late = first && isLate ? await beginLatePage(world, first.api) : undefined;
    const calm = await disturb?.(random);
    let client: pg.Client | undefined;
    if (trapping && only === undefined && !isFirst) setTrap(world, trapped, trap, () => client);
    const connected = (one: pg.Client) => {
      client = one;
    };
    const told = await Promise.all(
      chosen.map((run, index) => perform(world, run, index === 0 ? connected : undefined)),
    );
    const sprung = trapped.relay.unset();
    await calm?.();
    await late?.arrive();
    violations.push(...(await untilRest(world)));
    for (const [index, run] of chosen.entries()) {
      const verdict = await judge(world, run, told[index] ?? { statement: "lost", local: "lost", later: [] });
      const words = sprung && run.proxy === trapped ? ` [${trap}]` : "";
      violations.push(...verdict.violations.map((one) => one + words));
      count(run.fault === "none" && sprung && run.proxy === trapped ? trap : run.fault, verdict.outcome);
    }
  }
  if (violations.length === 0) violations.push(...(await judgeAll(world)));
  const names = [...faults, ...(trapping && only === undefined ? shuffledTraps(random) : [])];
  // Every trap has been set once by then.
  if (runs >= together * names.length && violations.length === 0) {
    violations.push(...names.filter((name) => !histogram.has(name)).map((name) => `never met: ${name}`));
  }
  process.stdout.write(`${table(histogram)}\n`);
  return violations;
}

/** What shows the plainest mistakes, whatever the seed chooses later. */
function openingRuns({ proxies: [one, other] }: World, seed: number): Run[] {
  const runs: Omit<Run, "tag" | "proxy">[] = [
    { api: "named", verb: "update", rows: 2, ends: "commit", fault: "none" },
    { api: "keyed", verb: "insert", rows: 1, ends: "by itself", fault: "hangs up after" },
    { api: "plain", verb: "insert", rows: 1, ends: "by itself", fault: "hangs up after" },
    { api: "named", verb: "insert", rows: 3, ends: "commit", fault: "leaves a row out" },
    { api: "named", verb: "update", rows: 2, ends: "commit", fault: "refuses a row" },
    { api: "plain", verb: "update", rows: 1, ends: "rollback", fault: "none" },
  ];
  const killed = {
    api: "named",
    verb: "insert",
    rows: 1,
    ends: "by itself",
    fault: "kill -9 after upstream did it",
  } as const;
  const tagOf = (index: number) => `opening-${seed}-${index}-`;
  return [
    ...runs.map((run, index) => ({ ...run, tag: tagOf(index), proxy: one })),
    { ...killed, tag: tagOf(runs.length), proxy: other },
  ];
}

/** What a run must be to come to the arrow of a trap. */
function fitting(trap: TrapName): Partial<Run> {
  if (trap.endsWith(" settle")) return { ends: "rollback" };
  return trap.endsWith(" lock") ? { verb: "update" } : {};
}

/** A page of the sync that is older than all that is written before it arrives (P8). */
async function beginLatePage(world: World, api: ApiName): Promise<{ arrive(): Promise<void> }> {
  const held = world.apis[api].hold();
  // A restart of Postgres may end it.
  const pulled = world.pull().catch(() => undefined);
  await Promise.race([held.asked, pulled]);
  return {
    arrive: async () => {
      held.letGo();
      await pulled;
    },
  };
}

const outcomes = ["accepted", "refused", "partial", "accepted, not applied here", "unknown", "lost"];

function table(histogram: ReadonlyMap<string, ReadonlyMap<string, number>>): string {
  const width = Math.max(...[...histogram.keys()].map((name) => name.length));
  const line = (name: string, cells: readonly string[]) =>
    [name.padEnd(width), ...cells.map((cell, index) => cell.padStart(outcomes[index]?.length ?? 0))].join("  ");
  const rows = [...histogram].sort(([one], [other]) => one.localeCompare(other));
  return [
    line("fault", outcomes),
    ...rows.map(([name, row]) =>
      line(
        name,
        outcomes.map((outcome) => String(row.get(outcome) ?? "")),
      ),
    ),
  ].join("\n");
}
