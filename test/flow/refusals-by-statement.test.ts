// Statements that are refused by their shape: each with its SQLSTATE, a hint that says what to do, and no request.

import { afterAll, beforeAll, expect, test } from "vitest";
import { pastGuard } from "../support/past-guard.js";
import { type Stack, startStack } from "../support/stack.js";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ seed: [{ email: "ada@x.com" }, { email: "bob@x.com" }] });
  await stack.admin.query(`grant truncate on hubspot.contacts to app; create sequence public.numbers; create table public.local (no int);
    create function public.numbered() returns text language sql as $$insert into public.local values (nextval('public.numbers')) returning no || '@x.com'$$;
    grant all on public.local, public.numbers to app`);
  stack.sandbox.clearLog();
});
afterAll(() => stack.close());

const insert = "insert into hubspot.contacts (email) values ('new@x.com')";
const rows = (n: number) => Array.from({ length: n }, (_, i) => `('r${i}@x.com')`).join(", ");

interface Refused {
  readonly what: string;
  readonly before?: readonly string[];
  readonly sql: string;
  readonly code: string;
  readonly hint: RegExp;
}

const list: readonly Refused[] = [
  {
    what: "SERIALIZABLE",
    before: ["begin isolation level serializable"],
    sql: insert,
    code: "0A000",
    hint: /READ COMMITTED/,
  },
  {
    what: "an unknown mode",
    before: ["set throughline.transaction = 'compensate'"],
    sql: insert,
    code: "0A000",
    hint: /single/,
  },
  {
    what: "a transaction in mode autocommit",
    before: ["set throughline.transaction = 'autocommit'", "begin"],
    sql: insert,
    code: "0A000",
    hint: /outside BEGIN/,
  },
  {
    what: "another client_encoding",
    before: ["set client_encoding = 'latin1'"],
    sql: insert,
    code: "0A000",
    hint: /UTF8/,
  },
  {
    what: "strings with backslashes",
    before: ["set standard_conforming_strings = off"],
    sql: insert,
    code: "0A000",
    hint: /standard_conforming_strings/,
  },
  { what: "TRUNCATE", sql: "truncate hubspot.contacts", code: "0A000", hint: /DELETE/ },
  {
    what: "dynamic SQL",
    sql: "do $$begin execute 'delete from hubspot.con' || 'tacts'; end$$",
    code: "0A000",
    hint: /statement of its own/,
  },
  {
    what: "more rows than one call takes",
    sql: `insert into hubspot.contacts (email) values ${rows(101)}`,
    code: "54000",
    hint: /at most 100/,
  },
  {
    what: "ten thousand rows",
    sql: "insert into hubspot.contacts (email) select i || '@x.com' from generate_series(1, 10000) i",
    code: "54000",
    hint: /at most 100/,
  },
  {
    what: "some inserts and some updates",
    sql: "insert into hubspot.contacts (email, firstname) values ('ada@x.com', 'x'), ('new@x.com', 'y') on conflict (email) do update set email = 'other@x.com'",
    code: "0A000",
    hint: /statements of their own/,
  },
  {
    what: "a delete and an update in one statement",
    sql: "with d as (delete from hubspot.contacts where email = 'ada@x.com') update hubspot.contacts set firstname = 'x' where email = 'bob@x.com'",
    code: "0A000",
    hint: /statements of their own/,
  },
  {
    what: "what writes elsewhere, and differently each time",
    sql: "insert into hubspot.contacts (email) values (public.numbered())",
    code: "0A000",
    hint: /statement of their own/,
  },
  {
    what: "a key of one's own",
    sql: "insert into hubspot.contacts (id, email) values ('7', 'new@x.com')",
    code: "428C9",
    hint: /RETURNING/,
  },
  {
    what: "another key",
    sql: "update hubspot.contacts set id = '7' where email = 'ada@x.com'",
    code: "428C9",
    hint: /RETURNING/,
  },
  {
    what: "a computed column",
    sql: "update hubspot.contacts set createdate = now()",
    code: "428C9",
    hint: /Nothing was sent/,
  },
  {
    what: "a placeholder in a value",
    sql: "with n as (insert into hubspot.contacts (email) values ('new@x.com') returning id) update hubspot.contacts set firstname = (select id from n) where email = 'ada@x.com'",
    code: "0A000",
    hint: /statements of their own/,
  },
  {
    what: "the placeholder of its own key",
    sql: "insert into hubspot.contacts (email, firstname) select 'new@x.com', column_default from information_schema.columns where table_schema = 'hubspot' and column_name = 'id'",
    code: "0A000",
    hint: /Nothing was sent/,
  },
];

test.each(list)("$what", async ({ before = [], sql, code, hint }) => {
  for (const queryMode of ["simple", "extended"]) {
    const client = await stack.client();
    for (const text of before) await client.query(text);
    const asked = queryMode === "extended" ? { text: sql, queryMode } : { text: sql };
    const error = await client.query(asked).then(
      () => ({ code: "accepted", hint: "" }),
      (cause) => cause,
    );
    expect([error.code, error.hint], error.message).toEqual([code, expect.stringMatching(hint)]);
    await client.end();
  }
  expect(stack.sandbox.log).toEqual([]);
});

test("a second write in a transaction is refused, and only the first was sent", async () => {
  const client = await stack.client();
  await client.query("begin");
  await client.query("insert into hubspot.contacts (email) values ('first@x.com')");
  const error = await client.query(insert).catch((cause) => cause);
  expect(error).toMatchObject({ code: "0A000", hint: expect.stringContaining("immediate") });
  await client.query("rollback");
  expect(stack.writes()).toHaveLength(1);
});

test("P1: an UPDATE of ten thousand rows is refused at the first row too many", async () => {
  await pastGuard(
    stack.admin,
    "hubspot.contacts",
    "insert into hubspot.contacts (id, email) select 'many' || i, 'many' || i || '@x.com' from generate_series(1, 10000) i",
  );
  await stack.admin.query(`create sequence public.seen; grant all on public.seen to app`);
  const client = await stack.client();
  stack.sandbox.clearLog();
  const error = await client
    .query("update hubspot.contacts set firstname = 'n' || nextval('public.seen') where id like 'many%'")
    .catch((cause) => cause);
  expect(error).toMatchObject({ code: "54000", hint: expect.stringContaining("at most 100") });
  // A sequence is not undone: it tells how many rows were looked at.
  expect((await stack.admin.query("select last_value from public.seen")).rows).toEqual([{ last_value: "101" }]);
  expect(stack.sandbox.log).toEqual([]);
});
