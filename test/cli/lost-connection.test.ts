// Connections to Postgres that are lost while a command runs: one sentence and exit code 1, and nothing that has to be mended.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type HubspotSandbox, startHubspotSandbox } from "../../packages/sandbox/src/hubspot/server.js";
import { startPostgres } from "../../src/app/embedded-postgres.js";
import { migrateAll } from "../../src/app/migrate.js";
import { open, readConfig } from "../../src/app/open.js";
import { type Relay, startRelay } from "../faults/relay.js";
import { runHere } from "../support/command.js";
import { makeDatabase, type TestDatabase } from "../support/database.js";
import { type Gate, startGate } from "../support/gate.js";
import type { Ran } from "../support/program.js";

const folder = mkdtempSync(join(tmpdir(), "throughline-lost-"));
let sandbox: HubspotSandbox;
let gate: Gate;
let database: TestDatabase;
let admin: pg.Client;
beforeAll(async () => {
  sandbox = await startHubspotSandbox({ seed: 0, rate: { calls: 10_000, perMs: 10_000 } });
  sandbox.seed(
    "contacts",
    Array.from({ length: 250 }, (_, i) => ({ email: `c${i}@example.com` })),
  );
  gate = await startGate(sandbox.url);
});
afterAll(async () => {
  await gate.close();
  await sandbox.close();
  rmSync(folder, { recursive: true });
});

async function startDatabase(): Promise<void> {
  database = await makeDatabase();
  admin = new pg.Client({ connectionString: database.urlOf() });
  await admin.connect();
  await migrated(database.urlOf("throughline"));
}

async function dropDatabase(): Promise<void> {
  await admin.end();
  await database.drop();
}

/** A config for that database, in which there is an empty mirror. */
async function migrated(url: string): Promise<void> {
  const opened = open(readConfig(configure(url), { TOKEN: "pat" }));
  await migrateAll(opened, { dryRun: false });
  await opened.pool.end();
}

/** Writes the config for that database and returns its path. */
function configure(url: string): string {
  const path = join(folder, "throughline.yaml");
  const apis = `apis: {hubspot: {base: "${gate.url}", token: "\${TOKEN}", tables: [contacts]}}\n`;
  writeFileSync(path, `postgres: "${url}"\n${apis}`);
  return path;
}

const run = (...args: readonly string[]): Promise<Ran> => runHere(folder, { ...process.env, TOKEN: "pat" }, args);

/** Of the list's second page. */
const secondPage = "after=";
const again = ': run "throughline pull" again, it goes on where it stopped\n';
const lost = {
  code: 1,
  out: "",
  err: `hubspot.contacts: the connection to Postgres was lost (terminating connection due to administrator command)${again}`,
};

/** Resolves when those sessions of the program are gone, and their locks with them. */
async function terminate(which: string): Promise<number> {
  const ours = `pid in (select pid from pg_stat_activity where usename = 'throughline' and datname = current_database()) and ${which}`;
  const { rows } = await admin.query(`select pid from pg_stat_activity where ${ours}`);
  const pids = rows.map(({ pid }) => pid);
  await admin.query("select pg_terminate_backend(pid) from unnest($1::int[]) pid", [pids]);
  while ((await admin.query("select from pg_stat_activity where pid = any($1)", [pids])).rowCount !== 0);
  return pids.length;
}

const holdsLock = "pid in (select pid from pg_locks where locktype = 'advisory' and mode = 'ExclusiveLock')";
const mirrorState = async () =>
  (
    await admin.query(
      "select checkpoint is not null as stopped, complete_at is not null as complete, (select count(*)::int from hubspot.contacts) as rows from throughline.mirror",
    )
  ).rows[0];

