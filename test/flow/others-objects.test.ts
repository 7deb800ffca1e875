// What one role creates costs the others nothing: functions and views by the thousand, and names that everybody uses.

import { beforeEach, expect, test } from "vitest";
import { NamesWatch } from "../../src/mirror/watched-names.js";
import { refused } from "../support/answers.js";
import { type Stack, startStack } from "../support/stack.js";

let stack: Stack;
beforeEach(async () => {
  stack = await startStack({ seed: [{ email: "ada@x.com", firstname: "Ada" }] });
  await stack.admin.query(
    "create schema eve; create schema mine; grant all on schema mine to app; create table public.plain (id int); grant all on public.plain to app",
  );
  return () => stack.close();
});

const create = "POST /crm/v3/objects/contacts";

test("P15: a role whose functions are too many or too long takes nobody else's place", async () => {
  const { admin, opened } = stack;
  await admin.query(`do $$ begin
      for i in 1..90 loop execute format('create function eve.long_%s() returns void language sql as %L', i,
        'delete from hubspot.contacts /* ' || repeat('x', 250000) || ' */'); end loop; end $$;
    create function eve.longest() returns void language sql as $f$delete from hubspot.contacts -- ${"y".repeat(300_000)}$f$`);
  const client = await stack.client();
  await client.query("create function mine.put() returns void language sql as 'delete from hubspot.contacts'");
  const { rows } = await admin.query("select 'hubspot.contacts'::regclass::oid as relation");
  const names = (await new NamesWatch(opened.pool).look(rows)).functions.map(({ name }) => name);
  expect(names).toContain("put");
  expect(names).toContain("long_1");
  expect(names).not.toContain("longest");
  expect(names.length).toBeLessThan(70);
});

test("P15: a function that is named like one of Postgres's makes nobody's statement one of a mirror", async () => {
  const { admin } = stack;
  await admin.query(`create function eve.count() returns bigint language sql as 'delete from hubspot.contacts; select 1::bigint';
    create function eve.lower(text) returns text language sql as 'delete from hubspot.contacts; select $1'; grant usage on schema eve to app`);
  await expect.poll(() => watched("select eve.count()"), { timeout: 20_000 }).toBe("watched");
  const client = await stack.client();
  expect((await client.query("select count(*) from public.plain")).rows).toEqual([{ count: "0" }]);
  await client.query("begin; select count(*), lower('A') from public.plain");
  expect(stack.writes()).toHaveLength(1);
});

/** "watched" when the statement's call gets to the API. */
async function watched(sql: string): Promise<string> {
  const client = await stack.client();
  const { code } = await refused(client.query(sql));
  return code === "accepted" && stack.writes().length > 0 ? "watched" : code;
}

test("functions and a view that a transaction has just made write to a mirror at once, by one another", async () => {
  const client = await stack.client();
  await client.query("begin");
  await client.query("create view mine.people as select id, email from hubspot.contacts");
  await client.query(`create function mine.put(text) returns text language sql as $f$insert into mine.people (email) values ($1) returning id$f$;
    create function mine.calls(text) returns text language plpgsql as $f$begin return (select mine.put($1)); end$f$;
    create procedure mine.proc(text) language plpgsql as $f$begin execute 'select mine.calls($1)' using $1; end$f$`);
  await client.query("call mine.proc('new@x.com')");
  await client.query("commit");
  expect(stack.writes()).toEqual([create]);
});

test("P10: a function that a session has just made, and that writes to no mirror, runs once", async () => {
  const client = await stack.client();
  await client.query(
    "create sequence mine.s; create function mine.next() returns bigint language sql as $f$select nextval('mine.s')$f$",
  );
  expect((await client.query("select mine.next() as n")).rows).toEqual([{ n: "1" }]);
  await client.query(
    "create or replace function mine.next() returns bigint language sql as $f$insert into public.plain values (1); select nextval('mine.s')$f$",
  );
  expect((await client.query("select mine.next() as n")).rows).toEqual([{ n: "2" }]);
  expect((await client.query("select from public.plain")).rowCount).toBe(1);
});
