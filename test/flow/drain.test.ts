// The proxy is asked to stop, or asked too much.

import pg from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { serve } from "../../src/app/serve.js";
import { Metrics } from "../../src/observe/metrics.js";
import type { RunningProxy } from "../../src/proxy/start.js";
import { refused } from "../support/answers.js";
import { untilSent, untilTrue } from "../support/sessions.js";
import { type Stack, startStack } from "../support/stack.js";

let stack: Stack;
let proxy: RunningProxy;
const metrics = new Metrics();
/** Longer than a test may last. */
const drainMs = 100_000;
const clients: pg.Client[] = [];

beforeEach(async () => {
  stack = await startStack({ seed: [{ email: "ada@x.com" }] });
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.end().catch(() => undefined);
  await proxy.close();
  await stack.close();
});

async function begin(limits: { connections?: number; writes?: number } = {}): Promise<void> {
  const { config } = stack.opened;
  const opened = { ...stack.opened, config: { ...config, listen: { ...config.listen, ...limits } } };
  proxy = await serve(opened, { host: "127.0.0.1", port: 0 }, new Metrics());
}
async function connect(): Promise<pg.Client & { readonly ended: Promise<unknown> }> {
  const client = new pg.Client({
    host: "127.0.0.1",
    port: proxy.port,
    user: "app",
    database: stack.database,
    password: "app",
  });
  const ended = new Promise((resolve) => client.on("error", resolve));
  await client.connect();
  clients.push(client);
  return Object.assign(client, { ended });
}

test("a stop lets a call, a query and a transaction come to their end, and ends the rest with 57P01", async () => {
  await begin();
  const [idle, calling, querying, transacting] = [await connect(), await connect(), await connect(), await connect()];
  await stack.admin.query("select pg_advisory_lock(1)");
  const queried = querying.query("select 1 as one from pg_advisory_lock(1)");
  await transacting.query("begin");
  stack.sandbox.fault({ kind: "slow", ms: 2_000 });
  const called = calling.query("insert into hubspot.contacts (email) values ('new@x.com') returning email");
  await untilSent(stack.admin);
  const closed = proxy.close(drainMs);
  expect(await idle.ended).toMatchObject({ code: "57P01" });
  await expect(connect()).rejects.toThrow();
  await stack.admin.query("select pg_advisory_unlock(1)");
  expect((await called).rows).toEqual([{ email: "new@x.com" }]);
  expect((await queried).rows).toEqual([{ one: 1 }]);
  expect((await transacting.query("select 2 as two")).rows).toEqual([{ two: 2 }]);
  await transacting.query("commit");
  for (const client of [calling, querying, transacting]) expect(await client.ended).toMatchObject({ code: "57P01" });
  await closed;
  expect((await stack.admin.query("select from throughline.journal where closed_at is null")).rowCount).toBe(0);
});

test("a stop waits for no client that stays in its transaction", async () => {
  await begin();
  const client = await connect();
  await client.query("begin");
  await proxy.close(50);
  expect(await client.ended).toMatchObject({ code: "57P01" });
});

test("too many writes at a time are 53400 before anything is sent; reads go on", async () => {
  await begin({ writes: 1 });
  const [one, two] = [await connect(), await connect()];
  stack.sandbox.fault({ kind: "slow", ms: 300 });
  const writing = one.query("insert into hubspot.contacts (email) values ('one@x.com')");
  await untilSent(stack.admin);
  const told = await refused(two.query("insert into hubspot.contacts (email) values ('two@x.com')"));
  expect(told).toMatchObject({ code: "53400", hint: expect.stringContaining("listen.writes") });
  expect((await two.query("select email from hubspot.contacts")).rows).toEqual([{ email: "ada@x.com" }]);
  await writing;
  expect(stack.writes()).toHaveLength(1);
});

test("too many clients are 53300", async () => {
  await begin({ connections: 1 });
  await connect();
  await expect(connect()).rejects.toMatchObject({ code: "53300" });
});

test("the metrics count connections, writes and calls, and hold no values", async () => {
  proxy = await serve(stack.opened, { host: "127.0.0.1", port: 0 }, metrics);
  const client = await connect();
  await client.query("insert into hubspot.contacts (email) values ('new@x.com')");
  stack.sandbox.fault({ kind: "hang-up-after", on: { path: "/crm/v3/objects/contacts" } });
  await refused(client.query("insert into hubspot.contacts (firstname) values ('Nobody')"));
  await untilTrue(stack.admin, "exists (select from throughline.journal where state = 'unknown')");
  // It is counted when the client has been told.
  await expect.poll(() => metrics.registry.metrics()).toContain("throughline_write_seconds_count 2");
  const text = await metrics.registry.metrics();
  for (const shown of [
    'throughline_calls_total{api="hubspot",verb="insert",outcome="accepted"} 1',
    'throughline_calls_total{api="hubspot",verb="insert",outcome="unknown"} 1',
    'throughline_journal_open{api="hubspot",state="unknown"} 1',
    'throughline_call_seconds_count{api="hubspot",verb="insert"} 2',

    "throughline_connections 1",
    "nodejs_eventloop_lag_seconds ",
  ]) {
    expect(text).toContain(shown);
  }
  expect(text).not.toMatch(/x\.com|Nobody/);
});
