// A statement that writes to other tables as well is evaluated anew for them, so what it sends must not depend on the run.

import { beforeEach, expect, inject, test } from "vitest";
import { migrateAll } from "../../src/app/migrate.js";
import { type Stack, startStack } from "../support/stack.js";

let stack: Stack;
beforeEach(async () => {
  stack = await startStack({ seed: [{ email: "ada@example.com" }] });
  await stack.admin.query(`create sequence public.numbers;
    create table public.invoices (no bigint, contact text);
    create function public.bill() returns text language sql as
      $$insert into public.invoices (no) values (nextval('public.numbers')) returning 'i' || no || '@example.com'$$;
    create function public.audit() returns text language sql as
      $$insert into public.invoices (contact) values ('audit') returning 'audit@example.com'$$;
    grant all on public.invoices, public.numbers to app`);
  return () => stack.close();
});

const told = (asked: Promise<unknown>) =>
  asked.then(
    () => "ok",
    (cause) => `${cause.code} ${cause.message}`,
  );

test("P2: a function that writes another value each time is refused before the call, and writes nothing", async () => {
  const client = await stack.client();
  for (const text of [
    "insert into hubspot.contacts (email) values (public.bill())",
    "update hubspot.contacts set email = public.bill()",
  ]) {
    const refused = await client.query(text).catch((cause) => cause);
    expect(refused).toMatchObject({ code: "0A000", message: expect.stringContaining("other tables") });
  }
  expect(stack.writes()).toEqual([]);
  expect((await client.query("select from public.invoices")).rowCount).toBe(0);
});

test("P2: a function that writes one value every time is run, and its rows are there once", async () => {
  const client = await stack.client();
  await client.query("insert into hubspot.contacts (email) values (public.audit())");
  expect(stack.writes()).toHaveLength(1);
  expect((await client.query("select contact from public.invoices")).rows).toEqual([{ contact: "audit" }]);
});

test("P2: a trigger's write to another table counts as well", async () => {
  await stack.admin.query(`create function public.stamp() returns trigger language plpgsql as
    $$begin insert into public.invoices (no) values (nextval('public.numbers')) returning 's' || no into new.firstname; return new; end$$;
    create trigger stamp before insert on hubspot.contacts for each row
      when (session_user <> 'throughline') execute function public.stamp()`);
  const client = await stack.client();
  const refused = await client
    .query("insert into hubspot.contacts (email) values ('t@example.com')")
    .catch((cause) => cause);
  expect(refused).toMatchObject({ code: "0A000" });
  expect(stack.writes()).toEqual([]);
});

test("P2: writes of the transaction before the statement don't count", async () => {
  const client = await stack.client();
  await client.query("begin");
  await client.query("insert into public.invoices values (1)");
  await client.query(
    "insert into hubspot.contacts (email) values ('n' || nextval('public.numbers') || '@example.com')",
  );
  await client.query("commit");
  const { rows } = await client.query("select email from hubspot.contacts where email like 'n%'");
  expect(stack.sandbox.records("contacts").map(({ properties }) => properties["email"])).toContain(rows[0].email);
});

test("P2: a function that writes another value each time into a mirror's local column is refused before the call", async () => {
  await stack.admin.query(`alter table hubspot.contacts add column note text;
    create function public.note() returns text language sql as $$update hubspot.contacts
      set note = nextval('public.numbers') || '@example.com' where email = 'ada@example.com' returning note$$`);
  await migrateAll(stack.opened, { dryRun: false });
  const client = await stack.client();
  const said = await told(client.query("insert into hubspot.contacts (email) values (public.note())"));
  const { rows } = await stack.admin.query("select note from hubspot.contacts where email = 'ada@example.com'");
  expect(said).toMatch(/^0A000/);
  expect({ writes: stack.writes(), rows }).toEqual({ writes: [], rows: [{ note: null }] });
});

test("P2: a function that writes another value each time into a foreign table is refused", async () => {
  await stack.admin.query(`create extension postgres_fdw;
    create server back foreign data wrapper postgres_fdw
      options (host '127.0.0.1', port '${new URL(inject("postgres")).port}', dbname '${stack.database}');
    create user mapping for app server back options (user 'app', password 'app', password_required 'false');
    create foreign table public.remote (no bigint) server back options (table_name 'invoices', schema_name 'public');
    create function public.bill_there() returns text language sql as
      $$insert into public.remote values (nextval('public.numbers')) returning 'i' || no || '@example.com'$$;
    grant all on public.remote to app; grant usage on foreign server back to app`);
  const client = await stack.client();
  expect(await told(client.query("insert into hubspot.contacts (email) values (public.bill_there())"))).toMatch(
    /^0A000/,
  );
});
