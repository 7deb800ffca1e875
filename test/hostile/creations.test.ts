// What slows others by being created: one role makes thousands of functions, views and constraints, and the others' statements cost
// Postgres, the program and the wire between them no more than before.

import { readFileSync } from "node:fs";
import type pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type HostileStack, startHostileStack } from "./hostile-stack.js";

const functions = 8_000;
const views = 2_000;
const constraints = 5_000;
/** Of each statement. */
const runs = 20;
const growth = 1.7;
/** For one run, in milliseconds of CPU. */
const slackMs = 1;
/** Its own drain, and a little. */
const longestStopMs = 15_000;

const statements = {
  "a query with a common function": "select count(*), lower('X'), now() from notes",
  "a query on a mirror": "select count(*) from things.things",
  "a write on a table": "update notes set n = n where n = 1",
  "a write on a mirror": "update things.things set label = 'again' where target = 'r3'",
};

/** For one run of a statement. */
interface Work {
  readonly postgresMs: number;
  readonly programMs: number;
  readonly flights: number;
}

let stack: HostileStack;
let app: pg.Client;
beforeAll(async () => {
  stack = await startHostileStack();
  app = await stack.client("app");
}, 300_000);
afterAll(() => stack.close());

test("P15: what one role creates costs the others nothing", async () => {
  const before = await workOfAll();
  await createMuch();
  // What has to be looked through once may be, for a while.
  await workOfAll();
  const busy =
    "select left(query, 200) as query from pg_stat_activity where usename = 'throughline' and state = 'active'";
  await expect.poll(async () => (await stack.admin.query(busy)).rows, { timeout: 60_000 }).toEqual([]);
  const after = await workOfAll();
  const found = Object.entries(after).flatMap(([name, work]) => {
    const least = before[name] ?? work;
    return [
      ...more(`${name}: ms of Postgres's CPU`, least.postgresMs, work.postgresMs, slackMs),
      ...more(`${name}: ms of the program's CPU`, least.programMs, work.programMs, slackMs),
      ...more(`${name}: flights`, least.flights, work.flights, 0.5),
    ];
  });
  expect(found).toEqual([]);
}, 600_000);

test("P15: SIGTERM ends the program soon, however much one role has created", async () => {
  // It begins to look through all of it.
  await stack.restart();
  await (await stack.client("app")).query(statements["a query with a common function"]);
  expect(await stack.program.stop()).toBeLessThan(longestStopMs);
}, 200_000);

function more(what: string, least: number, most: number, slack: number): string[] {
  return most <= growth * least + slack ? [] : [`${what}: ${least.toFixed(2)} before, ${most.toFixed(2)} now`];
}

async function workOfAll(): Promise<Record<string, Work>> {
  const all: Record<string, Work> = {};
  for (const [name, sql] of Object.entries(statements)) {
    // The median of some, for what goes on beside it.
    const works = [await workOf(sql), await workOf(sql), await workOf(sql)];
    const median = (of: (work: Work) => number) => works.map(of).sort((a, b) => a - b)[1] ?? 0;
    all[name] = {
      postgresMs: median(({ postgresMs }) => postgresMs),
      programMs: median(({ programMs }) => programMs),
      flights: median(({ flights }) => flights),
    };
  }
  return all;
}

async function workOf(sql: string): Promise<Work> {
  const flights = async () => (await stack.exchangeOf("app")).flights;
  const { rows } = await stack.admin.query<{ pid: number }>(
    "select pid from pg_stat_activity where usename in ('app', 'throughline')",
  );
  const postgresMs = () => rows.reduce((sum, { pid }) => sum + cpuMsOf(pid), 0);
  const [flightsBefore, postgresBefore] = [await flights(), postgresMs()];
  await stack.program.readMeter();
  for (let run = 0; run < runs; run++) await app.query(sql);
  const { cpuMs } = await stack.program.readMeter();
  return {
    postgresMs: (postgresMs() - postgresBefore) / runs,
    programMs: cpuMs / runs,
    flights: ((await flights()) - flightsBefore) / runs,
  };
}

/** Of a process that is gone, nothing is known. */
function cpuMsOf(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, "latin1").split(" ", 1)[0]) / 1e6;
  } catch {
    return 0;
  }
}

/** Names that everybody uses, and bodies that lead to mirrors, by each other or by themselves. */
async function createMuch(): Promise<void> {
  const eve = await stack.direct("eve");
  await eve.query("set statement_timeout = 0; create schema eve; grant usage on schema eve to public");
  await eve.query(`do $do$
    declare names text[] := array['count', 'lower', 'now', 'upper', 'coalesce_all', 'sum', 'max', 'nextval'];
    begin
      for i in 1..${functions} loop
        execute format(
          $f$create function %I.%I(a%s text) returns text language plpgsql volatile as $b$begin
            update things.things set label = a%s where false; insert into enemy.things (target) select 'x' where false;
            return %s; end$b$$f$,
          case when i <= 8 then 'public' else 'eve' end,
          case when i <= 8 then names[i] else 'f' || i end, i, i,
          case when i > 9 then 'eve.f' || (i - 1) || '(a' || i || ')' else '''x''' end);
      end loop;
      for i in 1..${views} loop
        execute format('create view eve.v%s as select * from %s', i,
          case when i % 10 = 1 then 'things.things' else 'eve.v' || (i - 1) end);
      end loop;
      create table eve.t (a text);
      for i in 1..${constraints} loop
        execute format('alter table eve.t add constraint c%s check (eve.f%s(a) is not null) not valid', i, 9 + i % 100);
      end loop;
    end$do$`);
  await eve.end();
}
