// Everything fails at once while clients write without pause: proxies, Postgres, its clock and the API. Then it stops, and everything has to
// come to rest.

import { setTimeout as delay } from "node:timers/promises";
import { awaitRest, differAtRest, judgeWrites } from "./chaos-oracle.js";
import { keepWriting, type Write } from "./chaos-writers.js";
import { type FakeClock, fakeClock, libfaketime, withEnv } from "./fake-clock.js";
import { Random } from "./random.js";
import { startUnrulyApi, type UnrulyApi, unrulyManners } from "./unruly-api.js";
import { apis, startWorldOf, type World } from "./world.js";

const timeoutMs = 1_000;
const writers = 16;

export interface ChaosPlan {
  readonly writes: number;
  readonly seed: number;
}

/** Returns what broke a promise; prints what the writes were told, and what became of them. */
export async function runChaos({ writes: count, seed }: ChaosPlan): Promise<readonly string[]> {
  // Where there is no libfaketime, clocks stand: `npm run faults` asks for it.
  const clocks =
    libfaketime() || process.env["FAULTS"] === "all" ? { postgres: fakeClock(), proxies: fakeClock() } : undefined;
  const begunMs = performance.now();
  return withEnv(clocks?.postgres.env ?? {}, async () => {
    const world = await startWorldOf(18, {
      env: clocks?.proxies.env ?? {},
      timeoutMs,
      startApi: (name) => startUnrulyApi(name === "named"),
    });
    try {
      const writes = await disturbed(world, clocks ? [clocks.postgres, clocks.proxies] : [], count, seed);
      for (const api of apis) world.apis[api].manners = undefined;
      const stoppedMs = performance.now();
      const { entries, late } = await awaitRest(world);
      const restedMs = performance.now();
      const violations = [...late, ...(await differAtRest(world)), ...judgeWrites(world, writes, entries, timeoutMs)];
      violations.push(
        ...world.proxies.flatMap((proxy) => proxy.died() ?? []).map((words) => `a proxy died by itself: ${words}`),
      );
      print(`told: ${tally(writes.map(({ verb, told }) => `${verb} ${told}`))}`);
      print(`journal: ${tally(entries.map(({ state }) => state))}`);
      const internal = writes.filter(({ words }) => words.includes("internal error;")).length;
      if (internal > 0) print(`told of an internal error: ${internal}`);
      const seconds = (from: number, to: number) => Math.round((to - from) / 1_000);
      print(
        `chaos of ${writes.length} writes, seed ${seed}: ${violations.length} violations, ${seconds(begunMs, performance.now())} s`,
      );
      print(`at rest ${seconds(stoppedMs, restedMs)} s behind the last fault`);
      for (const line of violations) print(line);
      return violations;
    } finally {
      await world.close();
      clocks?.postgres.remove();
      clocks?.proxies.remove();
    }
  });
}

/** All that fails, until the writers have written so often. */
async function disturbed(
  world: World<UnrulyApi>,
  clocks: readonly FakeClock[],
  count: number,
  seed: number,
): Promise<readonly Write[]> {
  const over = new AbortController();
  for (const [index, api] of apis.entries()) {
    world.apis[api].manners = unrulyManners(new Random(seed * 100 + index), timeoutMs);
  }
  const disturbances = [
    disturbProxies(world, new Random(seed * 100 + 10), over.signal),
    disturbPostgres(world, new Random(seed * 100 + 11), over.signal),
    moveClocks(clocks, new Random(seed * 100 + 12), over.signal),
    editUpstream(world, new Random(seed * 100 + 13), over.signal),
    pullAgainAndAgain(world, new Random(seed * 100 + 14), over.signal),
  ];
  let issued = 0;
  const next = () => {
    issued += 1;
    return issued > count || over.signal.aborted ? undefined : issued;
  };
  const lives = Array.from({ length: writers }, (_, index) =>
    keepWriting({ world, random: new Random(seed * 100 + 20 + index), name: `c${index}`, next }),
  );
  // Whichever ends first ends the others.
  const end = () => over.abort();
  const [written] = await Promise.all([Promise.all(lives).finally(end), Promise.all(disturbances).finally(end)]);
  return written.flat();
}

/** Kills each in turn, or stops it for longer than its API has to answer. */
async function disturbProxies({ proxies }: World<UnrulyApi>, random: Random, over: AbortSignal): Promise<void> {
  const starting: Promise<void>[] = [];
  for (let n = 0; !over.aborted; n += 1) {
    const at = n % 2;
    const proxy = proxies[at === 0 ? 0 : 1];
    await starting[at];
    if (random.below(3) === 0) {
      proxy.signal("SIGSTOP");
      await pause((1 + random.below(3)) * timeoutMs + 100, over);
      proxy.signal("SIGCONT");
    } else {
      await proxy.kill();
      starting[at] = proxy.ensure();
    }
    await pause(1_000 + random.below(2_000), over);
  }
  await Promise.all(starting);
}

/** Ends single sessions, whoever's they are, and now and then all of them. */
async function disturbPostgres(world: World<UnrulyApi>, random: Random, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    const kind = random.below(20);
    if (kind === 0) await world.restart("immediate");
    else if (kind === 1) await world.restart("fast");
    else {
      const admin = await world.admin();
      await admin
        .query(
          `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
           order by pid offset $1::int % greatest(1, (select count(*) - 1 from pg_stat_activity where datname = current_database()))::int limit 1`,
          [random.below(1_000)],
        )
        .catch(() => undefined);
    }
    await pause(500 + random.below(2_000), over);
  }
}

async function moveClocks(clocks: readonly FakeClock[], random: Random, over: AbortSignal): Promise<void> {
  while (!over.aborted && clocks.length > 0) {
    const clock = clocks[random.below(clocks.length)];
    clock?.set(random.pick(["+1h", "-1h", "+3d", "-3d", "+0"]));
    await pause(500 + random.below(2_500), over);
  }
}

/** Somebody else changes and deletes any record, makes some, and gives the name of one to another. */
async function editUpstream(world: World<UnrulyApi>, random: Random, over: AbortSignal): Promise<void> {
  for (let n = 0; !over.aborted; n += 1) {
    const { records } = world.apis[random.pick(apis)];
    const all = records.all();
    const fact = all[random.below(Math.max(1, all.length))];
    const by = { isOurs: false, askedMs: performance.now() };
    const kind = random.below(10);
    const add = (name: string) =>
      records.change("insert", [{ index: 0, id: "", fields: { name, note: `out${n}` } }], by);
    if (!fact || kind < 3) add(`out-${n}`);
    else if (kind < 8) records.change("update", [{ index: 0, id: fact.id, fields: { note: `out${n}` } }], by);
    else {
      records.change("delete", [{ index: 0, id: fact.id, fields: {} }], by);
      if (fact.name.startsWith("out-")) add(fact.name);
    }
    await pause(20 + random.below(200), over);
  }
}

async function pullAgainAndAgain(world: World<UnrulyApi>, random: Random, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    // Whatever fails may end it.
    await world.pull(random.pick(["beginning", "checkpoint"])).catch(() => undefined);
    await pause(1_000 + random.below(4_000), over);
  }
}

/** Until it has passed, or everything is over. */
async function pause(ms: number, over: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal: over }).catch(() => undefined);
}

function tally(words: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts]
    .sort()
    .map(([word, count]) => `${word} ${count}`)
    .join(", ");
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
