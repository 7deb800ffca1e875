// Which names lead to a mirror, as the catalogue tells: views over it and functions that write to it, whatever else others have created.

import pg from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { NamesWatch } from "../../src/mirror/watched-names.js";
import { makeDatabase, type TestDatabase } from "../support/database.js";

let database: TestDatabase;
let pool: pg.Pool;
let mirror: { readonly relation: number };

beforeEach(async () => {
  database = await makeDatabase();
  pool = new pg.Pool({ connectionString: database.urlOf(), max: 2 });
  await pool.query(`create schema throughline; create schema crm; create schema eve; create schema app;
    create table crm.contacts (id int, note text); create table public.y (id int)`);
  const { rows } = await pool.query("select 'crm.contacts'::regclass::oid as relation");
  mirror = rows[0];
});
afterEach(async () => {
  await pool.end();
  await database.drop();
});

const schemaAndName = ({ schema, name }: { readonly schema: string | null; readonly name: string }) =>
  `${schema}.${name}`;

/** The watched functions, and the watched tables, at a first look. */
async function looked(watch = new NamesWatch(pool)) {
  const { functions, tables } = await watch.look([mirror]);
  return { functions: functions.map(schemaAndName).sort(), tables: tables.map(schemaAndName).sort() };
}

const writing = (name: string, body: string, language = "plpgsql") =>
  `create function ${name}() returns void language ${language} as $f$${body}$f$`;

test("functions are watched that write to a mirror or a view over it, in their code or in the SQL that they run", async () => {
  await pool.query(`create view app.people as select * from crm.contacts; create view app.friends as select * from app.people;
    set check_function_bodies = off;
    ${writing("app.insert_it", "begin insert into crm.contacts values (1); end")};
    ${writing("app.by_view", "update app.friends set note = 'a'", "sql")};
    ${writing("app.by_path", "begin delete from contacts; end")};
    ${writing("app.dynamic", "begin execute 'delete from crm.contacts where note = ''a'''; end")};
    ${writing('app."Loud"', "begin perform 1; insert into crm . contacts select 1; end")};
    create procedure app.proc() language sql as $f$merge into crm.contacts c using y on true when matched then delete$f$;
    ${writing("app.reads", "begin perform * from crm.contacts; insert into y select id from crm.contacts; end")};
    ${writing("app.comments", "begin -- insert into crm.contacts\n null; end")};
    ${writing("app.other", "begin insert into eve.contacts values (1); end")};
    ${writing("app.stable", "begin insert into crm.contacts values (1); end")};
    alter function app.stable() stable;
    create function app.fires() returns trigger language plpgsql as $f$begin insert into crm.contacts values (1); return new; end$f$`);
  expect(await looked()).toEqual({
    functions: ["app.Loud", "app.by_path", "app.by_view", "app.dynamic", "app.insert_it", "app.proc"],
    tables: ["app.friends", "app.people", "crm.contacts"],
  });
});

test("the body of a function with BEGIN ATOMIC is understood by what it writes to and calls", async () => {
  await pool.query(`create view app.people as select * from crm.contacts;
    create function app.put() returns void language sql begin atomic; insert into crm.contacts values (1, '{:relid 5} (\\'); end;
    create function app.cte() returns bigint language sql return (select count(*) from crm.contacts);
    create function app.change() returns void language sql begin atomic;
      select 1; with a as (select id from public.y) update app.people p set note = 'x' from a where a.id = p.id; end;
    create function app.calls() returns void language sql begin atomic; select app.put(); end;
    create function app.calls_calls() returns void language sql begin atomic; select coalesce(null, app.calls()); end;
    create function app.reads() returns void language sql begin atomic;
      insert into public.y select id from crm.contacts; update public.y set id = 1 where id in (select id from app.people); end`);
  expect((await looked()).functions).toEqual(["app.calls", "app.calls_calls", "app.change", "app.put"]);
});

test("a chain of calls is followed to its end, however long it is, by schema where a call has one", async () => {
  const links = Array.from({ length: 40 }, (_, i) =>
    writing(`app.link_${i + 1}`, `begin perform app.link_${i} (1); end`),
  );
  await pool.query(`set check_function_bodies = off; ${writing("app.link_0", "begin insert into crm.contacts values (1); end")};
    ${links.join(";")};
    ${writing("app.elsewhere", "begin perform eve.link_3(); end")};
    ${writing("app.anywhere", "begin perform link_3(); end")}`);
  const { functions } = await looked();
  expect(functions).toHaveLength(42);
  expect(functions).toContain("app.anywhere");
  expect(functions).not.toContain("app.elsewhere");
});

