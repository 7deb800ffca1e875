// Statements that are refused for the tables that they meet: rows of two mirrors, a trigger that fires behind the guard. Each has
// its SQLSTATE, a hint that says what to do, and no request.

import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { refused } from "../support/answers.js";
import { type Stack, startStack } from "../support/stack.js";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ seed: [{ email: "ada@x.com", firstname: "Ada" }], tables: ["contacts", "companies"] });
  stack.sandbox.seed("companies", [{ name: "Acme" }]);
  await stack.pull();
});
afterAll(() => stack.close());
beforeEach(() => stack.sandbox.clearLog());

const rows = async () =>
  (
    await stack.admin.query(
      "select email, firstname from hubspot.contacts union all select name, domain from hubspot.companies",
    )
  ).rows;
const there = [
  { email: "ada@x.com", firstname: "Ada" },
  { email: "Acme", firstname: null },
];

test.each([
  [
    "two inserts",
    "with c as (insert into hubspot.contacts (email) values ('new@x.com')) insert into hubspot.companies (name) values ('New')",
  ],
  [
    "two updates",
    "with c as (update hubspot.contacts set firstname = 'x' returning id) update hubspot.companies set domain = 'x.com' where exists (select from c)",
  ],
  [
    "an update and a delete",
    "with d as (delete from hubspot.companies returning name) update hubspot.contacts set firstname = (select name from d)",
  ],
])("P1: rows of two mirrors in one statement are refused, with no request: %s", async (_, sql) => {
  for (const queryMode of ["simple", "extended"]) {
    const client = await stack.client();
    const asked = queryMode === "extended" ? { text: sql, queryMode } : { text: sql };
    expect(await refused(client.query(asked))).toMatchObject({
      code: "0A000",
      hint: "Write to one mirror table per statement.",
    });
  }
  expect(stack.sandbox.log).toEqual([]);
  expect(await rows()).toEqual(there);
});

test("P1: a write that a user's trigger makes to a second mirror is refused as well", async () => {
  await stack.admin.query(`create function public.twice() returns trigger language plpgsql as $$begin update hubspot.companies set domain = 'x.com'; return null; end$$;
    create trigger twice after update on hubspot.contacts for each row execute function public.twice()`);
  const client = await stack.client();
  const error = await refused(client.query("update hubspot.contacts set firstname = 'x'"));
  await stack.admin.query("drop trigger twice on hubspot.contacts");
  expect(error).toMatchObject({ code: "0A000", hint: "Write to one mirror table per statement." });
  expect(stack.sandbox.log).toEqual([]);
  expect(await rows()).toEqual(there);
});

test.each(["insert into hubspot.contacts (email) values ('new@x.com')", "update hubspot.contacts set firstname = 'x'"])(
  "P3: a trigger of the user's that sorts after ours could change what the API reported, and is refused by name: %s",
  async (sql) => {
    await stack.admin.query(`create or replace function public.loud() returns trigger language plpgsql as $$begin new.firstname = 'Loud'; return new; end$$;
      create trigger "~~loud" before insert or update on hubspot.contacts for each row execute function public.loud()`);
    const client = await stack.client();
    const error = await refused(client.query(sql));
    await stack.admin.query(`drop trigger "~~loud" on hubspot.contacts`);
    expect(error).toMatchObject({
      code: "0A000",
      message: expect.stringContaining(`trigger "~~loud"`),
      hint: `Nothing was sent. Rename it, so that it fires before "~throughline".`,
    });
    expect(stack.sandbox.log).toEqual([]);
    expect(await rows()).toEqual(there);
  },
);
