// An accepted row that a constraint of the user's keeps out of the mirror: what the client is told, and when the row comes.

import { beforeEach, expect, test } from "vitest";
import { openMirrors } from "../../src/app/open.js";
import { backfill } from "../../src/sync/backfill.js";
import { type Stack, startStack } from "../support/stack.js";

let stack: Stack;
beforeEach(async () => {
  stack = await startStack({ seed: [{ email: "ada@example.com" }, { email: "bob@example.com" }] });
  return () => stack.close();
});
const told = (asked: Promise<unknown>) =>
  asked.then(
    () => "ok",
    (cause) => `${cause.code} ${cause.message}`,
  );
const loud = "alter table hubspot.contacts add constraint loud check (email = upper(email)) not valid";

test("P6: a blocked row comes with the next pull once its constraint is gone", async () => {
  await stack.admin.query(loud);
  const client = await stack.client();
  expect(await told(client.query("insert into hubspot.contacts (email) values ('EVE@EXAMPLE.COM')"))).toMatch(/^TL002/);
  await client.query("select 1");
  await stack.admin.query("alter table hubspot.contacts drop constraint loud");
  const [found] = await openMirrors(stack.opened);
  if (!found) throw new Error("no mirror");
  const options = { full: true, progress: () => undefined };
  expect((await backfill(stack.opened.pool, found.mirror, found.table, options)).parked).toEqual([]);
  expect((await client.query("select from hubspot.contacts where email = 'eve@example.com'")).rowCount).toBe(1);
});

test("TL001: a row that Postgres refuses is not said to be in the mirror", async () => {
  await stack.admin.query(loud);
  const client = await stack.client();
  const said = await told(client.query("insert into hubspot.contacts (email) values ('EVE@EXAMPLE.COM'), ('BAD')"));
  const { rowCount } = await client.query("select from hubspot.contacts where email = 'eve@example.com'");
  expect({ rowCount, claims: said.includes("are in the mirror") }).toEqual({ rowCount: 0, claims: false });
});
