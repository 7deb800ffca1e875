// Traps of shapes, strings and names that a reader with fresh eyes found: each failed before it was mended.

import { serialize } from "pg-protocol";
import { beforeEach, expect, test } from "vitest";
import { refused } from "../support/answers.js";
import { type Line, startLine } from "../support/line.js";
import { shown, WireClient } from "../support/wire.js";

let line: Line;
beforeEach(async () => {
  line = await startLine({ timeoutMs: 800, seed: [{ email: "ada@x.com", firstname: "Ada" }] });
  await line.admin.query(
    "create table public.orders (no int, note text); create table public.contacts (n int); create sequence public.s; grant all on public.orders, public.contacts, public.s to app; grant create on schema public to app",
  );
  line.sandbox.clearLog();
  return () => line.close();
});
const said = async (text: string, before = "") => {
  const wire = await WireClient.login(line.port, "app", line.database);
  let last: string[] = [];
  for (const sql of [before, text]) {
    wire.send(serialize.query(sql));
    last = shown(await wire.until("Z"));
  }
  wire.close();
  return last;
};
const insert = (name: string) => `insert into hubspot.contacts (email) values ('${name}@x.com')`;

// ---- A
test.each([
  `do $$ begin insert into hubspot.contacts (email) values ('ada@x.com'); insert into public.orders values (1, 'new');
    exception when unique_violation then
    update hubspot.contacts set firstname = 'again' where email = 'ada@x.com'; insert into public.orders values (2, 'there'); end $$`,
  `do $$ begin insert into hubspot.contacts (email) values ('ada@x.com'); insert into public.orders values (1, 'new');
    exception when unique_violation then
    insert into hubspot.contacts (email) values ('ada+1@x.com'); insert into public.orders values (2, 'new'); end $$`,
])("P2: a block that undoes one write and makes another is refused before the call", async (block) => {
  const client = await line.client();
  expect(await refused(client.query(block))).toMatchObject({ code: "0A000" });
  expect(line.writes()).toEqual([]);
  expect((await line.admin.query("select from public.orders")).rowCount).toBe(0);
});

test("P10: what a client fails to define changes nothing for other sessions", async () => {
  await line.admin.query("revoke create on schema public from public, app");
  const [attacker, victim] = [await line.client(), await line.client()];
  const sql =
    "create function public.count() returns int language sql as $$insert into hubspot.contacts default values; select 1$$";
  expect(await refused(attacker.query(sql))).toMatchObject({ code: "42501" });
  expect((await victim.query("select nextval('public.s') as n, count(*) from public.orders")).rows).toEqual([
    { n: "1", count: "0" },
  ]);
  await victim.query("begin isolation level serializable");
  expect(await refused(victim.query("select count(*) from public.orders"))).toEqual({ code: "accepted" });
});

// ---- C
test("P10: a DO block or procedure over a table whose name only resembles a mirror's is Postgres's own", async () => {
  const client = await line.client();
  await client.query("create table public.old_contacts (n int)");
  const block =
    "do $$begin insert into public.old_contacts values (1); commit; insert into public.old_contacts values (2); end$$";
  expect(await refused(client.query(block))).toEqual({ code: "accepted" });
  await client.query(
    "create procedure public.clean() language plpgsql as $$begin update public.contacts set n = 1; commit; end$$",
  );
  expect(await refused(client.query("call public.clean()"))).toEqual({ code: "accepted" });
});
test("P10: ... and in a SERIALIZABLE transaction", async () => {
  const client = await line.client();
  await client.query(
    "create function public.report() returns bigint stable language sql as $$select count(*) from hubspot.contacts /* since the last update */$$",
  );
  await client.query("begin isolation level serializable");
  expect(await refused(client.query("do $$begin update public.contacts set n = 1; end$$"))).toEqual({
    code: "accepted",
  });
  await client.query("rollback; begin isolation level serializable");
  expect(await refused(client.query("select public.report()"))).toEqual({ code: "accepted" });
});
test("P10: a function that only shares a word with one that writes to a mirror runs once", async () => {
  const client = await line.client();
  await client.query(
    "create function public.add(text) returns text language sql as $$insert into hubspot.contacts (email) values ($1) returning id$$",
  );
  await line.admin.query(
    "create function public.ticket() returns bigint language sql as $$select nextval('public.s') /* add one */$$",
  );
  expect((await client.query("select public.ticket() as n")).rows).toEqual([{ n: "1" }]);
  expect((await client.query("select public.ticket() as n")).rows).toEqual([{ n: "2" }]);
});