describe("a pull", () => {
  beforeEach(startDatabase);
  afterEach(dropDatabase);

  test("outlasts the time-out for idle sessions", async () => {
    await admin.query(`alter role throughline in database ${database.name} set idle_session_timeout = '100ms'`);
    // This session begins to idle later than those of the pull.
    gate.atAnswer(secondPage, async () => {
      const witness = new pg.Client({ connectionString: database.urlOf("throughline") });
      const ended = new Promise<void>((resolve) => witness.on("error", () => undefined).on("end", () => resolve()));
      await witness.connect();
      await ended;
    });
    expect(await run("pull")).toEqual({ code: 0, out: "hubspot.contacts: 250 rows\n", err: "" });
    expect(await mirrorState()).toEqual({ stopped: false, complete: true, rows: 250 });
  });

  test("that loses its lock writes nothing more, and the next one goes on where it stopped", async () => {
    gate.atAnswer(secondPage, () => terminate(holdsLock));
    expect(await run("pull")).toEqual(lost);
    expect(await mirrorState()).toEqual({ stopped: true, complete: false, rows: 100 });
    expect(await run("pull")).toEqual({ code: 0, out: "hubspot.contacts: 150 rows\n", err: "" });
    expect(await mirrorState()).toEqual({ stopped: false, complete: true, rows: 250 });
  });

  test("that loses its lock writes nothing beside the one that has it now", async () => {
    const second = new Promise<Ran>((resolve) => {
      gate.atAnswer(secondPage, async () => {
        await terminate(holdsLock);
        const { rows } = await admin.query("select max(id::bigint)::text as id from hubspot.contacts");
        // The second page has this contact, and the first pull has an answer from before.
        sandbox.edit("contacts", String(Number(rows[0].id) + 1), { firstname: "Newer" });
        resolve(await run("pull", "--full"));
      });
    });
    expect(await run("pull")).toEqual(lost);
    expect(await second).toEqual({ code: 0, out: "hubspot.contacts: 250 rows\n", err: "" });
    expect((await admin.query("select from hubspot.contacts where firstname = 'Newer'")).rowCount).toBe(1);
    expect(await mirrorState()).toEqual({ stopped: false, complete: true, rows: 250 });
  });

  test("whose page loses its connection keeps nothing of it, and the next one goes on where it stopped", async () => {
    await admin.query(`create function public.fall() returns trigger language plpgsql security definer as
      $$begin perform pg_terminate_backend(pg_backend_pid()); return new; end$$`);
    await admin.query(`create trigger fall before insert on hubspot.contacts for each row when (new.email = 'c150@example.com')
      execute function public.fall()`);
    expect(await run("pull")).toEqual(lost);
    expect(await mirrorState()).toEqual({ stopped: true, complete: false, rows: 100 });
    await admin.query("drop trigger fall on hubspot.contacts");
    expect(await run("pull")).toEqual({ code: 0, out: "hubspot.contacts: 150 rows\n", err: "" });
  });

  test("whose connections are all lost at once says so in one sentence", async () => {
    gate.atAnswer(secondPage, async () => expect(await terminate("true")).toBeGreaterThan(0));
    expect(await run("pull")).toEqual(lost);
    expect(await run("pull")).toMatchObject({ code: 0, out: "hubspot.contacts: 150 rows\n" });
  });

  test.each(["fast", "immediate"] as const)("goes on where it stopped after a %s restart of Postgres", async (mode) => {
    const server = await startPostgres(18);
    const superuser = new pg.Client({ connectionString: server.urlOf("postgres", "postgres") });
    await superuser.connect();
    await superuser.query("create role throughline login createrole; grant create on database postgres to throughline");
    await superuser.end();
    await migrated(server.urlOf("throughline", "postgres"));
    let restarted: Promise<void> | undefined;
    gate.atAnswer(secondPage, () => {
      restarted = server.restart(mode);
      return restarted;
    });
    const { code, out, err } = await run("pull");
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toMatch(/^hubspot\.contacts: the connection to Postgres was lost \([^\n]+$/m);
    expect(err.split("\n")).toHaveLength(2);
    await restarted;
    expect(await run("pull")).toEqual({ code: 0, out: "hubspot.contacts: 150 rows\n", err: "" });
    await server.stop();
  });
});

describe("a command whose connection is lost says so in one sentence", () => {
  let relay: Relay;
  beforeAll(async () => {
    await startDatabase();
    relay = await startRelay(database.port);
    configure(database.urlOf("throughline", relay.port));
  });
  afterAll(async () => {
    relay.close();
    await dropDatabase();
  });

  const entry = "00000000-0000-4000-8000-000000000000";
  const cut: readonly { readonly args: readonly string[]; readonly at: string; readonly err?: RegExp }[] = [
    { args: ["migrate"], at: "insert into throughline.mirror" },
    { args: ["migrate", "--drop", "hubspot"], at: "drop table" },
    { args: ["pull"], at: "throughline pull", err: /^hubspot\.contacts: the connection to Postgres was lost \(.+\n$/ },
    { args: ["pull"], at: "throughline.version" },
    { args: ["status"], at: "throughline.parked" },
    { args: ["column", "add", "hubspot.contacts", "note", "text"], at: "alter table" },
    { args: ["journal", "list"], at: "from throughline.journal" },
    { args: ["journal", "retry", entry], at: "from throughline.journal" },
    { args: ["journal", "resolve", entry, "--accepted", "--because", "x"], at: "update throughline.journal" },
    { args: ["serve", "--listen", "127.0.0.1:0"], at: "throughline.proxy_key" },
    { args: ["serve", "--listen", "127.0.0.1:0"], at: "set_config('application_name'" },
  ];
  test.each(cut)("$args at $at", async ({ args, at, err }) => {
    relay.set({ text: at, when: "before", spring: async (hit) => hit.cut() });
    const ran = await run(...args);
    expect(relay.unset()).toBe(true);
    expect(ran).toMatchObject({ code: 1, out: "" });
    expect(ran.err).toMatch(
      err ?? /^throughline: the connection to Postgres was lost \([^\n]+\): run the command again\n$/,
    );
  });
});
