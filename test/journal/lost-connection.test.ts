// Connections that are lost in the middle of what the journal and the mirrors need: no client stays checked out, and the loss is the cause.

import { randomUUID } from "node:crypto";
import pg from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type HubspotSandbox, startHubspotSandbox } from "../../packages/sandbox/src/hubspot/server.js";
import { migrateAll } from "../../src/app/migrate.js";
import { type Opened, open, openMirrors } from "../../src/app/open.js";
import { pullAll } from "../../src/app/pull.js";
import { serve } from "../../src/app/serve.js";
import { tableOf } from "../../src/config/api.js";
import { CallEntry } from "../../src/journal/entry.js";
import { EntryWatch } from "../../src/journal/entry-watch.js";
import { Presence } from "../../src/journal/presence.js";
import { recover } from "../../src/journal/recover.js";
import { settle } from "../../src/journal/settle.js";
import { ConnectionLost } from "../../src/postgres/connection-lost.js";
import { type Relay, startRelay } from "../faults/relay.js";
import { makeDatabase, type TestDatabase } from "../support/database.js";
import { type Gate, startGate } from "../support/gate.js";
import { insertOrphan, newIntent } from "../support/orphan-entry.js";
import { grant, listen } from "../support/served-stack.js";
import { untilTrue } from "../support/sessions.js";

/** Of pg_locks. All test files share the server: a lock of another's is not ours to end. */
const ofThisDatabase =
  "locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())";

let database: TestDatabase;
let admin: pg.Client;
let sandbox: HubspotSandbox;
let gate: Gate;
let relay: Relay;
let opened: Opened;
beforeEach(async () => {
  database = await makeDatabase();
  admin = new pg.Client({ connectionString: database.urlOf() });
  await admin.connect();
  sandbox = await startHubspotSandbox({ seed: 0, rate: { calls: 10_000, perMs: 10_000 } });
  sandbox.seed("contacts", [{ email: "ada@example.com", firstname: "Ada" }]);
  gate = await startGate(sandbox.url);
  relay = await startRelay(database.port);
  const hubspot = {
    name: "hubspot",
    connector: "hubspot",
    base: gate.url,
    tables: [tableOf("contacts", undefined)],
    timeoutMs: 5_000,
    waitMs: 5_000,
    values: { token: "pat-test" },
  };
  opened = open({
    listen,
    postgres: { url: database.urlOf("throughline", relay.port), connections: 4, grant, switches: [] },
    apis: [hubspot],
    journal: { keepMs: 86_400_000 },
    log: { level: "error", format: "json" },
  });
  await migrateAll(opened, { dryRun: false });
  await pullAll(opened);
});
/** A pool that has a client checked out would never end. */
afterEach(async () => {
  if (!opened.pool.ending) await opened.pool.end();
  relay.close();
  await admin.end();
  await database.drop();
  await gate.close();
  await sandbox.close();
});

/** Cuts the connection on which this text is sent, before Postgres gets it. */
const cutAt = (text: string) => relay.set({ text, when: "before", spring: async ({ cut }) => cut() });
const parts = () => ({ ...opened, proxy: randomUUID(), watch: new EntryWatch(), mirrors: () => openMirrors(opened) });
const stateOf = async (call: string) =>
  (await admin.query("select state, closed_at is not null as closed from throughline.journal where id = $1", [call]))
    .rows[0];
/** An update of the one contact whose proxy is gone and whose time has passed. */
async function lostUpdate(state: "accepted" | "sent"): Promise<string> {
  const request = [{ key: "501", sent: { firstname: "Lady" }, before: { firstname: "Ada" } }];
  const rows = [{ key: "501", row: { id: "501", email: "ada@example.com", firstname: "Lady" } }];
  const outcome = state === "accepted" ? { state, rows } : undefined;
  const call = await insertOrphan({ opened, admin }, { verb: "update", request }, "sent", outcome);
  await admin.query("update throughline.journal set quiet_moment = nextval('throughline.moment')");
  return call;
}

test("migrating reports the loss, and changes nothing", async () => {
  const before = await admin.query("select revision, columns::text from throughline.mirror");
  cutAt("insert into throughline.mirror");
  await expect(migrateAll(opened, { dryRun: false })).rejects.toBeInstanceOf(ConnectionLost);
  expect(relay.unset()).toBe(true);
  await opened.pool.end();
  expect((await admin.query("select revision, columns::text from throughline.mirror")).rows).toEqual(before.rows);
});

