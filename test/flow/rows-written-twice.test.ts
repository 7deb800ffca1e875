// A transaction that writes one row a second time, after a call has changed it and perhaps a savepoint has undone that here.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { numberOf } from "../../src/manifest/json-number.js";
import { mirrored, refused, upstream } from "../support/answers.js";
import { type Stack, startStack } from "../support/stack.js";
import { startThings, type Things } from "../support/things.js";

let things: Things;
beforeAll(async () => {
  things = await startThings();
});
afterAll(() => things.close());
beforeEach(() => things.reset());

const set = (label: string, target: string) => `update mirror.things set label = '${label}' where target = '${target}'`;

test("P8: after a rollback to a savepoint, a row of a partly accepted call is not written again", async () => {
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

describe.each(["single", "immediate"])(
  "P3: after ROLLBACK TO, a row that a call has changed is not written again: %s",
  (mode) => {
    let stack: Stack;
    beforeEach(async () => {
      stack = await startStack({ seed: [{ email: "ada@x.com", firstname: "Ada" }], waitMs: 8_000 });
      return () => stack.close();
    });
    const update = (name: string) => `update hubspot.contacts set firstname = '${name}' where email = 'ada@x.com'`;
    const remove = "delete from hubspot.contacts where email = 'ada@x.com'";

    test.each([
      ["the value that it had", update("Ada")],
      ["another value", update("Y")],
      ["DELETE", remove],
    ])("%s", async (_, again) => {
      const client = await stack.client();
      await client.query(`set throughline.transaction = '${mode}'`);
      await client.query("begin; savepoint s");
      await client.query(update("X"));
      await client.query("rollback to s");
      stack.sandbox.clearLog();
      expect(await refused(client.query(again))).toMatchObject({ code: "0A000" });
      await client.query("rollback");
      expect(stack.writes()).toEqual([]);
      expect(await mirrored(stack)).toEqual(["ada@x.com X"]);
      expect(upstream(stack)).toEqual(["ada@x.com X"]);
    });
  },
);
