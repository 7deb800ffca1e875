// A string of several statements with writes to a mirror among them is one transaction, as Postgres has it.

import { serialize } from "pg-protocol";
import { beforeEach, expect, test } from "vitest";
import { type Stack, startStack } from "../support/stack.js";
import { shown, WireClient } from "../support/wire.js";

let stack: Stack;
beforeEach(async () => {
  stack = await startStack({ seed: [{ email: "ada@x.com" }] });
  await stack.admin.query(
    "create table public.ledger (no int primary key); create table public.late (no int unique deferrable initially deferred); insert into public.late values (1); grant all on public.ledger, public.late to app; grant create on schema public to app",
  );
  stack.sandbox.clearLog();
  return () => stack.close();
});

const write = (name: string) => `insert into hubspot.contacts (email) values ('${name}@x.com')`;

/** What the client gets for `text`, and how many ledger rows and calls there are afterwards. */
async function run(text: string, before: string): Promise<{ said: string[]; rows: number; calls: number }> {
  const wire = await WireClient.login(stack.port, "app", stack.database);
  wire.send(serialize.query(before));
  await wire.until("Z");
  wire.send(serialize.query(text));
  const said = shown(await wire.until("Z"));
  wire.send(serialize.query("rollback"));
  await wire.until("Z");
  wire.close();
  const { rowCount } = await stack.admin.query("select from public.ledger");
  return { said, rows: rowCount ?? 0, calls: stack.writes().length };
}

const answersTo = async (text: string, before = "") => {
  const wire = await WireClient.login(stack.port, "app", stack.database);
  let last: string[] = [];
  for (const sql of [before, text]) {
    wire.send(serialize.query(sql));
    last = shown(await wire.until("Z"));
  }
  wire.close();
  return last;
};

const scripts: readonly (readonly [text: string, said: string[], rows: number, calls: number, before: string])[] = [
  [`insert into public.ledger values (1); ${write("a")}`, ["C INSERT 0 1", "C INSERT 0 1", "Z I"], 1, 1, ""],
  [
    `${write("a")} returning email; select 1`,
    ["T", "D a@x.com", "C INSERT 0 1", "T", "D 1", "C SELECT 1", "Z I"],
    0,
    1,
    "",
  ],
  [
    `insert into public.ledger values (1); ${write("no")}; select 1/0`,
    ["C INSERT 0 1", "C INSERT 0 1", "E 22012", "N 01000", "Z I"],
    0,
    1,
    "",
  ],
  [
    `insert into public.ledger values (1); insert into hubspot.contacts (email) values ('bad'); select 2`,
    ["C INSERT 0 1", "E 22P02", "Z I"],
    0,
    1,
    "",
  ],
  [`${write("a")}; ${write("b")}`, ["C INSERT 0 1", "E 0A000", "N 01000", "Z I"], 0, 1, ""],
  [
    `begin; ${write("a")}; insert into public.ledger values (1); commit`,
    ["C BEGIN", "C INSERT 0 1", "C INSERT 0 1", "C COMMIT", "Z I"],
    1,
    1,
    "",
  ],
  [`begin; ${write("a")}; rollback`, ["C BEGIN", "C INSERT 0 1", "C ROLLBACK", "N 01000", "Z I"], 0, 1, ""],
  [
    `insert into public.ledger values (1); begin; ${write("a")}`,
    ["C INSERT 0 1", "C BEGIN", "C INSERT 0 1", "Z T"],
    0,
    1,
    "",
  ],
  [
    `insert into public.ledger values (1); commit; ${write("a")}; select 1/0`,
    ["C INSERT 0 1", "N 25P01", "C COMMIT", "C INSERT 0 1", "E 22012", "N 01000", "Z I"],
    1,
    1,
    "",
  ],
  [`savepoint s; ${write("a")}`, ["E 25P01", "Z I"], 0, 0, ""],
  [
    `release s; savepoint s; ${write("a")}`,
    ["C RELEASE", "C SAVEPOINT", "C INSERT 0 1", "Z T"],
    0,
    1,
    "begin; savepoint s",
  ],
  [
    `start transaction isolation level serializable; ${write("a")}`,
    ["C START TRANSACTION", "E 0A000", "Z E"],
    0,
    0,
    "",
  ],
  [`vacuum; ${write("a")}`, ["E 25001", "Z I"], 0, 0, ""],
  [
    `begin; insert into public.late values (1); commit; ${write("a")}`,
    ["C BEGIN", "C INSERT 0 1", "E 23505", "Z I"],
    0,
    0,
    "",
  ],
  [`;; ${write("a")} ;;`, ["C INSERT 0 1", "Z I"], 0, 1, ""],
  [`prepare p as ${write("a")}; execute p`, ["C PREPARE", "C INSERT 0 1", "Z I"], 0, 1, ""],
];

