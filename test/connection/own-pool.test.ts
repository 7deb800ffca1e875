// The end of our own connections has a bound, whatever they are at and whatever Postgres does.

import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import pg from "pg";
import { afterAll, afterEach, beforeAll, expect, inject, test } from "vitest";
import { OwnPool } from "../../src/postgres/own-pool.js";
import { untilTrue } from "../support/sessions.js";

let admin: pg.Client;
let silent: Server;
const accepted = new Set<Socket>();
const pools: OwnPool[] = [];
beforeAll(async () => {
  admin = new pg.Client({ connectionString: inject("postgres") });
  await admin.connect();
  // It takes connections, and never says a word.
  silent = createServer((socket) => accepted.add(socket.on("error", () => undefined))).listen(0, "127.0.0.1");
  await once(silent, "listening");
});
afterAll(async () => {
  for (const socket of accepted) socket.destroy();
  silent.close();
  await admin.end();
});
afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.close();
});

function poolOf(options: pg.PoolConfig): OwnPool {
  const pool = new OwnPool({ max: 3, ...options });
  pools.push(pool);
  return pool;
}

function silentUrl(): string {
  const address = silent.address();
  return `postgres://x@127.0.0.1:${typeof address === "object" ? address?.port : 0}/x`;
}

test("P15: a pool ends while a query of minutes runs on one of its connections, and the query fails", async () => {
  const pool = poolOf({ connectionString: inject("postgres"), application_name: "own-pool-busy" });
  const sleeping = expect(pool.query("select pg_sleep(300)")).rejects.toThrow("Connection terminated");
  await untilTrue(
    admin,
    "exists (select from pg_stat_activity where application_name = 'own-pool-busy' and wait_event = 'PgSleep')",
  );
  await pool.close();
  await sleeping;
  expect(pool.totalCount).toBe(0);
  await admin.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'own-pool-busy'");
});

test("P15: a pool ends while its connections are being made to a Postgres that answers nothing", async () => {
  const pool = poolOf({ connectionString: silentUrl() });
  const waiting = Array.from({ length: 2 }, () => expect(pool.query("select 1")).rejects.toThrow());
  await once(silent, "connection");
  await pool.close();
  await Promise.all(waiting);
  expect(pool.totalCount).toBe(0);
});

test("a pool whose connections are all at rest ends them as Postgres expects it", async () => {
  const pool = poolOf({ connectionString: inject("postgres"), application_name: "own-pool-rest" });
  await Promise.all([pool.query("select 1"), pool.query("select 1")]);
  await pool.close();
  await pool.close();
  await untilTrue(admin, "not exists (select from pg_stat_activity where application_name = 'own-pool-rest')");
  await expect(pool.query("select 1")).rejects.toThrow("after calling end");
});
