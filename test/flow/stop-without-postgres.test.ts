// A stop comes to its end whatever Postgres and the API do: clients are told what is known, and no socket is left.

import { createServer } from "node:net";
import pg from "pg";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Opened, openPool } from "../../src/app/open.js";
import { serve } from "../../src/app/serve.js";
import type { RunningProxy } from "../../src/proxy/start.js";
import { query } from "../proxy/build.js";
import { login } from "../proxy/session.js";
import { refused, upstreamEmails } from "../support/answers.js";
import { type FrozenRelay, startFrozenRelay } from "../support/frozen-relay.js";
import { untilSent, untilTrue } from "../support/sessions.js";
import { type Stack, startStack } from "../support/stack.js";

let stack: Stack;
let relay: FrozenRelay;
let opened: Opened;
let proxy: RunningProxy;

beforeEach(async () => {
  stack = await startStack({ seed: [{ email: "ada@x.com" }], waitMs: 60_000, timeoutMs: 60_000 });
  relay = await startFrozenRelay(stack.admin.port);
  const { config } = stack.opened;
  const log = pino({ level: "silent" });
  const url = Object.assign(new URL(config.postgres.url), { hostname: "127.0.0.1", port: String(relay.port) }).href;
  const relayed = { ...config, postgres: { ...config.postgres, url } };
  opened = { ...stack.opened, config: relayed, log, pool: openPool(relayed, log) };
  proxy = await serve(opened, { host: "127.0.0.1", port: 0 });
});
afterEach(async () => {
  await proxy.close();
  await opened.pool.close();
  relay.close();
  await stack.close();
});

interface Told {
  readonly client: pg.Client;
  /** How the session ends. */
  readonly ended: Promise<Error>;
}

async function connect(): Promise<Told> {
  const url = `postgres://app:app@127.0.0.1:${proxy.port}/${stack.database}`;
  const client = new pg.Client({ connectionString: url });
  const ended = new Promise<Error>((resolve) => client.on("error", resolve));
  await client.connect();
  return { client, ended };
}

async function portIsFree(): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(proxy.port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

async function stopped(drainMs = 0): Promise<void> {
  await proxy.close(drainMs);
  await opened.pool.close();
  expect(await portIsFree()).toBe(true);
  // A frozen one does not see who has left it.
  relay.thaw();
  await expect.poll(() => relay.openCount).toBe(0);
}

const insert = "insert into hubspot.contacts (email) values ('slow@x.com')";

test("P15: a Postgres that hangs keeps no stop waiting, whatever its clients are at", async () => {
  const [idle, querying, transacting, writing] = [await connect(), await connect(), await connect(), await connect()];
  await transacting.client.query("begin");
  const unread = await login({ host: "127.0.0.1", port: proxy.port }, stack.database);
  unread.socket.pause();
  unread.send(query("select repeat('x', 1000) from generate_series(1, 60000)"));
  await untilTrue(
    stack.admin,
    "exists (select from pg_stat_activity where datname = current_database() and wait_event = 'ClientWrite')",
  );
  relay.freeze();
  const queried = refused(querying.client.query("select 1"));
  const written = refused(writing.client.query(insert));
  await stopped(50);
  for (const { ended } of [idle, transacting]) expect(await ended).toMatchObject({ code: "57P01" });
  expect(await queried).toMatchObject({ code: "57P01" });
  expect(await written).toMatchObject({ code: "57P01" });
  expect(stack.writes()).toEqual([]);
  unread.socket.destroy();
});

test("P15: an API that never answers keeps no stop waiting: its client is told TL007, and the entry stays open", async () => {
  const { client } = await connect();
  stack.sandbox.fault({ kind: "hang" });
  const written = refused(client.query(insert));
  await untilSent(stack.admin);
  await stopped();
  expect(await written).toMatchObject({ code: "TL007" });
  const { rows } = await stack.admin.query("select state, closed_at from throughline.journal");
  expect(rows).toEqual([{ state: "unknown", closed_at: null }]);
});

test("P15, P6: a stop between an API that never answers and a Postgres that hangs leaves the call to the next proxy", async () => {
  const { ended, client } = await connect();
  stack.sandbox.fault({ kind: "hang" });
  const written = refused(client.query(insert));
  await untilSent(stack.admin);
  await expect.poll(() => stack.writes().length).toBe(1);
  // The next proxy leaves it in peace for no time-out.
  await stack.admin.query("update throughline.journal set quiet_moment = nextval('throughline.moment')");
  relay.freeze();
  await stopped();
  // Neither success nor a refusal: the connection is gone, as when the proxy is killed.
  expect(await written).not.toMatchObject({ code: "57P01" });
  await ended;
  await untilTrue(stack.admin, "not exists (select from throughline.journal where closed_at is null)");
  const { rows } = await stack.admin.query("select email from hubspot.contacts order by email");
  expect(rows.map(({ email }) => email)).toEqual(upstreamEmails(stack));
});

test("P15: what the proxy asks Postgres by itself keeps no stop waiting, and runs on for no minutes", async () => {
  await stack.admin.query("begin; lock table throughline.journal, throughline.proxy_key in access exclusive mode");
  const ours = "datname = current_database() and usename = 'throughline'";
  const waits = `exists (select from pg_stat_activity where ${ours} and wait_event_type = 'Lock')`;
  await untilTrue(stack.admin, waits);
  await proxy.close();
  await opened.pool.close();
  expect(await portIsFree()).toBe(true);
  await stack.opened.pool.query("select 1");
  // Of the other proxy's, none is among these: it has its locks to wait for as well.
  const address = `client_port = any(array[${relay.ports.join(",") || "0"}])`;
  await untilTrue(stack.admin, `not exists (select from pg_stat_activity where ${ours} and ${address})`);
  await stack.admin.query("rollback");
});

test("P15: a query of minutes is ended in Postgres with its session, and what it would have written is not", async () => {
  await stack.admin.query("create table public.done (no int); grant all on public.done to app");
  const { client } = await connect();
  const asked = refused(client.query("insert into done select 1 from pg_sleep(300)"));
  const asleep = "select from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'";
  await untilTrue(stack.admin, `exists (${asleep})`);
  await stopped(50);
  expect(await asked).toMatchObject({ code: "57P01" });
  await untilTrue(stack.admin, `not exists (${asleep})`);
  expect((await stack.admin.query("select from public.done")).rowCount).toBe(0);
});
