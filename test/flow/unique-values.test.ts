// A unique value that upstream has moved from one record to another goes to the row that has it now, and to no other.

import { beforeEach, expect, test } from "vitest";
import { openMirrors } from "../../src/app/open.js";
import { applyPage } from "../../src/sync/page.js";
import { refused } from "../support/answers.js";
import { inReadersTurn } from "../support/reading.js";
import { untilTrue } from "../support/sessions.js";
import { type Stack, startStack } from "../support/stack.js";

let stack: Stack;
beforeEach(async () => {
  stack = await startStack({
    seed: [
      { email: "ada@example.com", firstname: "Ada" },
      { email: "bob@example.com", firstname: "Bob" },
    ],
  });
  return () => stack.close();
});
const idOf = (email: string) =>
  stack.sandbox.records("contacts").find(({ properties }) => properties["email"] === email)?.id ?? "";

test("P8: a late page does not take a unique value from what was accepted after it was asked for", async () => {
  const [found] = await openMirrors(stack.opened);
  if (!found) throw new Error("no mirror");
  const { mirror, table } = found;
  const [ada, bob] = [idOf("ada@example.com"), idOf("bob@example.com")];
  stack.sandbox.edit("contacts", ada, { email: "x@example.com" });
  const client = await stack.client();
  await inReadersTurn(stack.opened.pool, mirror, async (turn) => {
    const page = await table.get(mirror.columns, [ada]);
    stack.sandbox.edit("contacts", ada, { email: "y@example.com" });
    await client.query("update hubspot.contacts set email = 'x@example.com' where id = $1", [bob]);
    await applyPage(stack.opened.pool, {
      mirror,
      turn,
      rows: page.map(({ key, row }) => ({ key, row: { ...row, id: key } })),
    });
  });
  const { rows } = await client.query("select email from hubspot.contacts where id = $1", [bob]);
  expect(rows).toEqual([{ email: "x@example.com" }]);
});

test("P8: a rolled-back write that is settled late does not take a unique value from a later accepted one", async () => {
  const [ada, bob] = [idOf("ada@example.com"), idOf("bob@example.com")];
  const [one, two, three] = [await stack.client(), await stack.client(), await stack.client()];
  await one.query("begin; savepoint before");
  await one.query("update hubspot.contacts set email = 'x@example.com' where id = $1", [ada]);
  stack.sandbox.edit("contacts", ada, { email: "y@example.com" });
  // The row is free, and settled only when the transaction ends.
  await one.query("rollback to before");
  await two.query("begin");
  await two.query("select from hubspot.contacts where id = $1 for update", [ada]);
  await one.query("commit");
  await untilTrue(
    stack.admin,
    "exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')",
  );
  await three.query("update hubspot.contacts set email = 'x@example.com' where id = $1", [bob]);
  await two.query("commit");
  await untilTrue(
    stack.admin,
    "not exists (select from throughline.journal where closed_at is null and blocked is null)",
  );
  const { rows } = await three.query("select email from hubspot.contacts where id = $1", [bob]);
  expect(rows).toEqual([{ email: "x@example.com" }]);
});

test("P8: a user's trigger does not alter the row that a unique value is taken from", async () => {
  await stack.admin.query(`create function public.meddle() returns trigger language plpgsql as
    $$begin new.firstname := new.firstname || '!'; return new; end$$;
    create trigger meddle before update on hubspot.contacts for each row execute function public.meddle()`);
  const bob = idOf("bob@example.com");
  stack.sandbox.edit("contacts", bob, { email: "moved@example.com" });
  const client = await stack.client();
  expect(await refused(client.query("insert into hubspot.contacts (email) values ('BOB@example.com')"))).toMatchObject({
    code: "TL002",
  });
  const { rows } = await client.query("select firstname from hubspot.contacts where id = $1", [bob]);
  expect(rows).toEqual([{ firstname: "Bob" }]);
});

test("P8: a create that a unique constraint blocks does not keep other new rows out", async () => {
  stack.sandbox.edit("contacts", idOf("bob@example.com"), { email: "moved@example.com" });
  const client = await stack.client();
  expect(await refused(client.query("insert into hubspot.contacts (email) values ('BOB@example.com')"))).toMatchObject({
    code: "TL002",
  });
  const [id] = stack.sandbox.seed("contacts", [{ email: "brandnew@example.com" }]);
  await stack.pull().catch(() => undefined);
  expect((await stack.admin.query("select from hubspot.contacts where id = $1", [id])).rowCount).toBe(1);
});
