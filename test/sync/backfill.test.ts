// The backfill of a mirror: all pages, its checkpoint, and rows that were written after a page was asked for.

import { afterEach, beforeEach, expect, test } from "vitest";
import { open, openMirrors } from "../../src/app/open.js";
import { pullAll } from "../../src/app/pull.js";
import { serverTime } from "../../src/postgres/clock.js";
import { backfill } from "../../src/sync/backfill.js";
import { applyPage } from "../../src/sync/page.js";
import { type Line, startLine } from "../support/line.js";

let line: Line;
beforeEach(async () => {
  line = await startLine({ seed: [{ email: "ada@example.com", firstname: "Ada" }], pull: false });
});
afterEach(() => line.close());

async function opened() {
  const [found] = await openMirrors(line.opened);
  if (!found) throw new Error("no mirror");
  return found;
}

test("a backfill copies every page, and UPDATE and DELETE are refused until it is complete", async () => {
  line.sandbox.seed(
    "contacts",
    Array.from({ length: 350 }, (_, i) => ({ email: `c${i}@example.com` })),
  );
  const client = await line.client();
  const refused = await client.query("update hubspot.contacts set firstname = 'x'").catch((cause) => cause);
  expect(refused).toMatchObject({ code: "55000" });
  expect(refused.hint).toContain("throughline pull hubspot.contacts");
  await client.query("insert into hubspot.contacts (email) values ('early@example.com')");
  await line.pull();
  expect((await client.query("select count(*)::int as n from hubspot.contacts")).rows).toEqual([{ n: 352 }]);
  expect(
    (await client.query("update hubspot.contacts set firstname = 'Lady Ada' where email = 'ada@example.com'")).rowCount,
  ).toBe(1);
});

test("a backfill that was interrupted goes on behind its last page", async () => {
  line.sandbox.seed(
    "contacts",
    Array.from({ length: 250 }, (_, i) => ({ email: `c${i}@example.com` })),
  );
  const { mirror, table } = await opened();
  let pages = 0;
  const interrupted = backfill(line.opened.pool, mirror, table, {
    full: false,
    progress: () => {
      pages += 1;
      if (pages === 2) throw new Error("interrupted");
    },
  });
  await expect(interrupted).rejects.toThrow("interrupted");
  line.sandbox.clearLog();
  const { rows } = await backfill(line.opened.pool, mirror, table, { full: false, progress: () => undefined });
  expect(rows).toBe(51);
  expect(line.sandbox.log).toHaveLength(1);
});

test("more tables at a time than there are connections all come to their end", async () => {
  const tables = ["contacts", "companies", "deals", "tickets"];
  const many = await startLine({ tables, pull: false });
  const { config } = many.opened;
  const few = open({ ...config, postgres: { ...config.postgres, connections: 0 } });
  const pulled = await pullAll(few, { workers: tables.length });
  expect(pulled.map(({ kind }) => kind)).toEqual(tables.map(() => "copied"));
  await few.pool.end();
  await many.close();
});

test("an unchanged page writes nothing", async () => {
  await line.pull();
  const before = await line.admin.query("select xmin::text, ctid::text from hubspot.contacts");
  await line.pull();
  expect((await line.admin.query("select xmin::text, ctid::text from hubspot.contacts")).rows).toEqual(before.rows);
});

test("P8: a page that was asked for before a write was accepted does not overwrite it", async () => {
  await line.pull();
  const { mirror, table } = await opened();
  const askedAt = await serverTime(line.opened.pool);
  const page = await table.list(mirror.columns, null);
  const client = await line.client();
  await client.query("update hubspot.contacts set firstname = 'Newer' where email = 'ada@example.com'");
  const kept = await applyPage(line.opened.pool, { mirror, askedAt, rows: page.records });
  expect(kept).toEqual(["501"]);
  expect((await line.admin.query("select firstname from hubspot.contacts")).rows).toEqual([{ firstname: "Newer" }]);
  line.sandbox.edit("contacts", "501", { firstname: "Newest" });
  await line.pull();
  expect((await line.admin.query("select firstname from hubspot.contacts")).rows).toEqual([{ firstname: "Newest" }]);
  expect((await line.admin.query("select from throughline.parked")).rowCount).toBe(0);
});

test("P8: a page that was asked for before a delete was accepted does not resurrect the row", async () => {
  await line.pull();
  const { mirror, table } = await opened();
  const askedAt = await serverTime(line.opened.pool);
  const page = await table.list(mirror.columns, null);
  const client = await line.client();
  await client.query("delete from hubspot.contacts where email = 'ada@example.com'");
  await applyPage(line.opened.pool, { mirror, askedAt, rows: page.records });
  expect((await line.admin.query("select from hubspot.contacts")).rowCount).toBe(0);
  await line.pull();
  expect((await line.admin.query("select from hubspot.contacts")).rowCount).toBe(0);
  expect((await line.admin.query("select from throughline.parked")).rowCount).toBe(0);
});

test("P8: a page does not touch a row that an open transaction has written", async () => {
  await line.pull();
  const { mirror, table } = await opened();
  const client = await line.client();
  await client.query("begin");
  await client.query("update hubspot.contacts set firstname = 'Open' where email = 'ada@example.com'");
  line.sandbox.edit("contacts", "501", { firstname: "Later" });
  const askedAt = await serverTime(line.opened.pool);
  const page = await table.list(mirror.columns, null);
  expect(await applyPage(line.opened.pool, { mirror, askedAt, rows: page.records })).toEqual(["501"]);
  await client.query("commit");
  await line.pull();
  expect((await line.admin.query("select firstname from hubspot.contacts")).rows).toEqual([{ firstname: "Later" }]);
});

test("P8: a page with a row whose create is still open parks it", async () => {
  await line.pull();
  const { mirror, table } = await opened();
  const client = await line.client();
  await client.query("begin");
  const { rows } = await client.query("insert into hubspot.contacts (email) values ('fresh@example.com') returning id");
  const askedAt = await serverTime(line.opened.pool);
  const page = await table.list(mirror.columns, null);
  expect(await applyPage(line.opened.pool, { mirror, askedAt, rows: page.records })).toEqual([rows[0].id]);
  await client.query("commit");
  expect((await client.query("select email from hubspot.contacts where id = $1", [rows[0].id])).rows).toEqual([
    { email: "fresh@example.com" },
  ]);
  await line.pull();
  expect((await line.admin.query("select from throughline.parked")).rowCount).toBe(0);
});
