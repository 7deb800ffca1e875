// The messages that answer a write to a mirror are those that Postgres answers with.

import { serialize } from "pg-protocol";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type Stack, startStack } from "../support/stack.js";
import { shown, WireClient } from "../support/wire.js";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
  await stack.admin.query("create table public.account (id int primary key, contact text, name text)");
  await stack.admin.query("grant all on public.account to app");
});
afterAll(() => stack.close());
beforeEach(() => stack.sandbox.clearLog());

test("a simple Query answers with the messages that Postgres answers with", async () => {
  const wire = await WireClient.login(stack.port, "app", stack.database);
  wire.send(serialize.query("insert into hubspot.contacts (email) values ('simple@example.com') returning email"));
  expect(shown(await wire.until("Z"))).toEqual(["T", "D simple@example.com", "C INSERT 0 1", "Z I"]);
  wire.send(serialize.query("insert into hubspot.contacts (email) values ('simple2@example.com')"));
  expect(shown(await wire.until("Z"))).toEqual(["C INSERT 0 1", "Z I"]);
  wire.send(serialize.query("update hubspot.contacts set email = 'no' where email = 'simple@example.com'"));
  expect(shown(await wire.until("Z"))).toEqual(["E 22P02", "Z I"]);
  wire.close();
});

test("a named statement, binary formats and a row limit are Postgres's own", async () => {
  const wire = await WireClient.login(stack.port, "app", stack.database);
  const text =
    "insert into hubspot.contacts (email, annualrevenue) select $1 || n || '@limit.example', n from generate_series(1, 3) n returning email, annualrevenue::int8 as n";
  wire.send(
    serialize.parse({
      name: "ins",
      text: text,
      types: [25],
    }),
    serialize.describe({ type: "S", name: "ins" }),
    serialize.sync(),
  );
  expect(shown(await wire.until("Z"))).toEqual(["1", "t", "T", "Z I"]);
  wire.send(
    serialize.bind({ portal: "p", statement: "ins", values: ["a"], binary: true }),
    serialize.execute({ portal: "p", rows: 2 }),
    serialize.execute({ portal: "p", rows: 2 }),
    serialize.sync(),
  );
  const messages = await wire.until("Z");
  expect(messages.map(({ type }) => type)).toEqual(["2", "D", "D", "s", "D", "C", "Z"]);
  const first = messages[1]?.bytes ?? Buffer.alloc(0);
  expect(first.readBigInt64BE(first.length - 8)).toBe(1n);
  wire.send(serialize.bind({ statement: "ins", values: ["b"] }), serialize.execute({}), serialize.sync());
  expect(shown(await wire.until("Z"))).toEqual([
    "2",
    "D b1@limit.example|1",
    "D b2@limit.example|2",
    "D b3@limit.example|3",
    "C INSERT 0 3",
    "Z I",
  ]);
  expect(stack.writes()).toHaveLength(2);
  wire.close();
});

test("a statement that was prepared and described in one flight is bound in another", async () => {
  const wire = await WireClient.login(stack.port, "app", stack.database);
  wire.send(
    serialize.parse({ text: "insert into hubspot.contacts (email) values ($1) returning email" }),
    serialize.describe({ type: "S" }),
    serialize.sync(),
  );
  expect(shown(await wire.until("Z"))).toEqual(["1", "t", "T", "Z I"]);
  wire.send(serialize.bind({ values: ["libpq@example.com"] }), serialize.execute({}), serialize.sync());
  expect(shown(await wire.until("Z"))).toEqual(["2", "D libpq@example.com", "C INSERT 0 1", "Z I"]);
  wire.close();
});

test("a mirror write inside a pipeline takes part in its one transaction", async () => {
  const wire = await WireClient.login(stack.port, "app", stack.database);
  const local = (id: number) => [
    serialize.parse({ text: `insert into public.account values (${id}, null, 'pipe')` }),
    serialize.bind({}),
    serialize.execute({}),
  ];
  const mirror = (email: string) => [
    serialize.parse({ text: "insert into hubspot.contacts (email) values ($1) returning email" }),
    serialize.bind({ values: [email] }),
    serialize.execute({}),
  ];
  wire.send(...local(10), ...mirror("pipe1@example.com"), ...local(11), serialize.sync());
  expect(shown(await wire.until("Z"))).toEqual([
    "1",
    "2",
    "C INSERT 0 1",
    "1",
    "2",
    "D pipe1@example.com",
    "C INSERT 0 1",
    "1",
    "2",
    "C INSERT 0 1",
    "Z I",
  ]);
  // The second local row fails: what came before it is undone here, and the accepted row stays in the mirror.
  wire.send(...local(12), ...mirror("pipe2@example.com"), ...local(12), serialize.sync());
  const answers = shown(await wire.until("Z"));
  expect(answers.slice(-3)).toEqual(["E 23505", "N 01000", "Z I"]);
  const found = await stack.admin.query("select id from public.account where id >= 10 order by id");
  expect(found.rows).toEqual([{ id: 10 }, { id: 11 }]);
  expect((await stack.admin.query("select from hubspot.contacts where email like 'pipe_@example.com'")).rowCount).toBe(
    2,
  );
  // A failing Parse in front of it: no call.
  stack.sandbox.clearLog();
  wire.send(serialize.parse({ text: "selec" }), ...mirror("pipe3@example.com"), serialize.sync());
  expect(shown(await wire.until("Z"))).toEqual(["E 42601", "Z I"]);
  expect(stack.writes()).toEqual([]);
  wire.close();
});
