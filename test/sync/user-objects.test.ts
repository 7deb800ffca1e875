// Triggers and constraints that a user has put on a mirror meet what the sync writes: upstream's rows win, and nothing stops it.

import { beforeEach, expect, test } from "vitest";
import { openMirrors } from "../../src/app/open.js";
import { backfill } from "../../src/sync/backfill.js";
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

const mirrored = async () =>
  (await stack.admin.query("select email, firstname from hubspot.contacts order by id")).rows;
const idOf = (email: string) =>
  stack.sandbox.records("contacts").find(({ properties }) => properties["email"] === email)?.id ?? "";

async function userTrigger(body: string, when = "before insert or update"): Promise<void> {
  await stack.admin.query(`create function public.meddle() returns trigger language plpgsql as $$begin ${body} end$$;
    create trigger meddle ${when} on hubspot.contacts for each row execute function public.meddle()`);
}

async function pulled() {
  const [found] = await openMirrors(stack.opened);
  if (!found) throw new Error("no mirror");
  return backfill(stack.opened.pool, found.mirror, found.table, { full: true, progress: () => undefined });
}

test("P8: a user's trigger does not alter the rows of a pull, and still fires", async () => {
  await stack.admin.query("alter table hubspot.contacts add column seen timestamptz");
  await userTrigger("new.firstname := new.firstname || '!'; new.seen := clock_timestamp(); return new;");
  stack.sandbox.edit("contacts", idOf("ada@example.com"), { firstname: "Lady Ada" });
  stack.sandbox.seed("contacts", [{ email: "eve@example.com", firstname: "Eve" }]);
  expect((await pulled()).parked).toEqual([]);
  expect(await mirrored()).toEqual([
    { email: "ada@example.com", firstname: "Lady Ada" },
    { email: "bob@example.com", firstname: "Bob" },
    { email: "eve@example.com", firstname: "Eve" },
  ]);
  expect((await stack.admin.query("select from hubspot.contacts where seen is not null")).rowCount).toBe(2);
});

test("P8: a user's trigger does not alter a row that is settled after a rollback", async () => {
  await userTrigger("new.firstname := new.firstname || '!'; return new;");
  const client = await stack.client();
  await client.query("begin");
  await client.query("insert into hubspot.contacts (email, firstname) values ('eve@example.com', 'Eve')");
  await client.query("rollback");
  expect((await mirrored()).at(-1)).toEqual({
    email: "eve@example.com",
    firstname: stack.sandbox.records("contacts").at(-1)?.properties["firstname"],
  });
});

test("P8: a row that a user's trigger keeps out is parked and named, and the other rows come", async () => {
  await userTrigger("if new.email like 'eve%' then return null; end if; return new;");
  stack.sandbox.seed("contacts", [{ email: "eve@example.com" }, { email: "flo@example.com" }]);
  expect((await pulled()).parked).toEqual([{ sqlstate: "27000", count: 1 }]);
  expect((await mirrored()).map(({ email }) => email)).toEqual([
    "ada@example.com",
    "bob@example.com",
    "flo@example.com",
  ]);
});

test("P9: a trigger of the user's that writes to the mirror is refused, though the sync set it off", async () => {
  await userTrigger(
    "update hubspot.contacts set firstname = 'meddled' where id <> new.id; return null;",
    "after insert or update",
  );
  stack.sandbox.edit("contacts", idOf("ada@example.com"), { firstname: "Lady Ada" });
  expect((await pulled()).parked).toEqual([{ sqlstate: "0A000", count: 1 }]);
  expect((await mirrored()).map(({ firstname }) => firstname)).toEqual(["Ada", "Bob"]);
});

test("P8: two records that have swapped a unique value upstream are both right after a pull", async () => {
  const [ada, bob] = [idOf("ada@example.com"), idOf("bob@example.com")];
  stack.sandbox.edit("contacts", ada, { email: "free@example.com" });
  stack.sandbox.edit("contacts", bob, { email: "ada@example.com" });
  stack.sandbox.edit("contacts", ada, { email: "bob@example.com" });
  expect((await pulled()).parked).toEqual([]);
  expect((await mirrored()).map(({ email }) => email)).toEqual(["bob@example.com", "ada@example.com"]);
});

test("P8: a unique value that has moved to a record of an earlier page does not stop the pull", async () => {
  stack.sandbox.seed(
    "contacts",
    Array.from({ length: 150 }, (_, i) => ({ email: `c${i}@example.com` })),
  );
  await pulled();
  stack.sandbox.edit("contacts", idOf("c149@example.com"), { email: "moved@example.com" });
  stack.sandbox.edit("contacts", idOf("ada@example.com"), { email: "c149@example.com" });
  expect((await pulled()).parked).toEqual([]);
  const { rows } = await stack.admin.query(
    "select email from hubspot.contacts where email in ('c149@example.com', 'moved@example.com', 'ada@example.com') order by 1",
  );
  expect(rows.map(({ email }) => email)).toEqual(["c149@example.com", "moved@example.com"]);
});

test("P8: a row that a constraint of the user's refuses is parked; the others of its page come", async () => {
  await stack.admin.query("alter table hubspot.contacts add constraint short check (length(firstname) < 6)");
  stack.sandbox.seed("contacts", [{ email: "eve@example.com", firstname: "Evangeline" }, { email: "flo@example.com" }]);
  expect((await pulled()).parked).toEqual([{ sqlstate: "23514", count: 1 }]);
  expect((await mirrored()).map(({ email }) => email)).toEqual([
    "ada@example.com",
    "bob@example.com",
    "flo@example.com",
  ]);
  await stack.admin.query("alter table hubspot.contacts drop constraint short");
  expect((await pulled()).parked).toEqual([]);
});

test("P6: a trigger of the user's that keeps an accepted row out is TL002, and the row is known to be missing", async () => {
  // It may change its mind between the plan and the statement itself.
  await userTrigger("if current_setting('throughline.call', true) !~ '^plan' then return null; end if; return new;");
  const client = await stack.client();
  const error = await client
    .query("insert into hubspot.contacts (email) values ('EVE@example.com')")
    .catch((cause) => cause);
  expect(error).toMatchObject({ code: "TL002" });
  await client.query("select 1");
  expect(
    (await stack.admin.query("select state, blocked from throughline.journal where closed_at is null")).rows,
  ).toEqual([{ state: "accepted", blocked: "27000" }]);
});
