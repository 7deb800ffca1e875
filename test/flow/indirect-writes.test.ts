// Writes that reach a mirror indirectly, by a view, a function, EXECUTE or a cursor, and statements that are none.

import { beforeEach, expect, test } from "vitest";
import { mirrored, refused, upstream } from "../support/answers.js";
import { untilSent } from "../support/sessions.js";
import { type Stack, startStack } from "../support/stack.js";

let stack: Stack;
beforeEach(async () => {
  stack = await startStack({
    seed: [
      { email: "ada@x.com", firstname: "Ada" },
      { email: "bob@x.com", firstname: "Bob" },
    ],
  });
  await stack.admin.query(
    "create table public.orders (no int, contact text); create table public.staging (email text, name text); grant all on public.orders, public.staging to app; grant create on schema public to app",
  );
  stack.sandbox.clearLog();
  return () => stack.close();
});

const create = "POST /crm/v3/objects/contacts";
const update = expect.stringMatching(/^PATCH /);
const remove = expect.stringMatching(/^DELETE /);

test("views, functions and procedures over a mirror, made through the proxy, write to it at once", async () => {
  const client = await stack.client();
  await client.query("create view public.people as select id, email as address, firstname from hubspot.contacts");
  expect(
    (await client.query("insert into public.people (address) values ('view@x.com') returning address")).rows,
  ).toEqual([{ address: "view@x.com" }]);
  await client.query("update public.people set firstname = 'Viewed' where address = 'ada@x.com'");
  await client.query("delete from people where address = 'bob@x.com'");
  await client.query(
    "create function public.add(text) returns text language sql as $$insert into hubspot.contacts (email) values ($1) returning id$$",
  );
  await client.query("create procedure public.put(text) language sql as $$select public.add($1)$$");
  const { rows } = await client.query("select public.add($1) as id", ["f@x.com"]);
  expect(stack.sandbox.records("contacts").map(({ id }) => id)).toContain(rows[0].id);
  await client.query("call public.put('p@x.com')");
  expect(stack.writes()).toEqual([create, update, remove, create, create]);
  expect(await mirrored(stack)).toEqual(upstream(stack));
});

test("views and functions that others make are known within a moment", async () => {
  await stack.admin.query(
    "create view public.folks as select * from hubspot.contacts; grant all on public.folks to app",
  );
  const client = await stack.client();
  await expect
    .poll(() => refused(client.query("update public.folks set firstname = 'F' where email = 'ada@x.com'")), {
      timeout: 20_000,
    })
    .toMatchObject({ code: "accepted" });
  expect(stack.writes()).toEqual([update]);
});

test("SQL-level PREPARE and EXECUTE, in either protocol, and a name that is bound by the protocol", async () => {
  const client = await stack.client();
  await client.query("prepare put(text) as insert into hubspot.contacts (email) values ($1) returning email");
  expect((await client.query("execute put('p1@x.com')")).rows).toEqual([{ email: "p1@x.com" }]);
  const extended = { text: "execute put('p2@x.com')", queryMode: "extended" };
  expect((await client.query(extended)).rows).toEqual([{ email: "p2@x.com" }]);
  await client.query({ name: "named", text: "delete from hubspot.contacts where email = $1", values: ["p1@x.com"] });
  expect(await refused(client.query("execute put(1, 2)"))).toMatchObject({ code: "42601" });
  await client.query("explain analyze execute put('p4@x.com')");
  await client.query(
    "create function public.add(text) returns text language sql as $$insert into hubspot.contacts (email) values ($1) returning email$$",
  );
  await client.query("prepare added as select public.add('p5@x.com') as email");
  await client.query("create temp table kept as execute added");
  expect((await client.query("select email from kept")).rows).toEqual([{ email: "p5@x.com" }]);
  await client.query("deallocate put");
  expect(await refused(client.query("execute put('p3@x.com')"))).toMatchObject({ code: "26000" });
  expect(stack.writes()).toEqual([create, create, remove, create, create]);
});

test("P10: a name that SQL-level PREPARE gives to another statement executes that one, once", async () => {
  const client = await stack.client();
  await client.query("create sequence public.s; prepare q as insert into hubspot.contacts (email) values ('q@x.com')");
  await client.query("deallocate q");
  await client.query("prepare q as select nextval('public.s') as n");
  expect((await client.query("execute q")).rows).toEqual([{ n: "1" }]);
  expect((await client.query("execute q")).rows).toEqual([{ n: "2" }]);
});

test("EXPLAIN makes no call; EXPLAIN ANALYZE makes the statement's", async () => {
  const client = await stack.client();
  const sql = "insert into hubspot.contacts (email) values ('x@x.com')";
  await client.query(`explain ${sql}`);
  expect(stack.writes()).toEqual([]);
  const { rows } = await client.query(`explain (analyze, costs off, timing off, summary off, buffers off) ${sql}`);
  expect(rows[0]["QUERY PLAN"]).toMatch(/^Insert on contacts/);
  expect(stack.writes()).toEqual([create]);
});

test("UPDATE … WHERE CURRENT OF writes the row that the cursor stands on", async () => {
  const client = await stack.client();
  await client.query("begin");
  await client.query("declare c cursor for select * from hubspot.contacts order by email");
  await client.query("fetch 2 from c");
  const { rows } = await client.query(
    "update hubspot.contacts set firstname = 'Current' where current of c returning email",
  );
  expect(rows).toEqual([{ email: "bob@x.com" }]);
  await client.query("commit");
  expect(stack.writes()).toEqual([update]);
});

test("a table of the same name in another schema, a temporary one first, is not the mirror", async () => {
  const client = await stack.client();
  await client.query("create table public.contacts (email text)");
  await client.query("set search_path = public, hubspot");
  await client.query("insert into contacts values ('mine')");
  await client.query("create temp table contacts (email text)");
  await client.query("insert into contacts values ('mine')");
  await client.query("drop table pg_temp.contacts; drop table public.contacts");
  expect(stack.sandbox.log).toEqual([]);
  await client.query(`insert into CONTACTS (email) values ('path@x.com')`);
  await client.query(`insert into U&"c!006fntacts" uescape '!' (email) values ('path2@x.com')`);
  expect(stack.writes()).toEqual([create, create]);
});

test("RETURNING has old and new, where Postgres has them", async () => {
  const version = Number((await stack.admin.query("show server_version_num")).rows[0].server_version_num);
  const client = await stack.client();
  const returning = client.query(
    "insert into hubspot.contacts (email, firstname) values ('ada@x.com', 'Lady') on conflict (email) do update set firstname = excluded.firstname returning old.firstname as before, new.firstname as after, old.id = new.id as same",
  );
  const said = returning.then(
    ({ rows }) => rows,
    ({ code }) => code,
  );
  expect(await said).toEqual(version < 180_000 ? "42P01" : [{ before: "Ada", after: "Lady", same: true }]);
});

test("a row that met a conflict when it was planned is not inserted when the conflict is gone", async () => {
  await stack.admin.query("create unique index on hubspot.contacts (firstname)");
  const client = await stack.client();
  stack.sandbox.fault({ kind: "slow", ms: 300 });
  const writing = refused(
    client.query(
      "insert into hubspot.contacts (email, firstname) values ('one@x.com', 'One'), ('two@x.com', 'Ada') on conflict (firstname) do nothing",
    ),
  );
  await untilSent(stack.admin);
  const other = await stack.client();
  await other.query("delete from hubspot.contacts where firstname = 'Ada'");
  expect(await writing).toEqual({ code: "accepted" });
  expect(await mirrored(stack)).toEqual(upstream(stack));
});
