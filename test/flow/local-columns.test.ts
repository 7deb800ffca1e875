// Columns that the user has added to a mirror: a write to them is Postgres's alone, whatever their type.

import { beforeEach, expect, test } from "vitest";
import { migrateAll } from "../../src/app/migrate.js";
import { refused } from "../support/answers.js";
import { type Stack, startStack } from "../support/stack.js";

let stack: Stack;
beforeEach(async () => {
  stack = await startStack({
    seed: Array.from({ length: 5 }, (_, i) => ({ email: `s${i}@x.com`, firstname: `F${i}` })),
  });
  return () => stack.close();
});

test("P5: a local column may have a type of the user's own, and odd settings change nothing", async () => {
  await stack.admin.query("create type public.mood as enum ('ok', 'sad')");
  await stack.admin.query(
    "alter table hubspot.contacts add column mood public.mood, add column tags text[], add column doc xml",
  );
  await migrateAll(stack.opened, { dryRun: false });
  const client = await stack.client();
  await client.query("set array_nulls = off");
  const { rows } = await client.query(
    "insert into hubspot.contacts (email, mood, tags, doc) values ('m@x.com', 'sad', array['a', null], 'just text') returning mood, tags",
  );
  expect(rows).toEqual([{ mood: "sad", tags: ["a", null] }]);
  await client.query("set xmloption = document");
  expect(await refused(client.query("update hubspot.contacts set firstname = 'y' where email = 'm@x.com'"))).toEqual({
    code: "accepted",
  });
});

test("local columns need no call: neither the row limit nor the one write of a transaction counts for them", async () => {
  stack.sandbox.seed(
    "contacts",
    Array.from({ length: 150 }, (_, i) => ({ email: `many${i}@x.com` })),
  );
  await stack.admin.query("alter table hubspot.contacts add column note text");
  await migrateAll(stack.opened, { dryRun: false });
  await stack.pull();
  const client = await stack.client();
  await client.query("begin");
  await client.query("insert into hubspot.contacts (email) values ('first@x.com')");
  expect((await client.query("update hubspot.contacts set note = 'x'")).rowCount).toBe(156);
  await client.query("commit");
  expect(stack.writes()).toHaveLength(1);
});
