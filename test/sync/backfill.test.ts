// The backfill of a mirror: all pages, its checkpoint, and rows that were written after a page was asked for.

import { afterEach, beforeEach, expect, test } from "vitest";
import { open, openMirrors } from "../../src/app/open.js";
import { pullAll } from "../../src/app/pull.js";
import { backfill } from "../../src/sync/backfill.js";
import { applyPage } from "../../src/sync/page.js";
import { inReadersTurn } from "../support/reading.js";
import { type Stack, startStack } from "../support/stack.js";

let stack: Stack;
beforeEach(async () => {
  stack = await startStack({ seed: [{ email: "ada@example.com", firstname: "Ada" }], pull: false });
});
afterEach(() => stack.close());

async function opened() {
  const [found] = await openMirrors(stack.opened);
  if (!found) throw new Error("no mirror");
  return found;
}

test("a backfill copies every page, and UPDATE and DELETE are refused until it is complete", async () => {
  stack.sandbox.seed(
    "contacts",
    Array.from({ length: 350 }, (_, i) => ({ email: `c${i}@example.com` })),
  );
  const client = await stack.client();
  const refused = await client.query("update hubspot.contacts set firstname = 'x'").catch((cause) => cause);
  expect(refused).toMatchObject({ code: "55000" });
  expect(refused.hint).toContain("throughline pull hubspot.contacts");
  await client.query("insert into hubspot.contacts (email) values ('early@example.com')");
  await stack.pull();
  expect((await client.query("select count(*)::int as n from hubspot.contacts")).rows).toEqual([{ n: 352 }]);
  expect(
    (await client.query("update hubspot.contacts set firstname = 'Lady Ada' where email = 'ada@example.com'")).rowCount,
  ).toBe(1);
});

test("a backfill that was interrupted goes on behind its last page", async () => {
  stack.sandbox.seed(
    "contacts",
    Array.from({ length: 250 }, (_, i) => ({ email: `c${i}@example.com` })),
  );
  const { mirror, table } = await opened();
  let pages = 0;
  const interrupted = backfill(stack.opened.pool, mirror, table, {
    full: false,
    progress: () => {
      pages += 1;
      if (pages === 2) throw new Error("interrupted");
    },
  });
  await expect(interrupted).rejects.toThrow("interrupted");
  stack.sandbox.clearLog();
  const { rows } = await backfill(stack.opened.pool, mirror, table, { full: false, progress: () => undefined });
  expect(rows).toBe(51);
  expect(stack.sandbox.log).toHaveLength(1);
});

test("more tables at a time than there are connections all come to their end", async () => {
  const tables = ["contacts", "companies", "deals", "tickets"];
  const many = await startStack({ tables, pull: false });
  const { config } = many.opened;
  const few = open({ ...config, postgres: { ...config.postgres, connections: 0 } });
  const pulled = await pullAll(few, { workers: tables.length });
  expect(pulled.map(({ kind }) => kind)).toEqual(tables.map(() => "copied"));
  await few.pool.end();
  await many.close();
});

test("an unchanged page writes nothing", async () => {
  await stack.pull();
  const before = await stack.admin.query("select xmin::text, ctid::text from hubspot.contacts");
  await stack.pull();
  expect((await stack.admin.query("select xmin::text, ctid::text from hubspot.contacts")).rows).toEqual(before.rows);
});

/** Reads a page, and writes it when `meanwhile` has happened. Returns the keys that are parked. */
async function latePage(meanwhile: () => Promise<unknown> = async () => undefined): Promise<readonly string[]> {
  const { mirror, table } = await opened();
  return inReadersTurn(stack.opened.pool, mirror, async (turn) => {
    const page = await table.list(mirror.columns, null);
    await meanwhile();
    return applyPage(stack.opened.pool, { mirror, turn, rows: page.records });
  });
}

test("P8: a page that was asked for before a write was accepted does not overwrite it", async () => {
  await stack.pull();
  const client = await stack.client();
  const kept = await latePage(() =>
    client.query("update hubspot.contacts set firstname = 'Newer' where email = 'ada@example.com'"),
  );
  expect(kept).toEqual(["501"]);
  expect((await stack.admin.query("select firstname from hubspot.contacts")).rows).toEqual([{ firstname: "Newer" }]);
  stack.sandbox.edit("contacts", "501", { firstname: "Newest" });
  await stack.pull();
  expect((await stack.admin.query("select firstname from hubspot.contacts")).rows).toEqual([{ firstname: "Newest" }]);
  expect((await stack.admin.query("select from throughline.parked")).rowCount).toBe(0);
});

test("P8: a page that was asked for before a delete was accepted does not resurrect the row", async () => {
  await stack.pull();
  const client = await stack.client();
  await latePage(() => client.query("delete from hubspot.contacts where email = 'ada@example.com'"));
  expect((await stack.admin.query("select from hubspot.contacts")).rowCount).toBe(0);
  await stack.pull();
  expect((await stack.admin.query("select from hubspot.contacts")).rowCount).toBe(0);
  expect((await stack.admin.query("select from throughline.parked")).rowCount).toBe(0);
});

test("P8: a page does not touch a row that an open transaction has written", async () => {
  await stack.pull();
  const client = await stack.client();
  await client.query("begin");
  await client.query("update hubspot.contacts set firstname = 'Open' where email = 'ada@example.com'");
  stack.sandbox.edit("contacts", "501", { firstname: "Later" });
  expect(await latePage()).toEqual(["501"]);
  await client.query("commit");
  await stack.pull();
  expect((await stack.admin.query("select firstname from hubspot.contacts")).rows).toEqual([{ firstname: "Later" }]);
});

test("P8: a page with a row whose create is still open parks it", async () => {
  await stack.pull();
  const client = await stack.client();
  await client.query("begin");
  const { rows } = await client.query("insert into hubspot.contacts (email) values ('fresh@example.com') returning id");
  expect(await latePage()).toEqual([rows[0].id]);
  await client.query("commit");
  expect((await client.query("select email from hubspot.contacts where id = $1", [rows[0].id])).rows).toEqual([
    { email: "fresh@example.com" },
  ]);
  await stack.pull();
  expect((await stack.admin.query("select from throughline.parked")).rowCount).toBe(0);
});