test.each(["before", "after"] as const)(
  "P6: an intent whose connection is lost %s Postgres has it is closed before anybody hears that nothing was sent",
  async (when) => {
    const intent = await newIntent({ admin }, { verb: "insert", request: [] });
    relay.set({ text: "insert into throughline.journal", when, spring: async ({ cut }) => cut() });
    const entry = new CallEntry(opened.pool, intent);
    await expect(entry.onSend()).rejects.toThrow();
    expect(relay.unset()).toBe(true);
    expect(entry.exists).toBe(false);
    expect(await stateOf(intent.call)).toEqual({ state: "unsent", closed: true });
  },
);

test("P6: while an entry can't be closed, it may exist", async () => {
  const intent = await newIntent({ admin }, { verb: "insert", request: [] });
  const cutOnceMore = async ({ cut }: { cut(): void }) => {
    cutAt("insert into throughline.journal");
    cut();
  };
  relay.set({ text: "insert into throughline.journal", when: "after", spring: cutOnceMore });
  const entry = new CallEntry(opened.pool, intent);
  await expect(entry.onSend()).rejects.toThrow();
  expect(entry.exists).toBe(true);
  await untilTrue(admin, "exists (select from throughline.journal where state = 'unsent' and closed_at is not null)");
});

test("settling reports the loss, and the call is settled later", async () => {
  const call = await lostUpdate("accepted");
  cutAt("throughline.settle(");
  await expect(settle(opened.pool, [call])).rejects.toBeInstanceOf(ConnectionLost);
  expect(relay.unset()).toBe(true);
  expect(await settle(opened.pool, [call])).toEqual([{ call, state: "repaired" }]);
});

test("a round of recovery that loses its lock notes nothing more, and a later one finishes the entry", async () => {
  const call = await lostUpdate("sent");
  sandbox.edit("contacts", "501", { firstname: "Lady" });
  gate.atAnswer("/batch/read", async () => {
    const { rows } = await admin.query(`select pid from pg_locks where ${ofThisDatabase}`);
    await admin.query("select pg_terminate_backend($1)", [rows[0].pid]);
    while ((await admin.query("select from pg_stat_activity where pid = $1", [rows[0].pid])).rowCount !== 0);
  });
  await expect(recover(parts())).rejects.toBeInstanceOf(ConnectionLost);
  expect(await stateOf(call)).toEqual({ state: "unknown", closed: false });
  await recover(parts(), call);
  expect(await stateOf(call)).toEqual({ state: "accepted", closed: true });
});

test("a pull that loses its lock gives up the request that it waits for", async () => {
  let hasGivenUp = false;
  gate.atAnswer("/objects/contacts", async (gone) => {
    await admin.query(`select pg_terminate_backend(pid) from pg_locks where ${ofThisDatabase} and granted`);
    await gone;
    hasGivenUp = true;
  });
  const [result] = await pullAll(opened, { full: true });
  expect(result).toMatchObject({
    kind: "failed",
    reason: expect.stringMatching(/^the connection to Postgres was lost/),
  });
  await expect.poll(() => hasGivenUp).toBe(true);
});

test("recovery reports a loss before it has begun", async () => {
  await lostUpdate("sent");
  cutAt("throughline turn");
  await expect(recover(parts())).rejects.toBeInstanceOf(ConnectionLost);
  expect(relay.unset()).toBe(true);
});

test("a proxy whose presence can't be shown does not begin", async () => {
  cutAt("set_config('application_name'");
  await expect(Presence.begin(opened.pool, randomUUID(), opened.log)).rejects.toBeInstanceOf(ConnectionLost);
  expect(relay.unset()).toBe(true);
  expect(opened.pool.totalCount - opened.pool.idleCount).toBe(0);
});

test("a statement goes on with what is known of the mirrors when the connection that reads them is lost", async () => {
  const proxy = await serve(opened, { host: "127.0.0.1", port: 0 });
  const url = { host: "127.0.0.1", port: proxy.port, user: "app", password: "app", database: database.name };
  const client = new pg.Client(url);
  await client.connect();
  let isCut = false;
  relay.set({
    text: "from throughline.mirror",
    when: "before",
    spring: async ({ cut }) => {
      cut();
      isCut = true;
    },
  });
  // What is known is read again once a second; the proxy's own rounds read it as well.
  while (!isCut) await client.query("update hubspot.contacts set firstname = 'Ada' where id = '501'");
  await client.query("update hubspot.contacts set firstname = 'Lady' where id = '501'");
  await client.end();
  await proxy.close();
});
