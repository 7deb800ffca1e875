// What clients leave behind that end at any moment: nothing.

import { afterAll, beforeAll, expect, test } from "vitest";
import { type HostileStack, startHostileStack } from "./hostile-stack.js";
import { endAtRandom, lockedTarget } from "./random-ends.js";
import { randomFor, seed } from "./seed.js";
import { slowly } from "./unruly-api.js";

const clients = 1_000;
/** At a time. */
const together = 25;
/** As many of all kinds that whatever is made once has been made. */
const warmUp = 150;
/** An entry whose outcome is unknown is asked for once twice the API's time-out is over. */
const patienceMs = 40_000;

let stack: HostileStack;
beforeAll(async () => {
  stack = await startHostileStack();
});
afterAll(() => stack.close());

test(`P15: a thousand random ends leave nothing behind (SEED=${seed})`, async () => {
  const random = randomFor("random ends");
  stack.api.setDoor(slowly(() => random.below(120)));
  const before = await (async () => {
    await endMany(warmUp);
    await untilNothingIsLeft();
    return stack.program.readHoldings();
  })();
  await endMany(clients);
  await untilNothingIsLeft();
  const after = await stack.program.readHoldings();
  expect(stack.program.ended()).toBeUndefined();
  expect(stack.program.complaints()).toEqual([]);
  // The program's own connections to Postgres and to the API come and go.
  const own = 12;
  expect(after.sockets).toBeLessThanOrEqual(before.sockets + own);
  expect(after.listeners).toBeLessThanOrEqual(before.listeners);
  expect(after.signals).toBeLessThanOrEqual(before.signals + own);
  for (const [kind, count] of Object.entries(after.resources))
    expect(count, `${kind} left: ${JSON.stringify(after.resources)}`).toBeLessThanOrEqual(
      (before.resources[kind] ?? 0) + own,
    );
  expect(after.memoryBytes - before.memoryBytes).toBeLessThan(16 << 20);
}, 300_000);

/** Somebody locks a row for a part of the time. */
async function endMany(count: number): Promise<void> {
  const random = randomFor(`ends of ${count}`);
  const locker = await stack.direct("postgres");
  for (let from = 0; from < count; from += 4 * together) {
    await locker.query("begin");
    await locker.query("select from things.things where target = $1 for update", [lockedTarget]);
    let n = from;
    const one = async () => {
      while (n < Math.min(from + 4 * together, count)) {
        n += 1;
        await endAtRandom(stack.program.port, stack.database, random, n);
      }
    };
    await Promise.all(Array.from({ length: together }, one));
    await locker.query("rollback");
  }
  await locker.end();
}

/** What is left is asked for until there is nothing; the failure shows it. */
async function untilNothingIsLeft(): Promise<void> {
  expect(stack.program.ended(), "the program has ended").toBeUndefined();
  const sessions =
    "select usename, application_name, state, wait_event, left(query, 60) as query from pg_stat_activity where datname = current_database()";
  const asked = {
    sessions: `${sessions} and usename = 'eve'`,
    "open transactions": `${sessions} and usename = 'throughline' and state like 'idle in%'`,
    "open entries": "select state, verb, table_name, blocked, tries from throughline.journal where closed_at is null",
    locks: `select locktype, mode, granted, relation::regclass from pg_locks
      where relation in ('things.things'::regclass, 'metered.things'::regclass, 'notes'::regclass)`,
  };
  for (const [what, sql] of Object.entries(asked)) {
    await expect
      .poll(async () => (await stack.admin.query(sql)).rows, { timeout: patienceMs, message: what })
      .toEqual([]);
  }
  for (const name of ["throughline_connections", "throughline_held_statements"]) {
    await expect.poll(() => stack.program.metric(name), { timeout: patienceMs, message: name }).toBe(0);
  }
}