// ---- D
test("P10: a long string of ordinary statements, one of which reads a mirror, is Postgres's own", async () => {
  const client = await line.client();
  const text = `${"insert into public.orders values (1, 'some ordinary row');\n".repeat(4_000)}select * from hubspot.contacts`;
  await client.query(text);
  expect((await client.query("select from public.orders")).rowCount).toBe(4_000);
});

test("a function or DO block whose INSERTs all meet their conflict does nothing, as in Postgres", async () => {
  const client = await line.client();
  await client.query(
    "create function public.ensure(text) returns int language sql as $$insert into hubspot.contacts (email) values ($1) on conflict (email) do nothing; select 1$$",
  );
  expect(await refused(client.query("select public.ensure('ada@x.com')"))).toEqual({ code: "accepted" });
  expect(
    await refused(client.query(`do $$begin ${insert("ada")}; exception when unique_violation then null; end$$`)),
  ).toEqual({ code: "accepted" });
});
test("Sequelize's findOrCreate of a row that is there", async () => {
  const client = await line.client();
  const results =
    await client.query(`CREATE OR REPLACE FUNCTION pg_temp.testfunc(OUT response "hubspot"."contacts", OUT sequelize_caught_exception text) RETURNS RECORD AS $func$
    BEGIN INSERT INTO "hubspot"."contacts" ("email") VALUES ('ada@x.com') RETURNING * INTO response;
    EXCEPTION WHEN unique_violation THEN GET STACKED DIAGNOSTICS sequelize_caught_exception = PG_EXCEPTION_DETAIL; END $func$ LANGUAGE plpgsql;
    SELECT (testfunc.response)."email", testfunc.sequelize_caught_exception FROM pg_temp.testfunc(); DROP FUNCTION IF EXISTS pg_temp.testfunc();`);
  expect([results].flat()[1]?.rows).toEqual([
    { email: null, sequelize_caught_exception: "Key (email)=(ada@x.com) already exists." },
  ]);
});

// ---- G
test("P7: of several calls one whose outcome is unknown is TL007", async () => {
  const client = await line.client();
  await client.query("set throughline.chunk = on");
  line.sandbox.fault({ kind: "slow", ms: 1, on: { path: "*/batch/create" } });
  line.sandbox.fault({ kind: "slow", ms: 2_500, on: { path: "*/batch/create" } });
  const error = await refused(
    client.query("insert into hubspot.contacts (email) select 'm' || i || '@x.com' from generate_series(1, 150) i"),
  );
  expect(error).toMatchObject({ code: "TL007", hint: expect.not.stringContaining("Repeat only the rows") });
});

// ---- H
test("no call is begun for a session that is gone", async () => {
  const client = await line.client();
  await client.query("set throughline.chunk = on");
  line.sandbox.fault({ kind: "slow", ms: 500, on: { path: "*/batch/create" } });
  const running = refused(
    client.query("insert into hubspot.contacts (email) select 'm' || i || '@x.com' from generate_series(1, 1000) i"),
  );
  await expect.poll(() => line.writes().length, { timeout: 5_000, interval: 10 }).toBe(1);
  await line.admin.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename = 'app'",
  );
  await running;
  expect(line.writes()).toHaveLength(1);
});

// ---- I
test("PREPARE TRANSACTION after a write is refused in a string as well", async () => {
  expect(await said(`begin; ${insert("a")}; prepare transaction 'x'`)).toEqual([
    "C BEGIN",
    "C INSERT 0 1",
    "E 0A000",
    "Z E",
  ]);
});
test("what ends or begins a transaction in a string leaves it as Postgres does, or is refused before its write", async () => {
  expect(await said(`${insert("a")}; commit prepared 'x'`)).toEqual(["E 25001", "Z I"]);
  expect(await said(`select 1; begin isolation level serializable; ${insert("b")}`)).toEqual([
    "T",
    "D 1",
    "C SELECT 1",
    "E 25001",
    "Z I",
  ]);
});
test("COMMIT AND CHAIN in a string that is a transaction of its own is an error", async () => {
  expect(await said(`${insert("c")}; commit and chain; select 1`)).toEqual([
    "C INSERT 0 1",
    "E 25P01",
    "N 01000",
    "Z I",
  ]);
});
test("a string that first leaves a failed transaction may write", async () => {
  expect(await said(`rollback to s; ${insert("a")}`, "begin; savepoint s; select 1/0")).toEqual([
    "C ROLLBACK",
    "C INSERT 0 1",
    "Z T",
  ]);
});

