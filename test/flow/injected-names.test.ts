// The statements that we inject find Postgres's own names, whatever the client's search_path leads to first.

import { serialize } from "pg-protocol";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { asAdmin } from "../../src/app/open.js";
import { addLocalColumn } from "../../src/mirror/local-column.js";
import { refused } from "../support/answers.js";
import { castShadow, sprungTraps } from "../support/shadow-schema.js";
import { type Stack, startStack } from "../support/stack.js";
import { unqualifiedNames } from "../support/unqualified-names.js";

const injectedTexts = new Set<string>();
let stack: Stack;
beforeAll(async () => {
  const { parse } = serialize;
  vi.spyOn(serialize, "parse").mockImplementation((query) => {
    if (query.name === "_throughline") injectedTexts.add(query.text);
    return parse(query);
  });
  const seed = [{ email: "ada@example.com" }, { email: "bob@example.com" }];
  stack = await startStack({ seed, prepare: (database) => castShadow(database, "app"), timeoutMs: 500 });
  await asAdmin(stack.opened, (admin) =>
    addLocalColumn(admin, { api: "hubspot", resource: "contacts", name: "note" }, "text"),
  );
  await stack.admin.query(`grant create on schema public to app; create table public.cities (name text primary key);
    alter table hubspot.contacts add constraint lives_in foreign key (country) references public.cities deferrable`);
});
afterAll(async () => {
  vi.restoreAllMocks();
  await stack.close();
});

const statements: readonly string[] = [
  "insert into hubspot.contacts (email) values ('eve@example.com') returning id, email",
  "update hubspot.contacts set firstname = 'Ada', note = 'mine'",
  "insert into hubspot.contacts (email) values ('eve@example.com') on conflict (email) do update set firstname = 'Eve'",
  "explain insert into hubspot.contacts (email) values ('flo@example.com')",
  "set throughline.dry_run = on; delete from hubspot.contacts; set throughline.dry_run = off",
  "prepare p as update hubspot.contacts set lastname = 'L'; execute p",
  "do $$begin update hubspot.contacts set city = 'C'; end$$",
  `create function public.inner_put() returns void language plpgsql as $$begin update hubspot.contacts set zip = '1'; end$$;
   create function public.outer_put() returns void language plpgsql as $$begin perform public.inner_put(); end$$`,
  "select public.outer_put()",
  "begin; savepoint s; update hubspot.contacts set city = 'D'; rollback to s; commit",
  "set throughline.transaction = immediate; begin; update hubspot.contacts set city = 'E'; savepoint s; update hubspot.contacts set city = 'F'; rollback to s; insert into hubspot.contacts (email) values ('gus@example.com'); commit; set throughline.transaction = single",
  "begin; update hubspot.contacts set firstname = 'Undone'; rollback",
  "set throughline.chunk = on; insert into hubspot.contacts (email) select pg_catalog.format('m%s@example.com', n) from pg_catalog.generate_series(1, 150) n; set throughline.chunk = off",
  "delete from hubspot.contacts where email operator(pg_catalog.=) 'm1@example.com'",
];

test.each(statements)("a client with such a search_path is answered: %s", async (sql) => {
  const client = await stack.client();
  expect(await refused(client.query(sql))).toEqual({ code: "accepted" });
  expect(await sprungTraps(stack.admin)).toBe(0);
});

test("a client with such a search_path that hides warnings, or prepares its transaction, is answered", async () => {
  const client = await stack.client();
  await client.query("set client_min_messages = error");
  await client.query("insert into hubspot.contacts (email) values ('kim@example.com')");
  await client.query("begin; insert into hubspot.contacts (email) values ('lea@example.com')");
  expect(await refused(client.query("prepare transaction 'p'"))).toMatchObject({ code: "0A000" });
  await client.query("rollback");
  expect(await sprungTraps(stack.admin)).toBe(0);
});

test("a client with such a search_path is refused what the API refuses, and told what nobody knows", async () => {
  const client = await stack.client();
  const insert = (email: string) => refused(client.query(`insert into hubspot.contacts (email) values ('${email}')`));
  expect(await insert("no address")).toMatchObject({ code: "22P02" });
  stack.sandbox.fault({ kind: "hang-up-after", on: { path: "*/contacts" } });
  expect(await insert("hal@example.com")).toMatchObject({ code: "TL007" });
  const open = async () =>
    (await stack.admin.query("select count(*)::int as n from throughline.journal where closed_at is null")).rows;
  await expect.poll(open).toEqual([{ n: 0 }]);
  expect(await sprungTraps(stack.admin)).toBe(0);
});

/** What only we call, in the order of a write. */
const called =
  "to_regclass has_schema_privilege pg_get_function_sqlbody set_config pg_current_xact_id_if_assigned plan planned lock stage close undone refuse".split(
    " ",
  );

test("no statement that was injected has a name that the search_path could lead elsewhere", async () => {
  const all = [...injectedTexts];
  expect(called.filter((name) => !all.some((sql) => sql.includes(`.${name}(`)))).toEqual([]);
  for (const sql of all) expect([sql, await unqualifiedNames(sql)]).toEqual([sql, []]);
});
