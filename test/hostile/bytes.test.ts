// A fuzzer for bytes, on both legs: what clients send is spoilt, and what Postgres says. The program goes on, and so do the neighbours.

import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { startup } from "../proxy/build.js";
import { longestTurnMs } from "./cost.js";
import { HostileClient } from "./hostile-client.js";
import { type HostileStack, startHostileStack } from "./hostile-stack.js";
import type { Holdings } from "./metered-program.js";
import { conversation, mutated } from "./mutations.js";
import type { Neighbours } from "./neighbours.js";
import { randomFor, seconds, seed } from "./seed.js";

/** Of each leg. */
const legMs = seconds === undefined ? 8_000 : seconds * 500;
/** The neighbours' waits are judged for each such time by itself. */
const windowMs = 2_000;
const [readers, writers] = [90, 10];
const together = 6;
/** Who is left without an answer goes. */
const patienceMs = 300;
const memoryBytes = 32 << 20;
/** One chunk of Postgres's of so many. */
const spoiltOneOf = 12;

let stack: HostileStack;
let others: Neighbours;
let before: Holdings | undefined;
beforeAll(async () => {
  stack = await startHostileStack();
  others = await stack.neighbours({ readers, writers });
}, 300_000);
afterAll(() => stack.close());
afterEach(() => stack.spoil([], 1, 1));

test(
  `P15: whatever clients send, the program and the others go on (SEED=${seed})`,
  async () => {
    const random = randomFor("what clients spoil");
    await holdingsBefore();
    const found = await judgedAttack("clients", (messages) => mutated(messages, random));
    expect(found).toEqual([]);
    expect(stack.program.complaints().filter((line) => !/can't be followed/.test(line))).toEqual([]);
    await expectNothingLeft();
  },
  legMs * 4 + 120_000,
);

test(
  `P15: whatever Postgres seems to say to one, the program and the others go on (SEED=${seed})`,
  async () => {
    await holdingsBefore();
    await stack.spoil(["eve"], spoiltOneOf, seed);
    const found = await judgedAttack("postgres", (messages) => Buffer.concat([...messages]));
    await stack.spoil([], 1, 1);
    // A session may wait for the rest of what it was told would come, as long as it is connected.
    await stack.cut("eve");
    expect(found).toEqual([]);
    // A session that is lost, and a statement with it, may be told. What is no line of the log is an error that nobody caught.
    expect(stack.program.complaints().filter((line) => !line.startsWith("{"))).toEqual([]);
    await expectNothingLeft();
  },
  legMs * 4 + 120_000,
);

type Spoil = (messages: readonly Buffer[]) => Buffer;

/** What is wrong: a long turn, or that the neighbours waited in most of the windows; and one line of what was done. */
async function judgedAttack(leg: string, spoil: Spoil): Promise<readonly string[]> {
  await others.read();
  await stack.program.readMeter();
  const found: string[] = [];
  let [slowWindows, windows, worstTurnMs, worstReadMs, sessions] = [0, 0, 0, 0, 0];
  for (let leftMs = legMs; leftMs > 0 && stack.program.ended() === undefined; leftMs -= windowMs) {
    sessions += await attackFor(windowMs, `${leg} ${windows}`, spoil);
    if (stack.program.ended() !== undefined) break;
    const waits = await others.read();
    const complaints = others.complaints(waits);
    windows += 1;
    worstReadMs = Math.max(worstReadMs, waits.reads);
    worstTurnMs = Math.max(worstTurnMs, (await stack.program.readMeter()).worstTurnMs);
    if (complaints.length > 0) slowWindows += 1;
    found.push(...complaints.filter((text) => text.includes("was told")));
    if (slowWindows > windows / 2 && windows > 2) found.push(...complaints);
  }
  const ended = stack.program.ended();
  if (ended !== undefined) found.push(`the program has ended: ${ended}`);
  if (worstTurnMs > longestTurnMs) found.push(`a turn took ${Math.round(worstTurnMs)} ms of CPU`);
  if (seconds !== undefined) {
    const worst = `longest turn ${worstTurnMs.toFixed(1)} ms of CPU, longest wait of a neighbour ${worstReadMs.toFixed(0)} ms`;
    process.stdout.write(`hostile: ${leg}, SEED=${seed}: ${sessions} sessions, ${worst}, ${found.length} violations\n`);
  }
  return found;
}

/** Sessions one after the other, some at a time. Returns how many there were. */
async function attackFor(forMs: number, purpose: string, spoil: Spoil): Promise<number> {
  const random = randomFor(purpose);
  const untilMs = performance.now() + forMs;
  let sessions = 0;
  const attack = async () => {
    while (performance.now() < untilMs && stack.program.ended() === undefined) {
      sessions += 1;
      const client = new HostileClient(stack.program.port);
      const opening = startup([
        ["user", "eve"],
        ["database", stack.database],
      ]);
      const isOpeningSpoilt = random.below(10) === 0;
      client.send(isOpeningSpoilt ? spoil([opening, ...conversation(random)]) : opening);
      await client.untilReady(1, patienceMs);
      for (let left = 1 + random.below(4); left > 0 && !client.ended; left--) {
        client.send(spoil(conversation(random)));
        const { ready } = client;
        await client.untilReady(ready + 1, patienceMs);
      }
      if (random.below(2) === 0) client.socket.resetAndDestroy();
      else client.socket.destroy();
    }
  };
  await Promise.all(Array.from({ length: together }, attack));
  return sessions;
}

async function untilGone(): Promise<void> {
  const gone = async () =>
    (await stack.admin.query("select application_name, state, query from pg_stat_activity where usename = 'eve'")).rows;
  await expect.poll(gone, { timeout: 40_000, message: "sessions" }).toEqual([]);
  const connections = () => stack.program.metric("throughline_connections");
  await expect.poll(connections, { timeout: 20_000, message: "connections" }).toBeLessThanOrEqual(readers + writers);
  const held = () => stack.program.metric("throughline_held_statements");
  await expect.poll(held, { timeout: 20_000, message: "held statements" }).toBeLessThanOrEqual(writers);
}

/** After what is made once has been made. */
async function holdingsBefore(): Promise<Holdings> {
  if (before) return before;
  await attackFor(500, "warm-up", (messages) => Buffer.concat([...messages]));
  await untilGone();
  before = await stack.program.readHoldings();
  return before;
}

async function expectNothingLeft(): Promise<void> {
  const least = await holdingsBefore();
  await untilGone();
  const after = await stack.program.readHoldings();
  expect(after.memoryBytes - least.memoryBytes).toBeLessThan(memoryBytes);
  expect(after.sockets).toBeLessThanOrEqual(least.sockets + 20);
}