test("P15: a function that is named like a word of the language makes no other function watched", async () => {
  const names = ["count", "lower", "if", "values", "coalesce", "return", "while", "query", "perform"];
  await pool.query(
    names
      .map(
        (name) =>
          `${writing(`eve."${name}"`, "begin insert into crm.contacts values (1); end")}; alter function eve."${name}"() owner to app`,
      )
      .join(";"),
  );
  await pool.query(
    `set check_function_bodies = off; ${writing(
      "app.plain",
      `declare n int; begin if (true) then select count(*), lower('a'), coalesce(1, 2) into n; end if; while (false) loop perform (select 1); end loop;
     insert into y values (1); return; end`,
    )}; ${writing("app.calls", "begin perform eve.count(); end")}`,
  );
  expect((await looked()).functions).toEqual(["app.calls", ...names.map((name) => `eve.${name}`)].sort());
});

test("what has changed is noticed, and only that is read", async () => {
  await pool.query(
    `${writing("app.a", "begin insert into crm.contacts values (1); end")}; ${writing("app.b", "begin perform 1; end")}`,
  );
  const watch = new NamesWatch(pool);
  expect((await looked(watch)).functions).toEqual(["app.a"]);
  const texts: string[] = [];
  const changes: readonly (readonly [string, readonly string[]])[] = [
    ["select 1", ["app.a"]],
    [
      "create or replace function app.b() returns void language plpgsql as 'begin perform app.a(); end'",
      ["app.a", "app.b"],
    ],
    ["alter function app.b() rename to c", ["app.a", "app.c"]],
    ["alter schema app rename to other", ["other.a"]],
    [
      "create view crm.v as select * from crm.contacts; create function other.v() returns void language sql as 'delete from crm.v'",
      ["other.a", "other.v"],
    ],
    ["alter view crm.v rename to w", ["other.a"]],
    ["drop function other.a()", []],
  ];
  for (const [change, expected] of changes) {
    await pool.query(change);
    await restless(watch);
    texts.push(change);
    expect({ texts, functions: (await looked(watch)).functions }).toEqual({ texts, functions: expected });
  }
});

/** The watch rests for a while after each look. */
async function restless(watch: NamesWatch): Promise<void> {
  await expect.poll(() => watch.isResting, { interval: 5, timeout: 20_000 }).toBe(false);
}

test("P15: 8,000 functions and 2,000 views of one role are looked at in queries and turns that are short", async () => {
  await pool.query(`set check_function_bodies = off;
    do $$ begin
      for i in 1..8000 loop execute format('create function eve.f%s() returns void language plpgsql as %L', i,
        format('begin perform eve.f%s(); if %s = 1 then delete from crm.contacts; end if; end', i - 1, i)); end loop;
      for i in 1..2000 loop execute format('create view eve.v%s as select * from crm.contacts', i); end loop; end $$`);
  const asked: string[] = [];
  pool.on("acquire", () => asked.push("query"));
  const first = async () => {
    asked.length = 0;
    const watch = new NamesWatch(pool);
    const turns = new Turns();
    return { watch, names: await watch.look([mirror]), worstMs: turns.end() };
  };
  // The garbage of other tests is collected in one attempt; a turn that is long by itself is so each time.
  let attempt = await first();
  for (let again = 0; again < 2 && attempt.worstMs >= 50; again += 1) attempt = await first();
  const { watch, names, worstMs } = attempt;
  expect(worstMs).toBeLessThan(50);
  expect(names.functions).toHaveLength(8_000);
  expect(names.tables).toHaveLength(2_001);
  expect(asked.length).toBeLessThan(30);
  await expect.poll(() => watch.isResting, { interval: 50, timeout: 60_000 }).toBe(false);
  asked.length = 0;
  // What has not changed is not read again.
  expect((await watch.look([mirror])).functions).toBe(names.functions);
  expect(asked).toHaveLength(3);
});

/** Measures the turns of the event loop in the processor's time, so that a busy machine does not count. */
class Turns {
  private longestMs = 0;
  private isRunning = true;

  constructor() {
    let before = process.cpuUsage();
    const turn = () => {
      const { user, system } = process.cpuUsage(before);
      this.longestMs = Math.max(this.longestMs, (user + system) / 1_000);
      before = process.cpuUsage();
      if (this.isRunning) setImmediate(turn);
    };
    setImmediate(turn);
  }

  /** Returns the longest turn, in milliseconds. */
  end(): number {
    this.isRunning = false;
    return this.longestMs;
  }
}
