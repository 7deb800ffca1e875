// A statement that only resembles a write to a mirror, or shares a word with one, is Postgres's own.

import { beforeEach, expect, test } from "vitest";
import { refused } from "../support/answers.js";
import { type Stack, startStack } from "../support/stack.js";

let stack: Stack;
beforeEach(async () => {
  stack = await startStack({ timeoutMs: 800, seed: [{ email: "ada@x.com", firstname: "Ada" }] });
  await stack.admin.query(
    "create table public.orders (no int, note text); create table public.contacts (n int); create sequence public.s; grant all on public.orders, public.contacts, public.s to app; grant create on schema public to app",
  );
  stack.sandbox.clearLog();
  return () => stack.close();
});

test("P10: a function that a client fails to create changes nothing for other sessions", async () => {
  await stack.admin.query("revoke create on schema public from public, app");
  const [attacker, victim] = [await stack.client(), await stack.client()];
  const sql =
    "create function public.count() returns int language sql as $$insert into hubspot.contacts default values; select 1$$";
  expect(await refused(attacker.query(sql))).toMatchObject({ code: "42501" });
  expect((await victim.query("select nextval('public.s') as n, count(*) from public.orders")).rows).toEqual([
    { n: "1", count: "0" },
  ]);
  await victim.query("begin isolation level serializable");
  expect(await refused(victim.query("select count(*) from public.orders"))).toEqual({ code: "accepted" });
});

test("P10: a DO block or procedure over a table whose name only resembles a mirror's is Postgres's own", async () => {
  const client = await stack.client();
  await client.query("create table public.old_contacts (n int)");
  const block =
    "do $$begin insert into public.old_contacts values (1); commit; insert into public.old_contacts values (2); end$$";
  expect(await refused(client.query(block))).toEqual({ code: "accepted" });
  await client.query(
    "create procedure public.clean() language plpgsql as $$begin update public.contacts set n = 1; commit; end$$",
  );
  expect(await refused(client.query("call public.clean()"))).toEqual({ code: "accepted" });
});
test("P10: a SERIALIZABLE transaction may run blocks and functions that only resemble a write to a mirror", async () => {
  const client = await stack.client();
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
  const client = await stack.client();
  await client.query(
    "create function public.add(text) returns text language sql as $$insert into hubspot.contacts (email) values ($1) returning id$$",
  );
  await stack.admin.query(
    "create function public.ticket() returns bigint language sql as $$select nextval('public.s') /* add one */$$",
  );
  expect((await client.query("select public.ticket() as n")).rows).toEqual([{ n: "1" }]);
  expect((await client.query("select public.ticket() as n")).rows).toEqual([{ n: "2" }]);
});

test("P10: a long string of ordinary statements, one of which reads a mirror, is Postgres's own", async () => {
  const client = await stack.client();
  const text = `${"insert into public.orders values (1, 'some ordinary row');\n".repeat(4_000)}select * from hubspot.contacts`;
  await client.query(text);
  expect((await client.query("select from public.orders")).rowCount).toBe(4_000);
});
