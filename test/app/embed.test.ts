// What a program gets that imports "throughline": from an object to a row that the API has accepted, and nothing left behind.

import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type HubspotSandbox, startSandbox } from "../../packages/sandbox/src/index.js";
import {
  ConfigError,
  type ConfigObject,
  ConnectionLost,
  Explained,
  openThroughline,
  ReadFailed,
  type Throughline,
  UsageError,
} from "../../src/index.js";
import { guardTriggers } from "../../src/mirror/guard-table.js";
import { makeDatabase, type TestDatabase } from "../support/database.js";
import { startFrozenRelay } from "../support/frozen-relay.js";
import { untilTrue } from "../support/sessions.js";

let hubspot: HubspotSandbox;
let database: TestDatabase;
let admin: pg.Client;
const opened: Throughline[] = [];
beforeAll(async () => {
  hubspot = await startSandbox("hubspot", { token: "the-token" });
  hubspot.seed("contacts", [{ email: "ada@example.com" }, { email: "grace@example.com" }]);
  database = await makeDatabase();
  admin = new pg.Client({ connectionString: database.urlOf() });
  await admin.connect();
});
afterEach(async () => {
  for (const throughline of opened.splice(0)) await throughline.close({ drainMs: 0 });
});
afterAll(async () => {
  await admin.end();
  await database.drop();
  await hubspot.close();
});

const config = (): ConfigObject => ({
  postgres: { url: "${DATABASE_URL}", connections: 4, grant: { app: ["select", "insert"] } },
  apis: { hubspot: { base: hubspot.url, token: "the-token", tables: ["contacts"] } },
  log: { level: "error" },
});

async function opening(object: ConfigObject | string = config()): Promise<Throughline> {
  const env = { DATABASE_URL: database.urlOf("throughline") };
  const throughline = await openThroughline({ config: object, env });
  opened.push(throughline);
  return throughline;
}

async function migrated(): Promise<Throughline> {
  const throughline = await opening();
  await throughline.migrate();
  return throughline;
}

/** The role that owns mirrors belongs to the whole server: the test of another file may make it between a plan and its migration. */
const ofThisDatabase = (statements: readonly string[]): string[] =>
  statements.filter((statement) => !/\brole\b|session_user/.test(statement));

async function clientOf(port: number): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: database.urlOf("app", port) });
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

test("an object is migrated, pulled and served; a client inserts; close leaves no connection and no port open", async () => {
  const throughline = await opening();
  const planned = await throughline.migrate({ dryRun: true });
  const done = await throughline.migrate();
  expect(ofThisDatabase(done)).toEqual(ofThisDatabase(planned));
  expect(done.join("\n")).toMatch(/create table "hubspot"\."contacts"/);
  expect(await throughline.migrate()).toEqual([]);

  expect(await throughline.pull()).toMatchObject([
    { kind: "copied", table: "hubspot.contacts", rows: 2, deleted: 0, withheld: 0, parked: [], inexact: [] },
  ]);

  const { port, host } = await throughline.serve({ port: 0 });
  expect(host).toBe("127.0.0.1");
  const client = await clientOf(port);
  const insert = "insert into hubspot.contacts (email) values ('Katherine@NASA.example') returning email";
  expect((await client.query(insert)).rows).toEqual([{ email: "katherine@nasa.example" }]);
  expect(hubspot.records("contacts")).toHaveLength(3);

  await throughline.close();
  await expect(clientOf(port)).rejects.toMatchObject({ code: "ECONNREFUSED" });
  await untilTrue(
    admin,
    "not exists (select from pg_stat_activity where datname = current_database() and usename in ('app', 'throughline'))",
  );
});

test("two proxies and a pull beside them take no connection from each other, however few there are", async () => {
  const few = {
    ...config(),
    postgres: { url: "${DATABASE_URL}", connections: 1, grant: { app: ["select", "insert"] } },
  } as const;
  const throughline = await opening(few);
  await throughline.migrate();
  const proxies = [await throughline.serve({ port: 0 }), await throughline.serve({ port: 0 })];
  const pulling = throughline.pull({ full: true });
  for (const [index, { port }] of proxies.entries()) {
    const client = await clientOf(port);
    const insert = `insert into hubspot.contacts (email) values ('few${index}@example.com') returning email`;
    expect((await client.query(insert)).rows).toEqual([{ email: `few${index}@example.com` }]);
    await client.end();
  }
  expect(await pulling).toMatchObject([{ kind: "copied" }]);
});

