// Columns that the user has added to a mirror: a write to them is Postgres's alone, whatever their type.

import { beforeEach, expect, test } from "vitest";
import { migrateAll } from "../../src/app/migrate.js";
import { refused } from "../support/answers.js";
import { type Line, startLine } from "../support/line.js";

let line: Line;
beforeEach(async () => {
  line = await startLine({ seed: Array.from({ length: 5 }, (_, i) => ({ email: `s${i}@x.com`, firstname: `F${i}` })) });
  return () => line.close();
});

test("P5: a local column may have a type of the user's own, and odd settings change nothing", async () => {
  await line.admin.query("create type public.mood as enum ('ok', 'sad')");
  await line.admin.query(
    "alter table hubspot.contacts add column mood public.mood, add column tags text[], add column doc xml",
  );
  await migrateAll(line.opened, { dryRun: false });
  const client = await line.client();
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
  line.sandbox.seed(
    "contacts",
    Array.from({ length: 150 }, (_, i) => ({ email: `many${i}@x.com` })),
  );
  await line.admin.query("alter table hubspot.contacts add column note text");
  await migrateAll(line.opened, { dryRun: false });
  await line.pull();
  const client = await line.client();
  await client.query("begin");
  await client.query("insert into hubspot.contacts (email) values ('first@x.com')");
  expect((await client.query("update hubspot.contacts set note = 'x'")).rowCount).toBe(156);
  await client.query("commit");
  expect(line.writes()).toHaveLength(1);
});
