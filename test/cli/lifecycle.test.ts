// After the first day: the API's columns change, the config changes under a running proxy, a pull is interrupted.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type HubspotSandbox, startHubspotSandbox } from "../../packages/sandbox/src/hubspot/server.js";
import { open, openMirrors, readConfig } from "../../src/app/open.js";
import type { Command } from "../../src/cli/command.js";
import { migrateCommand } from "../../src/cli/migrate.js";
import { pullCommand } from "../../src/cli/pull.js";
import { backfill } from "../../src/sync/backfill.js";
import { makeDatabase, type TestDatabase } from "../support/database.js";
import { logLines, program } from "../support/program.js";

const folder = mkdtempSync(join(tmpdir(), "throughline-changes-"));
const path = join(folder, "throughline.yaml");
let database: TestDatabase;
let admin: pg.Client;
let sandbox: HubspotSandbox;
const config = (tables = "[contacts, companies]") => `
listen: { address: 127.0.0.1:0 }
http: 127.0.0.1:0
postgres: { url: "${database.urlOf("throughline")}", grant: { app: [select, insert, update, delete] } }
apis: { hubspot: { base: "${sandbox.url}", token: "\${CHANGES_TOKEN}", tables: ${tables} } }
`;

async function run(command: Command, flags: Record<string, string | boolean> = {}, names: readonly string[] = []) {
  const [out, err]: [string[], string[]] = [[], []];
  const io = { out: (line: string) => void out.push(line), err: (line: string) => void err.push(line) };
  return { code: await command({ config: path, names, flags, json: false }, io), out, err };
}

beforeAll(async () => {
  process.env["CHANGES_TOKEN"] = "any";
  sandbox = await startHubspotSandbox({ rate: { calls: 10_000, perMs: 10_000 } });
  sandbox.defineProperty("contacts", { name: "shoe_size", type: "number" });
  sandbox.seed(
    "contacts",
    Array.from({ length: 250 }, (_, n) => ({ email: `n${n}@a.example`, shoe_size: "40" })),
  );
  database = await makeDatabase();
  writeFileSync(path, config());
  admin = new pg.Client({ connectionString: database.urlOf() });
  await admin.connect();
  await run(migrateCommand);
});
afterAll(async () => {
  await admin.end();
  await sandbox.close();
  await database.drop();
  rmSync(folder, { recursive: true, force: true });
});
const columns = async () =>
  (
    await admin.query(
      "select attname::text as name, format_type(atttypid, null) as type from pg_attribute where attrelid = 'hubspot.contacts'::regclass and attname = 'shoe_size' and not attisdropped",
    )
  ).rows;

test("an interrupted pull stops after its page, and the next one goes on there", async () => {
  const opened = open(readConfig(path));
  try {
    const [known] = await openMirrors(opened);
    if (!known) throw new Error("there is no mirror");
    const controller = new AbortController();
    const progress = () => controller.abort();
    const first = await backfill(opened.pool, known.mirror, known.table, {
      full: false,
      signal: controller.signal,
      progress,
    });
    expect(first).toMatchObject({ rows: 100, isInterrupted: true });
    const second = await backfill(opened.pool, known.mirror, known.table, { full: false, progress: () => undefined });
    expect(second).toMatchObject({ rows: 150, isInterrupted: false });
  } finally {
    await opened.pool.end();
  }
  const { rows } = await admin.query("select count(*)::int as n from hubspot.contacts");
  expect(rows).toEqual([{ n: 250 }]);
});

test("tables are pulled at once, and each has its line", async () => {
  const { code, out } = await run(pullCommand, { workers: "2" });
  expect({ code, out: out.sort() }).toEqual({
    code: 0,
    out: ["hubspot.companies: 0 rows", "hubspot.contacts: 250 rows"],
  });
  await expect(run(pullCommand, {}, ["hubspot.contact"])).rejects.toThrow(
    '"hubspot.contact" is not configured; did you mean "hubspot.contacts"?',
  );
});

test("a column whose type the API has changed is made anew only when that is allowed, and a pull fills it", async () => {
  sandbox.archiveProperty("contacts", "shoe_size");
  sandbox.defineProperty("contacts", { name: "shoe_size", type: "string" });
  await expect(run(migrateCommand)).rejects.toThrow(
    'column "shoe_size" of "hubspot"."contacts" is numeric here and text in the API: "throughline migrate --allow-drop" makes it anew, and "throughline pull --full" fills it',
  );
  expect(await columns()).toEqual([{ name: "shoe_size", type: "numeric" }]);
  const { out } = await run(migrateCommand, { "allow-drop": true });
  expect(out).toEqual([
    'alter table "hubspot"."contacts" drop column "shoe_size";',
    'alter table "hubspot"."contacts" add column "shoe_size" text;',
  ]);
  expect(await columns()).toEqual([{ name: "shoe_size", type: "text" }]);
  const { rows } = await admin.query("select complete_at from throughline.mirror where resource = 'contacts'");
  expect(rows).toEqual([{ complete_at: null }]);
  await run(pullCommand);
});

test("a column that the API no longer has stays as a local column, unless it may be dropped", async () => {
  sandbox.archiveProperty("contacts", "shoe_size");
  const { out } = await run(migrateCommand);
  expect(out).toEqual([
    `-- column "shoe_size" of "hubspot"."contacts" is the API's no more, and yours now: "throughline column drop hubspot.contacts shoe_size" drops it`,
  ]);
  expect((await run(migrateCommand)).out).toEqual([]);
  expect(await columns()).toEqual([{ name: "shoe_size", type: "text" }]);
});

test("SIGHUP reloads the config; a wrong one changes nothing", async () => {
  writeFileSync(path, config("[contacts]"));
  const serving = spawn(process.execPath, [program, "serve", "-c", path], { env: process.env });
  const ended = new Promise((resolve) => serving.once("exit", resolve));
  const lines = logLines(serving);
  const { port } = await lines("listening");
  const client = new pg.Client({ connectionString: database.urlOf("app", Number(port)) });
  await client.connect();
  const insert = "insert into hubspot.companies (name) values ('A') returning name";
  await expect(client.query(insert)).rejects.toThrow("did not come through Throughline");
  writeFileSync(path, config("[contacts, companies"));
  serving.kill("SIGHUP");
  await lines("the config is wrong, and the one before stays");
  writeFileSync(path, config());
  serving.kill("SIGHUP");
  await lines("the config was read again");
  // What leads to a mirror is looked up every few seconds.
  let rows: unknown[] = [];
  for (const deadlineMs = performance.now() + 20_000; rows.length === 0 && performance.now() < deadlineMs; ) {
    rows = await client.query(insert).then(
      (made) => made.rows,
      () => [],
    );
  }
  expect(rows).toEqual([{ name: "A" }]);
  await client.end();
  serving.kill("SIGTERM");
  await ended;
});

test("migrate --drop drops the named tables, and nothing upstream", async () => {
  sandbox.clearLog();
  await expect(run(migrateCommand, { drop: true })).rejects.toThrow("takes the names of what to drop");
  const { out } = await run(migrateCommand, { drop: true }, ["hubspot.companies"]);
  expect(out).toEqual(['drop table "hubspot"."companies";']);
  expect(sandbox.log).toEqual([]);
  const { rows } = await admin.query(
    `select (select array_agg(table_name) from throughline.mirror) as left, to_regclass('hubspot.companies') as gone,
       (select count(*)::int from pg_proc p where pronamespace = 'throughline'::regnamespace and proname ~ '_2$') as functions`,
  );
  expect(rows).toEqual([{ left: ["contacts"], gone: null, functions: 0 }]);
});