test("a file says the same as an object, but for the rule that no secret stands in it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "throughline-embed-"));
  const path = join(folder, "throughline.yaml");
  writeFileSync(path, JSON.stringify(config()));
  await expect(opening(path)).rejects.toThrow(`${path}:1: apis.hubspot.token: is a secret`);
  writeFileSync(path, JSON.stringify(config()).replace("the-token", "${DATABASE_URL}"));
  await expect(opening(path)).resolves.toBeDefined();
  rmSync(folder, { recursive: true });
});

test("every key of the file has its type and its meaning in an object", async () => {
  const whole: ConfigObject = {
    ...config(),
    postgres: { url: "${DATABASE_URL}", connections: 4, grant: { app: ["select"] }, switches: ["authenticator"] },
    listen: { address: "127.0.0.1:0", drain: "250ms", connections: 10, opening: 10, writes: 5 },
    apis: {
      hubspot: {
        connector: "hubspot",
        base: hubspot.url,
        token: "the-token",
        timeout: "5s",
        wait: "1s",
        rate: "5/s",
        transaction: "autocommit",
        tables: {
          contacts: {
            as: "people",
            columns: ["email", "firstname"],
            rename: { firstname: "given_name" },
            write: [{ role: "app", verbs: ["insert"], columns: ["email"], rows: 10 }],
          },
          companies: null,
          deals: { write: ["insert"] },
        },
      },
    },
    http: "127.0.0.1:0",
    journal: { keep: "30d" },
    log: { level: "error", format: "json" },
  };
  await expect(opening(whole)).resolves.toBeDefined();
});

test("a Postgres that is no URL is a ConfigError, whichever way it is written", async () => {
  for (const postgres of ["mydb", { url: "mydb" }]) {
    const failure = await openThroughline({ config: { postgres, apis: {} } }).catch((cause: unknown) => cause);
    expect(failure).toBeInstanceOf(ConfigError);
    expect(failure).toMatchObject({ mistakes: [expect.stringMatching(/^config: postgres\.url: is no URL such as /)] });
  }
});

test("a Postgres that can't be reached is told in one sentence by each method, and the end is an end", async () => {
  const throughline = await openThroughline({
    config: { postgres: "postgres://throughline@127.0.0.1:1/none", apis: {} },
  });
  for (const method of [throughline.migrate, throughline.pull, throughline.serve] as const) {
    await expect(method()).rejects.toThrow(ConnectionLost);
    await expect(method()).rejects.toThrow("Postgres can't be reached (connect ECONNREFUSED 127.0.0.1:1)");
  }
  await throughline.close();
  await throughline.close();
});

test("a wrong object is a ConfigError with a line for each mistake, each with its path", async () => {
  const wrong: ConfigObject = {
    ...config(),
    postgres: "postgres://${NOT_SET}@localhost/mydb",
    apis: { hubspott: { token: "t" }, public: { connector: "hubspot", token: "t" } },
  };
  const failure = await opening(wrong).catch((cause: unknown) => cause);
  expect(failure).toBeInstanceOf(ConfigError);
  expect(failure).toBeInstanceOf(Explained);
  expect(failure).toMatchObject({
    mistakes: [
      'config: apis.public: a schema of that name is not ours to fill; choose another, and say "connector"',
      'config: apis.hubspott: there is no connector "hubspott"',
      "config: postgres: the environment variable NOT_SET is not set",
    ],
  });
  const misspelt = { ...config(), apis: { hubspot: { token: "t", tabels: ["contacts"] } }, listen: { drain: "soon" } };
  await expect(opening(misspelt)).rejects.toMatchObject({
    mistakes: [
      'config: listen.drain: "soon" is no duration such as 5s or 10m',
      'config: apis.hubspot.tabels: unknown key "tabels"; did you mean "tables"?',
    ],
  });
  const missing = { ...config(), apis: { own: { manifest: "./none.yaml" } } };
  await expect(opening(missing)).rejects.toThrow(
    `config: apis.own: there is no manifest "${join(process.cwd(), "none.yaml")}"`,
  );
  await expect(openThroughline(JSON.parse('{"config": []}'))).rejects.toThrow(/^config: the object: /);
});

