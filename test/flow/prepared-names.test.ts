// What a name has come to mean since it was given, what a transaction has done since it began, and what a session wants to hear.

import { serialize } from "pg-protocol";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { numberOf } from "../../src/manifest/lossless-json.js";
import { refused } from "../support/answers.js";
import { conversation } from "../support/conversation.js";
import { startThings, type Things } from "../support/things.js";
import { WireClient } from "../support/wire.js";

let things: Things;
beforeAll(async () => {
  things = await startThings();
});
afterAll(() => things.close());
beforeEach(() => things.reset());

const set = (label: string, target: string) => `update mirror.things set label = '${label}' where target = '${target}'`;

test("P8: what a partial call has left counts as undone by a rollback to a savepoint", async () => {
  const client = await things.client();
  await client.query("set throughline.transaction = immediate");
  await client.query("begin");
  await client.query(set("x", "b"));
  await client.query("savepoint s");
  const both = "update mirror.things set label = case target when 'a' then 'bad' else 'y' end where origin = 1";
  expect(await refused(client.query(both))).toMatchObject({ code: "TL001" });
  expect(things.api.record("b")).toMatchObject({ label: "y" });
  await client.query("rollback to s");
  expect(await refused(client.query(set("x", "b")))).toMatchObject({ code: "0A000" });
  await client.query("commit");
});

test.each([
  ["a time finer than a microsecond", { at: "2026-02-03T04:05:06.1239996Z" }],
  ["a number finer than a double", { ratio: numberOf("0.12345678901234567890") }],
])("P10: immediate takes two writes of a row with %s", async (_, fields) => {
  things.api.add({ origin: 1, target: "z", label: "zed", ...fields });
  await things.pull();
  const client = await things.client();
  await client.query("set throughline.transaction = immediate");
  await client.query("begin");
  expect((await client.query(set("z1", "z"))).rowCount).toBe(1);
  expect((await client.query(set("z2", "z"))).rowCount).toBe(1);
  await client.query("commit");
  expect(things.api.record("z")).toMatchObject({ label: "z2" });
});

test("P10: a name of more bytes than Postgres keeps is one", async () => {
  const wire = await WireClient.login(things.port, "app", things.database);
  const name = "n".repeat(70);
  const parse = serialize.parse({ name, text: set("long", "a") });
  const said = await wire.ask(parse, serialize.bind({ statement: name }), serialize.execute({}), serialize.sync());
  wire.close();
  expect(said).toEqual(["1", "2", "C UPDATE 1", "Z I"]);
});

test.each(["plain", "mirror"])(
  "P10: a PREPARE that fails leaves the name to the write that has it: %s",
  async (schema) => {
    const client = await things.client();
    const prepare = (label: string) => `prepare p as update ${schema}.things set label = '${label}' where target = 'a'`;
    await client.query(prepare("first"));
    await refused(client.query(prepare("second")));
    expect((await client.query("execute p")).rowCount).toBe(1);
    const { rows } = await client.query(`select label from ${schema}.things where target = 'a'`);
    expect(rows).toEqual([{ label: "first" }]);
  },
);

test("P10: an EXECUTE that has a name itself is of what its name means by then", async () => {
  const wire = await WireClient.login(things.port, "app", things.database);
  const run = [serialize.bind({ statement: "e" }), serialize.execute({}), serialize.sync()];
  await wire.ask(serialize.query(`prepare p as ${set("p1", "a")}`));
  const first = await wire.ask(serialize.parse({ name: "e", text: "execute p" }), ...run);
  await wire.ask(serialize.query("deallocate p"));
  await wire.ask(serialize.query(`prepare p as ${set("p2", "a")}`));
  const second = await wire.ask(...run);
  wire.close();
  expect(first).toEqual(["1", "2", "C UPDATE 1", "Z I"]);
  expect(second).toEqual(["2", "C UPDATE 1", "Z I"]);
});

test.each([
  "reindex (concurrently) table plain.things",
  "reindex schema plain",
  "cluster",
  "commit prepared 'x'",
  "rollback prepared 'x'",
])("P5: behind a write, a command that has to be alone is refused before anything is sent: %s", async (sql) => {
  const client = await things.client();
  expect(await refused(client.query(`${set("lone", "a")}; ${sql}`))).toMatchObject({ code: "25001" });
  expect(things.api.requests).toEqual([]);
});

test("P10: EXPLAIN of an EXECUTE with wrong values fails as on an ordinary table", async () => {
  const steps = (schema: string) => [
    [serialize.query(`prepare p (text) as update ${schema}.things set label = $1 where target = 'a'`)],
    "Z",
    [serialize.query("explain (costs off) execute p('x', 'y')")],
    "Z",
  ];
  const plain = await conversation(things.port, things.database, steps("plain"));
  expect(await conversation(things.port, things.database, steps("mirror"))).toEqual(plain);
});

test("P10: client_min_messages holds for what an EXPLAIN tells by a notice", async () => {
  const wire = await WireClient.login(things.port, "app", things.database);
  await wire.ask(serialize.query("set client_min_messages = warning"));
  const said = await wire.ask(serialize.query(`explain (format json) ${set("x", "a")}`));
  wire.close();
  expect(said.filter((one) => one.startsWith("N"))).toEqual([]);
});
