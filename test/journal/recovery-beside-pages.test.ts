// Recovery of one API while a page of another API's mirror is being written.

import { randomUUID } from "node:crypto";
import pg from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type HubspotSandbox, startHubspotSandbox } from "../../packages/sandbox/src/hubspot/server.js";
import { migrateAll } from "../../src/app/migrate.js";
import { type Opened, open, openMirrors } from "../../src/app/open.js";
import { tableOf } from "../../src/config/api.js";
import { EntryWatch } from "../../src/journal/entry-watch.js";
import { noteIntent } from "../../src/journal/journal.js";
import { recover } from "../../src/journal/recover.js";
import { makeDatabase, type TestDatabase } from "../support/database.js";
import { grant, listen } from "../support/served-stack.js";

let database: TestDatabase;
let page: pg.Client;
let sandbox: HubspotSandbox;
let opened: Opened;
beforeEach(async () => {
  database = await makeDatabase();
  page = new pg.Client({ connectionString: database.urlOf("throughline") });
  await page.connect();
  sandbox = await startHubspotSandbox({ seed: 0, rate: { calls: 10_000, perMs: 10_000 } });
  const api = (name: string) => ({
    name,
    connector: "hubspot",
    base: sandbox.url,
    tables: [tableOf("contacts", undefined)],
    timeoutMs: 5_000,
    waitMs: 5_000,
    values: { token: "pat-test" },
  });
  opened = open({
    listen,
    postgres: { url: database.urlOf("throughline"), connections: 4, grant, switches: [] },
    apis: [api("one"), api("two")],
    journal: { keepMs: 86_400_000 },
    log: { level: "error", format: "json" },
  });
  await migrateAll(opened, { dryRun: false });
});
afterEach(async () => {
  await opened.pool.end();
  await page.end();
  await database.drop();
  await sandbox.close();
});

test("P15: no API waits for another: an entry whose mirror is being written is left for the next round", async () => {
  const [key = ""] = sandbox.seed("contacts", [{ email: "ada@example.com", firstname: "Lady" }]);
  const request = [{ key, sent: { firstname: "Lady" }, before: { firstname: "Ada" } }];
  const by = { role: "app", application: "", clientAddress: "", statementHash: "", idempotencyKey: null };
  const calls = new Map<string, string>();
  for (const { mirror } of await openMirrors(opened)) {
    const call = randomUUID();
    calls.set(mirror.api, call);
    const of = { mirror, api: mirror.api, table: `${mirror.api}.contacts`, keys: [key], verb: "update" as const };
    await noteIntent(opened.pool, { ...by, ...of, request, call, proxy: randomUUID() }, "sent");
  }
  await opened.pool.query("update throughline.journal set quiet_moment = nextval('throughline.moment')");
  // As a reader holds it in its turn.
  await page.query(
    "select pg_advisory_lock(hashtext('throughline turn'), id) from throughline.mirror where api = 'two'",
  );
  const round = () =>
    recover({ ...opened, proxy: randomUUID(), watch: new EntryWatch(), mirrors: () => openMirrors(opened) });
  expect(await round()).toEqual([{ call: calls.get("one"), from: "sent", to: "accepted" }]);
  await page.query("select pg_advisory_unlock_all()");
  await opened.pool.query("update throughline.journal set tried_at = null");
  expect(await round()).toEqual([{ call: calls.get("two"), from: "sent", to: "accepted" }]);
});