test("a wrong argument is a UsageError, and no tables are none of them", async () => {
  const throughline = await migrated();
  await expect(throughline.pull({ tables: ["hubspot.contcts"] })).rejects.toThrow(
    new UsageError('"hubspot.contcts" is not configured; did you mean "hubspot.contacts"?'),
  );
  await expect(throughline.pull({ workers: 0 })).rejects.toThrow(UsageError);
  expect(await throughline.pull({ tables: [] })).toEqual([]);
});

test("an API that refuses is a rejection of migrate and a result of pull", async () => {
  const { apis, ...rest } = config();
  const throughline = await opening({ ...rest, apis: { hubspot: { ...apis["hubspot"], token: "another" } } });
  await (await migrated()).close();
  await expect(throughline.migrate()).rejects.toThrow(ReadFailed);
  const [result] = await throughline.pull();
  expect(result).toMatchObject({ kind: "failed", reason: expect.stringContaining("look at apis.hubspot.token") });
});

test("a mirror without its guard is not served", async () => {
  const throughline = await migrated();
  await admin.query("alter table hubspot.contacts disable trigger user");
  await expect(throughline.serve({ port: 0 })).rejects.toThrow(
    new Explained('hubspot.contacts: its guard is missing or disabled: run "throughline migrate"'),
  );
  for (const name of Object.values(guardTriggers))
    await admin.query(`alter table hubspot.contacts enable always trigger "${name}"`);
});

test("a port that is taken is the error of listen, and the next call finds another", async () => {
  const throughline = await migrated();
  const { port } = await throughline.serve({ port: 0 });
  await expect(throughline.serve({ port })).rejects.toMatchObject({ code: "EADDRINUSE" });
  await expect(throughline.serve({ port: 0 })).resolves.toBeDefined();
});

test("the health port is served where the config names it, and closed with its proxy", async () => {
  const free = createServer().listen(0, "127.0.0.1");
  await once(free, "listening");
  const address = free.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  free.close();
  const throughline = await opening({ ...config(), http: `127.0.0.1:${port}` });
  await throughline.migrate();
  const proxy = await throughline.serve({ port: 0 });
  expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200);
  await proxy.close();
  await expect(fetch(`http://127.0.0.1:${port}/readyz`)).rejects.toThrow();
});

test("close stops a pull after its page, and every call after it is a UsageError", async () => {
  const throughline = await migrated();
  hubspot.seed(
    "contacts",
    Array.from({ length: 250 }, (_, i) => ({ email: `of-${i}@example.com` })),
  );
  hubspot.fault({ kind: "slow", ms: 500, times: 3, on: { method: "GET", path: "/crm/v3/objects/contacts" } });
  const pulling = throughline.pull({ full: true });
  await untilTrue(
    admin,
    "exists (select from pg_locks join pg_database d on d.oid = database where datname = current_database() and locktype = 'advisory')",
  );
  await throughline.close();
  expect(await pulling).toEqual([{ kind: "interrupted", table: "hubspot.contacts" }]);
  await expect(throughline.pull()).rejects.toThrow(UsageError);
  await expect(throughline.close()).resolves.toBeUndefined();
});

test.each(["a pull", "a start of a proxy"] as const)(
  "P15: close comes to its end while Postgres hangs in %s, which fails, and leaves no connection",
  async (what) => {
    await (await migrated()).close();
    const relay = await startFrozenRelay(database.port);
    const url = Object.assign(new URL(database.urlOf("throughline")), { hostname: "127.0.0.1", port: relay.port }).href;
    const throughline = await openThroughline({ config: config(), env: { DATABASE_URL: url } });
    await throughline.serve({ port: 0 });
    relay.freeze();
    const working = what === "a pull" ? throughline.pull() : throughline.serve({ port: 0 });
    const failed = expect(working).rejects.toBeInstanceOf(Error);
    await throughline.close({ drainMs: 0 });
    await failed;
    relay.thaw();
    await expect.poll(() => relay.openCount, { timeout: 10_000 }).toBe(0);
    relay.close();
  },
);
