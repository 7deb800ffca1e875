// Hundreds of clients, mixed load, an API that fails now and then: at rest nothing is open, the mirrors are what upstream is, and
// memory has not grown. `npm run soak` for two minutes, SOAK_SECONDS for another time.

import type pg from "pg";
import { expect, test } from "vitest";
import { judgeAll, untilRest } from "./oracle.js";
import { Random } from "./random.js";
import { apiFaults } from "./runs.js";
import { type ApiName, type ProxyProcess, startWorld, type World } from "./world.js";

const seconds = Number(process.env["SOAK_SECONDS"] ?? 120);
const clients = Number(process.env["SOAK_CLIENTS"] ?? 160);
/** One call in so many meets a fault. */
const faultEvery = 10;
/** Longer than a machine takes that has less time than its clients ask for. */
const timeoutMs = 3_000;
/** What two measurements of a heap that does not grow may differ by. */
const heapSlackBytes = 48 * 1024 * 1024;

/** What a machine with less time than its clients ask for may answer: no turn, no answer, or (`HV00N`) no connection in time. */
const busy: ReadonlySet<string> = new Set(["53400", "TL007", "40001", "HV00N"]);

type Kind = "read" | "local write" | "insert" | "update" | "delete";

test(`P6: ${clients} clients for ${seconds} s leave nothing open`, async () => {
  const world = await startWorld(18, { timeoutMs });
  const latencies = new Map<string, number[]>();
  const note = (what: string, ms: number) => latencies.set(what, [...(latencies.get(what) ?? []), ms].slice(-100_000));
  const endMs = performance.now() + seconds * 1_000;
  const working = Array.from({ length: clients }, (_, index) => work(world, index, endMs, note));
  const heaps = () => Promise.all(world.proxies.map((proxy) => proxy.metric("nodejs_heap_size_used_bytes")));
  const warm = new Promise<number[]>((resolve) => setTimeout(() => resolve(heaps()), seconds * 300));
  const before = await warm;
  const violations = (await Promise.all(working)).flat();
  violations.push(...(await untilRest(world)));
  violations.push(...(await judgeAll(world)));
  const after = await heaps();
  const accepted = await sum(world.proxies, "throughline_calls_total");
  await world.close();
  process.stdout.write(`${table(latencies)}\n${accepted} upstream calls\n`);
  const shown = (bytes: readonly number[]) => bytes.map((one) => `${Math.round(one / 1_048_576)} MB`).join(", ");
  process.stdout.write(`heap of the proxies: ${shown(before)} warm, ${shown(after)} at the end\n`);
  expect(violations).toEqual([]);
  after.forEach((bytes, index) => {
    expect(bytes).toBeLessThan((before[index] ?? 0) + heapSlackBytes);
  });
}, 3_600_000);

async function sum(proxies: readonly ProxyProcess[], name: string): Promise<number> {
  return (await Promise.all(proxies.map((proxy) => proxy.metric(name)))).reduce((one, other) => one + other, 0);
}

/** One client's life. Returns what it was told that can't be. */
async function work(
  world: World,
  index: number,
  endMs: number,
  note: (what: string, ms: number) => void,
): Promise<string[]> {
  const random = new Random(index + 1);
  const proxy = world.proxies[index % 2];
  const api = random.pick<ApiName>(["named", "keyed"]);
  const mine: string[] = [];
  const wrong: string[] = [];
  let client: pg.Client | undefined;
  for (let n = 0; performance.now() < endMs; n += 1) {
    client ??= await world.client(proxy);
    const kind = choose(random, mine.length > 0);
    const name = kind === "insert" ? `soak-${index}-${n}-` : random.pick([mine[0] ?? "", ...mine]);
    const faulty = kind !== "read" && kind !== "local write" && random.below(faultEvery) === 0;
    if (faulty) world.apis[api].set(name, random.pick(apiFaults));
    const beganMs = performance.now();
    const told = await ask(client, api, kind, name);
    note(told === "ok" ? kind : `${kind}: ${told}`, performance.now() - beganMs);
    if (told === "ok" && kind === "insert") mine.push(name);
    if (told !== "ok" && !faulty && !busy.has(told)) wrong.push(`${name} ${kind}: ${told}`);
    // Whatever was told, this row's story is over.
    if (kind === "delete" || told !== "ok") mine.splice(mine.indexOf(name) >>> 0, 1);
    if (told === "lost") client = undefined;
  }
  await client?.end();
  return wrong;
}

function choose(random: Random, has: boolean): Kind {
  const at = random.below(100);
  if (at < 70) return "read";
  if (at < 85) return "local write";
  if (at < 92 || !has) return "insert";
  return at < 97 ? "update" : "delete";
}

async function ask(client: pg.Client, api: string, kind: Kind, name: string): Promise<string> {
  const table = `${api}.records`;
  const statements: Readonly<Record<Kind, string>> = {
    read: `select id, note from ${table} where name = $1`,
    "local write": "insert into local values ($1)",
    insert: `insert into ${table} (name, note) values ($1, 'new') returning id`,
    update: `update ${table} set note = note || '.' where name = $1 returning note`,
    delete: `delete from ${table} where name = $1`,
  };
  return client.query(statements[kind], [name]).then(
    () => "ok",
    (cause) => (cause instanceof Error && "code" in cause && cause.code !== undefined ? String(cause.code) : "lost"),
  );
}

function table(latencies: ReadonlyMap<string, readonly number[]>): string {
  const at = (sorted: readonly number[], share: number) => (sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(1);
  const rows = [...latencies].sort().map(([what, all]) => {
    const sorted = [...all].sort((one, other) => one - other);
    return [what, String(all.length), at(sorted, 0.5), at(sorted, 0.95), at(sorted, 0.99)];
  });
  return [["what", "count", "p50 ms", "p95 ms", "p99 ms"], ...rows]
    .map(([what = "", ...cells]) => what.padEnd(24) + cells.map((cell) => cell.padStart(10)).join(""))
    .join("\n");
}
