// A name that PREPARE or Parse has given means what it means when it is executed, on a mirror as on an ordinary table.

import { serialize } from "pg-protocol";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
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

test("P10: a statement name longer than Postgres keeps can be bound", async () => {
  const wire = await WireClient.login(things.port, "app", things.database);
  const name = "n".repeat(70);
  const parse = serialize.parse({ name, text: set("long", "a") });
  const said = await wire.ask(parse, serialize.bind({ statement: name }), serialize.execute({}), serialize.sync());
  wire.close();
  expect(said).toEqual(["1", "2", "C UPDATE 1", "Z I"]);
});

test.each(["plain", "mirror"])(
  "P10: a PREPARE of a name that is taken leaves it to its first write: %s",
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

test("P10: a prepared EXECUTE runs what its name means at that time", async () => {
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

describe("a PREPARE that fails leaves the name to the statement that has it", () => {
  test("P2: a write", async () => {
    const client = await things.client();
    await client.query("prepare put(text) as update mirror.things set label = $1 where target = 'a'");
    expect(await refused(client.query("prepare put as select 1"))).toMatchObject({ code: "42P05" });
    expect(await refused(client.query("execute put('kept')"))).toEqual({ code: "accepted" });
    expect(things.api.record("a")).toMatchObject({ label: "kept" });
  });

  test("P10: a read, which runs once", async () => {
    const client = await things.client();
    await client.query("create sequence public.numbers; prepare q as select nextval('public.numbers') as n");
    const write = client.query("prepare q as update mirror.things set label = 'x'");
    expect(await refused(write)).toMatchObject({ code: "42P05" });
    expect((await client.query("execute q")).rows).toEqual([{ n: "1" }]);
    expect((await client.query("execute q")).rows).toEqual([{ n: "2" }]);
  });
});
