// Proxies of schema version 5 that go on beside version 6, and what they have left.

import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, expect, test } from "vitest";
import { migrateAll } from "../../src/app/migrate.js";
import { openMirrors } from "../../src/app/open.js";
import { pullAll } from "../../src/app/pull.js";
import { settle } from "../../src/journal/settle.js";
import type { FaultyApi } from "../faults/api.js";
import { askForPage } from "../support/reading.js";
import type { ServedStack } from "../support/served-stack.js";
import { recoverNow, startFaultyLine } from "./lost-sessions.js";

let api: FaultyApi;
let stack: ServedStack;
beforeEach(async () => {
  ({ api, line: stack } = await startFaultyLine("any"));
});
afterEach(() => stack.close());

/** What a proxy of version 5 notes: its own SQL, which knows no moments. */
async function oldNote(verb: string, key: string | null, sent: object, proxy: string = randomUUID()): Promise<string> {
  const call = randomUUID();
  await stack.admin.query(
    `insert into throughline.journal (id, proxy, mirror, api, table_name, verb, keys, row_count, role, application,
       client_address, statement_hash, idempotency_key, request, state, sent_at)
     select $1, $2, id, 'own', 'own.records', $3, $4, 1, 'app', '', '', '', null, $5, 'sent', clock_timestamp() from throughline.mirror`,
    [call, proxy, verb, key === null ? [] : [key], JSON.stringify([{ key, sent, before: {} }])],
  );
  return call;
}
async function oldOutcome(call: string, state: string, rows: readonly { key: string; row: object | null }[]) {
  await stack.admin.query(
    `update throughline.journal set state = $2, rows = $3, keys = case when cardinality($4::text[]) > 0 then $4 else keys end, outcome_at = clock_timestamp() where id = $1`,
    [call, state, JSON.stringify(rows), rows.map(({ key }) => key)],
  );
}
const ofRunning = async () => (await stack.admin.query("select id from throughline.proxy_key limit 1")).rows[0].id;

test("P8: a page that was asked for before a call of an old proxy is not written over it", async () => {
  const id = api.add("n", "old");
  await stack.pull();
  const [known] = await openMirrors(stack.opened);
  if (!known) throw new Error("no mirror");
  const page = await askForPage(stack.opened.pool, known);
  const call = await oldNote("update", id, { note: "new" }, await ofRunning());
  api.apply("update", { id, name: "n", note: "new" });
  await oldOutcome(call, "accepted", [{ key: id, row: { id, name: "n", note: "new" } }]);
  await settle(stack.opened.pool, [call]);
  await stack.admin.query(
    "update throughline.journal set closed_at = clock_timestamp(), rows = null, request = null where id = $1",
    [call],
  );
  expect((await stack.admin.query("select note from own.records")).rows).toEqual([{ note: "new" }]);
  await page?.end("write it");
  expect((await stack.admin.query("select note from own.records")).rows).toEqual([{ note: "new" }]);
});

test("P8: what an old proxy left is not applied over what it noted later", async () => {
  const id = api.add("n", "old");
  await stack.pull();
  const first = await oldNote("update", id, { note: "first" });
  await oldOutcome(first, "accepted", [{ key: id, row: { id, name: "n", note: "first" } }]);
  const second = await oldNote("update", id, { note: "second" });
  api.apply("update", { id, name: "n", note: "second" });
  await oldOutcome(second, "accepted", [{ key: id, row: { id, name: "n", note: "second" } }]);
  await settle(stack.opened.pool, [second]);
  await settle(stack.opened.pool, [first]);
  expect((await stack.admin.query("select note from own.records")).rows).toEqual([{ note: "second" }]);
});

test("P8: an unknown create of an old proxy keeps no new row out for ever", async () => {
  await stack.pull();
  const call = await oldNote("insert", null, { name: "lost", note: "x" });
  await oldOutcome(call, "unknown", []);
  api.add("other", "y");
  await recoverNow(stack);
  expect(await pullAll(stack.opened)).toMatchObject([{ kind: "copied", parked: [] }]);
});

test("a database of version 5 with entries, a checkpoint and parked rows goes on", async () => {
  const a = api.add("a", "1");
  const b = api.add("b", "1");
  await stack.pull();
  api.apply("update", { id: a, name: "a", note: "2" });
  const accepted = await oldNote("update", a, { note: "2" });
  await oldOutcome(accepted, "accepted", [{ key: a, row: { id: a, name: "a", note: "2" } }]);
  await oldNote("insert", null, { name: "lost", note: "x" });
  const unknown = await oldNote("insert", null, { name: "lost too", note: "x" });
  await oldOutcome(unknown, "unknown", []);
  await stack.admin.query(`
    insert into throughline.parked (mirror, key, sqlstate) select id, '${b}', null from throughline.mirror;
    drop function throughline.sync_page(integer, json, bigint, integer, boolean, boolean, json);
    drop function throughline.draw_outcome_moment() cascade;
    alter table throughline.journal drop column intent_moment, drop column outcome_moment, drop column proxy_sent_at, drop column looks, drop column looked_at, drop column quiet_moment;
    alter table throughline.mirror drop column complete_moment;
    alter table throughline.mirror add column complete_from timestamptz;
    alter table throughline.parked drop column entry, drop column asked, drop column seen;
    drop sequence throughline.moment;
    update throughline.mirror set complete_from = now(), checkpoint = '{"cursor": "", "from": "2026-01-01 00:00:00+00"}';
    update throughline.version set version = 5`);
  await migrateAll(stack.opened, { dryRun: false });
  await migrateAll(stack.opened, { dryRun: false });
  api.add("c", "1");
  await recoverNow(stack);
  expect(await pullAll(stack.opened)).toMatchObject([{ kind: "copied", parked: [] }]);
  expect((await stack.admin.query("select name, note from own.records order by 1")).rows).toEqual([
    { name: "a", note: "2" },
    { name: "b", note: "1" },
    { name: "c", note: "1" },
  ]);
});
