// DO blocks and functions with writes to a mirror: what they leave is what Postgres leaves, or they are refused before the call.

import { serialize } from "pg-protocol";
import { beforeEach, expect, test } from "vitest";
import { refused } from "../support/answers.js";
import { type Stack, startStack } from "../support/stack.js";
import { shown, WireClient } from "../support/wire.js";

let stack: Stack;
beforeEach(async () => {
  stack = await startStack({ timeoutMs: 800, seed: [{ email: "ada@x.com", firstname: "Ada" }] });
  await stack.admin.query(
    "create table public.orders (no int, note text); grant all on public.orders to app; grant create on schema public to app",
  );
  stack.sandbox.clearLog();
  return () => stack.close();
});
const insert = (name: string) => `insert into hubspot.contacts (email) values ('${name}@x.com')`;

test.each([
  `do $$ begin insert into hubspot.contacts (email) values ('ada@x.com'); insert into public.orders values (1, 'new');
    exception when unique_violation then
    update hubspot.contacts set firstname = 'again' where email = 'ada@x.com'; insert into public.orders values (2, 'there'); end $$`,
  `do $$ begin insert into hubspot.contacts (email) values ('ada@x.com'); insert into public.orders values (1, 'new');
    exception when unique_violation then
    insert into hubspot.contacts (email) values ('ada+1@x.com'); insert into public.orders values (2, 'new'); end $$`,
])("P2: a block that undoes one write and makes another is refused before the call", async (block) => {
  const client = await stack.client();
  expect(await refused(client.query(block))).toMatchObject({ code: "0A000" });
  expect(stack.writes()).toEqual([]);
  expect((await stack.admin.query("select from public.orders")).rowCount).toBe(0);
});

test("a function or DO block whose INSERTs all meet their conflict does nothing, as in Postgres", async () => {
  const client = await stack.client();
  await client.query(
    "create function public.ensure(text) returns int language sql as $$insert into hubspot.contacts (email) values ($1) on conflict (email) do nothing; select 1$$",
  );
  expect(await refused(client.query("select public.ensure('ada@x.com')"))).toEqual({ code: "accepted" });
  expect(
    await refused(client.query(`do $$begin ${insert("ada")}; exception when unique_violation then null; end$$`)),
  ).toEqual({ code: "accepted" });
});

test("Sequelize's findOrCreate finds a row that is there, and makes no call", async () => {
  const client = await stack.client();
  const results =
    await client.query(`CREATE OR REPLACE FUNCTION pg_temp.testfunc(OUT response "hubspot"."contacts", OUT sequelize_caught_exception text) RETURNS RECORD AS $func$
    BEGIN INSERT INTO "hubspot"."contacts" ("email") VALUES ('ada@x.com') RETURNING * INTO response;
    EXCEPTION WHEN unique_violation THEN GET STACKED DIAGNOSTICS sequelize_caught_exception = PG_EXCEPTION_DETAIL; END $func$ LANGUAGE plpgsql;
    SELECT (testfunc.response)."email", testfunc.sequelize_caught_exception FROM pg_temp.testfunc(); DROP FUNCTION IF EXISTS pg_temp.testfunc();`);
  expect([results].flat()[1]?.rows).toEqual([
    { email: null, sequelize_caught_exception: "Key (email)=(ada@x.com) already exists." },
  ]);
});

test("a function that writes is refused when its rows are fetched in portions", async () => {
  const wire = await WireClient.login(stack.port, "app", stack.database);
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

test("two UPDATEs of one row in a DO block are not refused as worth a retry", async () => {
  const client = await stack.client();
  const block =
    "update hubspot.contacts set firstname = 'A' where email = 'ada@x.com'; update hubspot.contacts set lastname = 'B' where email = 'ada@x.com';";
  expect((await refused(client.query(`do $$begin ${block} end$$`))).code).not.toBe("40001");
});