test.each(scripts)("%s", async (text, said, rows, calls, before) => {
  expect(await run(text, before)).toEqual({ said, rows, calls });
  const mirrored = (await stack.admin.query("select email from hubspot.contacts")).rows
    .map(({ email }) => email)
    .sort();
  expect(mirrored).toEqual(
    stack.sandbox
      .records("contacts")
      .map(({ properties }) => properties["email"])
      .sort(),
  );
});

test("P9: a string with COPY data in it goes to Postgres as it came, and the guard refuses its write", async () => {
  const wire = await WireClient.login(stack.port, "app", stack.database);
  wire.send(serialize.query(`copy public.ledger from stdin; ${write("a")}`));
  await wire.until("G");
  wire.send(serialize.copyData(Buffer.from("1\n")), serialize.copyDone());
  expect(shown(await wire.until("Z"))).toEqual(["C COPY 1", "E 0A000", "Z I"]);
  expect(stack.sandbox.log).toEqual([]);
  wire.close();
});

test.each([
  ["of a write", "select 'é'; insert into hubspot.contacts (nonsense) values ('é'); select 1"],
  ["of a piece beside it", `select '日本'; ${write("place")}; select 'é', nonsense`],
  ["of the first", `select nonsense; ${write("place")}`],
])("P10: the position of an error counts the characters of the whole string: %s", async (_, text) => {
  const client = await stack.client();
  const error = await client.query(text).catch((cause: unknown) => cause);
  expect(error).toMatchObject({ code: "42703", position: String([...(text.split("nonsense")[0] ?? "")].length + 1) });
});

test("P15: what a string of many statements costs on the way to Postgres grows with its length, not with its square", async () => {
  const wire = await WireClient.login(stack.port, "app", stack.database);
  const longest = async (count: number) => {
    const string = "update hubspot.contacts set firstname = 'x' where false;select 1;".repeat(count);
    wire.send(serialize.query(string));
    expect(shown(await wire.until("Z")).filter((line) => line.startsWith("C"))).toHaveLength(2 * count);
    const { rows } = await stack.admin.query<{ bytes: number }>(
      "select max(length(query)) as bytes from pg_stat_activity where usename = 'app' and datname = current_database()",
    );
    return rows[0]?.bytes ?? 0;
  };
  await longest(2);
  // The last statement is the string's last: behind no blanks it is as long as any.
  expect(await longest(40)).toBe(await longest(2));
});

test("a function that is created, called and dropped in one string writes once, as Sequelize does", async () => {
  const client = await stack.client();
  const results =
    await client.query(`CREATE OR REPLACE FUNCTION pg_temp.testfunc(OUT response "hubspot"."contacts", OUT sequelize_caught_exception text) RETURNS RECORD AS $func$
    BEGIN INSERT INTO "hubspot"."contacts" ("email") VALUES ('found@x.com') RETURNING * INTO response;
    EXCEPTION WHEN unique_violation THEN GET STACKED DIAGNOSTICS sequelize_caught_exception = PG_EXCEPTION_DETAIL; END $func$ LANGUAGE plpgsql;
    SELECT (testfunc.response)."email", testfunc.sequelize_caught_exception FROM pg_temp.testfunc(); DROP FUNCTION IF EXISTS pg_temp.testfunc();`);
  expect([results].flat().map(({ rows }) => rows)).toEqual([
    [],
    [{ email: "found@x.com", sequelize_caught_exception: null }],
    [],
  ]);
  expect(stack.writes()).toHaveLength(1);
});

test("PREPARE TRANSACTION after a write is refused in a string as well", async () => {
  expect(await answersTo(`begin; ${write("a")}; prepare transaction 'x'`)).toEqual([
    "C BEGIN",
    "C INSERT 0 1",
    "E 0A000",
    "Z E",
  ]);
});

test("a string whose transaction commands Postgres refuses sends no write", async () => {
  expect(await answersTo(`${write("a")}; commit prepared 'x'`)).toEqual(["E 25001", "Z I"]);
  expect(await answersTo(`select 1; begin isolation level serializable; ${write("b")}`)).toEqual([
    "T",
    "D 1",
    "C SELECT 1",
    "E 25001",
    "Z I",
  ]);
});

test("COMMIT AND CHAIN in a string that is a transaction of its own is an error", async () => {
  expect(await answersTo(`${write("c")}; commit and chain; select 1`)).toEqual([
    "C INSERT 0 1",
    "E 25P01",
    "N 01000",
    "Z I",
  ]);
});

test("a string that first leaves a failed transaction may write", async () => {
  expect(await answersTo(`rollback to s; ${write("a")}`, "begin; savepoint s; select 1/0")).toEqual([
    "C ROLLBACK",
    "C INSERT 0 1",
    "Z T",
  ]);
});