// ---- J
test("COPY with HEADER MATCH", async () => {
  const wire = await WireClient.login(line.port, "app", line.database);
  wire.send(serialize.query("copy hubspot.contacts (email, firstname) from stdin (format csv, header match)"));
  wire.send(serialize.copyData(Buffer.from("email,firstname\nz@x.com,Z\n")), serialize.copyDone());
  expect(shown(await wire.until("Z"))).toEqual(["E 0A000", "Z I"]);
  wire.close();
});

// ---- K
test("the proxy stops while a COPY into a mirror waits for its rows", async () => {
  const other = await startLine();
  const wire = await WireClient.login(other.port, "app", other.database);
  wire.send(serialize.query("copy hubspot.contacts (email) from stdin"));
  await wire.until("G");
  const closing = other.close();
  const ended = await Promise.race([
    closing.then(() => "stopped"),
    new Promise((resolve) => setTimeout(resolve, 10_000, "waits")),
  ]);
  wire.close();
  await closing;
  expect(ended).toBe("stopped");
});

// ---- L
test("a function's rows are fetched in portions", async () => {
  const wire = await WireClient.login(line.port, "app", line.database);
  wire.send(
    serialize.query(
      "create function public.add(text) returns text language sql as $$insert into hubspot.contacts (email) values ($1) returning email$$",
    ),
  );
  await wire.until("Z");
  const parse = serialize.parse({ text: "select public.add('r' || i || '@x.com') from generate_series(1, 3) i" });
  wire.send(
    parse,
    serialize.bind({}),
    serialize.execute({ rows: 2 }),
    serialize.execute({ rows: 2 }),
    serialize.sync(),
  );
  expect(shown(await wire.until("Z"))).toEqual(["1", "2", "E 0A000", "Z I"]);
  wire.close();
});

// ---- M
test("two UPDATEs of one row in a DO block are not said to be worth a retry", async () => {
  const client = await line.client();
  const block =
    "update hubspot.contacts set firstname = 'A' where email = 'ada@x.com'; update hubspot.contacts set lastname = 'B' where email = 'ada@x.com';";
  expect((await refused(client.query(`do $$begin ${block} end$$`))).code).not.toBe("40001");
});

// ---- N
test("ON CONFLICT DO NOTHING with a duplicate within the statement", async () => {
  const client = await line.client();
  const sql =
    "insert into hubspot.contacts (email) values ('Dup@X.com'), ('Dup@X.com') on conflict (email) do nothing returning email";
  expect(await refused(client.query(sql))).toEqual({ code: "accepted" });
});

// ---- O
test("P3: RETURNING has every row that was created, or nothing is sent, or the client is told of it", async () => {
  const client = await line.client();
  for (let i = 0; i < 12; i += 1) {
    const sql = `insert into hubspot.contacts (email) select 'v${i}.' || n || '@x.com' from generate_series(1, 6) n where random() < 0.5 returning email`;
    const told = await client.query(sql).then(
      ({ rowCount }) => `${rowCount} rows`,
      (cause) => cause.code,
    );
    const there = line.sandbox
      .records("contacts")
      .filter(({ properties }) => properties["email"]?.startsWith(`v${i}.`));
    expect(there.length > 0 ? [`${there.length} rows`, "TL002"] : ["0 rows", "0A000"]).toContain(told);
    await client.query("select 1");
    const { rowCount } = await client.query(`select from hubspot.contacts where email like 'v${i}.%'`);
    expect(rowCount).toBe(there.length);
  }
});

test("P10: a name that SQL-level PREPARE gives to another statement", async () => {
  const client = await line.client();
  await client.query(`prepare q as ${insert("q")}`);
  await client.query("deallocate q");
  await client.query("prepare q as select nextval('public.s') as n");
  expect((await client.query("execute q")).rows).toEqual([{ n: "1" }]);
  expect((await client.query("execute q")).rows).toEqual([{ n: "2" }]);
});
