// Serving with a login that owns nothing, beside one that migrates: each command by throughline.yaml, where the program that serves knows
// nothing of the other login.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type HubspotSandbox, startHubspotSandbox } from "../../packages/sandbox/src/hubspot/server.js";
import { runHere } from "../support/command.js";
import { makeDatabase, type TestDatabase } from "../support/database.js";
import { logLines, program } from "../support/program.js";

const folder = mkdtempSync(join(tmpdir(), "throughline-two-logins-"));
let database: TestDatabase;
let hubspot: HubspotSandbox;
let env: NodeJS.ProcessEnv;
beforeAll(async () => {
  hubspot = await startHubspotSandbox({ token: "pat-1", rate: { calls: 10_000, perMs: 10_000 } });
  hubspot.seed("contacts", [{ email: "grace@navy.example" }]);
  database = await makeDatabase();
  env = { ...process.env, DATABASE_URL: database.urlOf("server"), HUBSPOT_TOKEN: "pat-1" };
  writeFileSync(
    join(folder, "throughline.yaml"),
    `postgres: {url: "\${DATABASE_URL}", admin_url: "\${ADMIN_URL:-}", grant: {app: [select, insert, update]}}
apis: {hubspot: {base: "${hubspot.url}", token: "\${HUBSPOT_TOKEN}", tables: [contacts]}}
http: 127.0.0.1:0
log: {level: info, format: json}
`,
  );
});
afterAll(async () => {
  await hubspot.close();
  await database.drop();
  rmSync(folder, { recursive: true, force: true });
});

const served = (...args: readonly string[]) => runHere(folder, env, args);
const administered = (...args: readonly string[]) =>
  runHere(folder, { ...env, ADMIN_URL: database.urlOf("throughline") }, args);
const wrongLines = (out: string) => out.split("\n").filter((line) => line !== "" && !line.startsWith("ok"));

test("P14: a login that owns nothing pulls, serves, tells and recovers, and changes no table", async () => {
  expect(await served("migrate")).toMatchObject({
    code: 1,
    err: expect.stringContaining("an administrator runs once"),
  });
  const before = await administered("check", "--offline");
  expect(wrongLines(before.out)).toEqual([
    'error   postgres: schema "throughline" is missing: run "throughline migrate"',
  ]);
  // With one login for a time, and then with two.
  const alone = { ...env, DATABASE_URL: database.urlOf("throughline") };
  expect(await runHere(folder, alone, ["migrate"])).toMatchObject({ code: 0 });
  expect(await runHere(folder, alone, ["pull"])).toMatchObject({ code: 0 });
  expect(await administered("migrate")).toMatchObject({ code: 0 });

  expect(await served("pull")).toMatchObject({ code: 0 });
  for (const run of [served, administered]) {
    const checked = await run("check");
    expect(wrongLines(checked.out)).toEqual([]);
    expect(checked.code).toBe(0);
  }
  const serving = spawn(process.execPath, [program, "serve", "--listen", "127.0.0.1:0"], { cwd: folder, env });
  const ended = new Promise((resolve) => serving.once("exit", resolve));
  const { port } = await logLines(serving)("listening");
  const client = new pg.Client({ connectionString: database.urlOf("app", Number(port)) });
  await client.connect();
  const { rows } = await client.query(
    "insert into hubspot.contacts (email) values ('Ada@example.com') returning email",
  );
  expect(rows).toEqual([{ email: "ada@example.com" }]);
  await client.end();
  expect((await served("status")).out).toContain("hubspot.contacts");
  expect(await served("journal", "list")).toMatchObject({ code: 0 });
  serving.kill("SIGTERM");
  expect(await ended).toBe(0);

  const serves = "this login serves, and postgres.admin_url names the one that migrates, which has more rights";
  for (const args of [["migrate"], ["column", "add", "hubspot.contacts", "note", "text"]])
    expect(await served(...args)).toMatchObject({ code: 1, err: expect.stringContaining(serves) });
  expect(await served("index", "add", "hubspot.contacts", "email")).toMatchObject({
    code: 1,
    err: expect.stringContaining(serves),
  });
  expect(await administered("column", "add", "hubspot.contacts", "note", "text")).toMatchObject({ code: 0 });
  expect(await administered("index", "add", "hubspot.contacts", "note")).toMatchObject({ code: 0 });
  expect(await served("pull")).toMatchObject({ code: 0 });
});

test("check tells which of the two logins can't be reached, or lacks something", async () => {
  const unreachable = { ...env, ADMIN_URL: "postgres://throughline@127.0.0.1:1/none" };
  const { out } = await runHere(folder, unreachable, ["check", "--offline"]);
  expect(wrongLines(out)).toEqual([expect.stringMatching(/^error {3}login: .*: look at postgres\.admin_url$/)]);

  const swapped = { ...env, ADMIN_URL: database.urlOf("app") };
  const powerless = await runHere(folder, swapped, ["check", "--offline"]);
  expect(wrongLines(powerless.out)).toEqual([
    'error   login: "app" can\'t migrate: an administrator runs once: grant throughline_owner to the login that migrates; grant throughline_mirror to the login that migrates; grant throughline_writer to the login that migrates',
  ]);

  const admin = new pg.Client({ connectionString: database.urlOf() });
  await admin.connect();
  await admin.query("revoke execute on function throughline.sync_page from server");
  const revoked = await administered("check", "--offline");
  expect(wrongLines(revoked.out)).toEqual(['error   login: "server" may not serve: run "throughline migrate"']);
  expect(await administered("migrate")).toMatchObject({ code: 0 });
  expect(wrongLines((await administered("check", "--offline")).out)).toEqual([]);

  await admin.query(`create function public.door() returns void language sql security definer as 'select';
    alter function public.door() owner to throughline_writer`);
  expect(wrongLines((await administered("check", "--offline")).out)).toEqual([
    "warning login: function public.door() was left behind by code of others on a mirror, and does for anybody what that may do: drop it",
  ]);
  await admin.end();
});
