// The proxy stops in time although a client reads nothing, says nothing, or stays in its transaction or COPY.

import { once } from "node:events";
import { connect } from "node:net";
import pg from "pg";
import { serialize } from "pg-protocol";
import { afterEach, beforeEach, expect, test } from "vitest";
import { serve } from "../../src/app/serve.js";
import type { RunningProxy } from "../../src/proxy/start.js";
import { bind, execute, flush, parse, query, sync } from "../proxy/build.js";
import { login } from "../proxy/session.js";
import { untilTrue } from "../support/sessions.js";
import { type Stack, startStack } from "../support/stack.js";
import { WireClient } from "../support/wire.js";

let stack: Stack;
let proxy: RunningProxy;
/** Longer than a test may last. */
const longMs = 200_000;

beforeEach(async () => {
  stack = await startStack({});
  proxy = await serve(stack.opened, { host: "127.0.0.1", port: 0 });
});
afterEach(() => stack.close());
const raw = () => login({ host: "127.0.0.1", port: proxy.port }, stack.database);

test("a stop ends a client that reads nothing and has a write waiting behind its unread rows", async () => {
  const client = await raw();
  client.socket.pause();
  const rows = query("select repeat('x', 1000) from generate_series(1, 60000)");
  client.send(Buffer.concat([rows, query("insert into hubspot.contacts (email) values ('new@x.com')")]));
  await untilTrue(
    stack.admin,
    "exists (select from pg_stat_activity where datname = current_database() and wait_event = 'ClientWrite')",
  );
  await proxy.close(50);
  client.socket.destroy();
});

test("a stop ends two clients that write on and on in their transactions", async () => {
  let going = true;
  const writing = [1, 2].map(async (n) => {
    const client = new pg.Client({
      host: "127.0.0.1",
      port: proxy.port,
      user: "app",
      password: "app",
      database: stack.database,
    });
    client.on("error", () => undefined);
    await client.connect();
    await client.query("set throughline.transaction = 'immediate'");
    await client.query("begin");
    for (let i = 0; going; i += 1)
      await client.query(`insert into hubspot.contacts (email) values ('n${n}-${i}@x.com')`);
  });
  const ended = Promise.allSettled(writing);
  await expect.poll(() => stack.writes().length, { timeout: 10_000 }).toBeGreaterThan(1);
  await proxy.close(50);
  going = false;
  // The stop has ended them.
  expect((await ended).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
});

test("a stop does not wait for a client that has connected and sent nothing", async () => {
  const socket = connect(proxy.port, "127.0.0.1");
  await once(socket, "connect");
  // It has been accepted when another behind it has been served.
  await raw();
  await proxy.close(longMs);
  socket.destroy();
});

test("a stop lets a client between the Execute of a write and its Sync come to its commit", async () => {
  const client = await raw();
  client.send(
    Buffer.concat([parse("insert into hubspot.contacts (email) values ('new@x.com')"), bind(), execute(), flush]),
  );
  await client.until("C");
  const closing = proxy.close(longMs);
  client.send(sync);
  await client.untilEnd().catch(() => undefined);
  await closing;
  expect(client.letters).toMatch(/C Z E$/);
  expect((await stack.admin.query("select email from hubspot.contacts")).rows).toEqual([{ email: "new@x.com" }]);
});

test("a stop does not wait for the rows of a COPY into a mirror", async () => {
  const wire = await WireClient.login(proxy.port, "app", stack.database);
  wire.send(serialize.query("copy hubspot.contacts (email) from stdin"));
  await wire.until("G");
  const closing = proxy.close();
  const ended = await Promise.race([
    closing.then(() => "stopped"),
    new Promise((resolve) => setTimeout(resolve, 10_000, "waits")),
  ]);
  wire.close();
  await closing;
  expect(ended).toBe("stopped");
});

test("TL002: a proxy that stops in a transaction with an accepted write says so", async () => {
  const client = new pg.Client({ connectionString: `postgres://app:app@127.0.0.1:${proxy.port}/${stack.database}` });
  const ended = new Promise<Error>((resolve) => client.on("error", resolve));
  await client.connect();
  await client.query("begin");
  await client.query("insert into hubspot.contacts (email) values ('open@example.com')");
  await proxy.close();
  expect(await ended).toMatchObject({ code: "TL002" });
});
