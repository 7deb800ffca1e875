// `status`: a line for each configured table, whatever stage it is in, with stable keys for programs.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { statusCommand } from "../../src/cli/status.js";
import { runCommand } from "../support/command.js";
import { makeDatabase, type TestDatabase } from "../support/database.js";
import { insertOrphan } from "../support/orphan-entry.js";
import { pastGuard } from "../support/past-guard.js";
import { program, runProgram } from "../support/program.js";
import { type Stack, startStack } from "../support/stack.js";

const folder = mkdtempSync(join(tmpdir(), "throughline-status-"));
const config = join(folder, "throughline.yaml");
const empty = join(folder, "empty.yaml");
let stack: Stack;
let bare: TestDatabase;
beforeAll(async () => {
  stack = await startStack({ pull: false, seed: [{ email: "ada@example.com" }, { email: "bob@example.com" }] });
  bare = await makeDatabase();
  const apis = `apis: {hubspot: {base: "${stack.sandbox.url}", token: "\${HOME}", tables: [contacts, deals]}}\n`;
  writeFileSync(config, `postgres: "${stack.opened.config.postgres.url}"\n${apis}`);
  writeFileSync(empty, `postgres: "${bare.urlOf("throughline")}"\n${apis}`);
});
afterAll(async () => {
  await stack.close();
  await bare.drop();
  rmSync(folder, { recursive: true, force: true });
});

const status = (names: readonly string[] = [], json = false) => runCommand(statusCommand, { config, names, json });
const contacts = async () => JSON.parse((await status(["hubspot.contacts"], true)).out);
const instant = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);

test("a database that nothing was migrated in has tables that are not migrated", async () => {
  expect(await runCommand(statusCommand, { config: empty })).toEqual({
    code: 0,
    out: `hubspot.contacts  -  not migrated: run "throughline migrate"
hubspot.deals     -  not migrated: run "throughline migrate"
`,
    err: "",
  });
});

test("the stages follow each other: migrated, pulling, complete", async () => {
  expect(await status()).toEqual({
    code: 0,
    out: `hubspot.contacts  0 rows  migrated: run "throughline pull"
hubspot.deals     -       not migrated: run "throughline migrate"
`,
    err: "",
  });
  const nothing = {
    parked: 0,
    missingIndexes: [],
    closed: [],
    closedCount: 0,
    inexact: [],
    open: [],
    lastFailure: null,
    exact: true,
    running: false,
  };
  expect(await contacts()).toEqual({
    table: "hubspot.contacts",
    stage: "migrated",
    rows: 0,
    completedAt: null,
    ...nothing,
  });
  await stack.admin.query("update throughline.mirror set checkpoint = '{}'");
  expect(await contacts()).toMatchObject({ stage: "pulling", running: false });
  expect((await status(["hubspot.contacts"])).out).toBe(
    'hubspot.contacts  0 rows  pull stopped: run "throughline pull"\n',
  );
  await stack.admin.query("select pg_advisory_lock(hashtext('throughline pull'), id) from throughline.mirror");
  expect(await contacts()).toMatchObject({ stage: "pulling", running: true });
  expect((await status(["hubspot.contacts"])).out).toBe("hubspot.contacts  0 rows  pulling\n");
  await stack.admin.query("select pg_advisory_unlock(hashtext('throughline pull'), id) from throughline.mirror");
  await stack.pull();
  expect(await contacts()).toEqual({
    table: "hubspot.contacts",
    stage: "complete",
    rows: 2,
    completedAt: instant,
    ...nothing,
  });
  expect((await status(["hubspot.contacts"])).out).toMatch(/^hubspot\.contacts {2}2 rows {2}complete \S+Z\n$/);
});

test("parked rows, open entries and the last failure stand at the end of the line", async () => {
  await stack.admin.query(
    "insert into throughline.parked (mirror, key, sqlstate) select id, 'x', '23514' from throughline.mirror",
  );
  const client = await stack.client();
  await client.query("insert into hubspot.contacts (email) values ('no address')").catch(() => undefined);
  expect(await contacts()).toMatchObject({
    parked: 1,
    closed: [{ key: "x", sqlstate: "23514", columns: null, reason: "" }],
    closedCount: 1,
    open: [],
    lastFailure: { state: "refused", sqlstate: "22P02", at: instant },
  });
  const id = await insertOrphan(
    stack,
    { verb: "insert", request: [{ key: null, sent: { firstname: "Nobody" } }] },
    "sent",
    {
      state: "unknown",
      rows: [],
    },
  );
  await stack.admin.query("update throughline.journal set intent_at = now() - interval '3 hours' where id = $1", [id]);
  expect(await contacts()).toMatchObject({
    open: [{ state: "unknown", count: 1, oldestAt: instant, oldestSeconds: expect.any(Number) }],
    // The older one of the two.
    lastFailure: { state: "refused" },
  });
  expect((await status(["hubspot.contacts"])).out).toMatch(
    / {2}1 closed: x, Postgres refuses it \(23514\), 1 unknown \(oldest 3 h\), last refused 22P02 \S+Z\n$/,
  );
  expect((await status([], true)).out).not.toMatch(/Nobody|no address/);
});

test("above 10000 rows it is Postgres's estimate, and says so", async () => {
  await pastGuard(
    stack.admin,
    "hubspot.contacts",
    "insert into hubspot.contacts (id) select 'n' || n from generate_series(1, 10001) n",
  );
  await stack.admin.query("analyze hubspot.contacts");
  expect(await contacts()).toMatchObject({ rows: 10_003, exact: false });
  expect((await status(["hubspot"])).out).toMatch(/^hubspot\.contacts {2}~10003 rows {2}/);
});

test("a name that the config does not have is a mistake, and a database that is not there is one line", async () => {
  expect(await status(["hubspot.contact"])).toEqual({
    code: 2,
    out: "",
    err: 'the config has no API or table "hubspot.contact"; did you mean "hubspot.contacts"?\n',
  });
  const nowhere = join(folder, "nowhere.yaml");
  writeFileSync(nowhere, 'postgres: "postgres://throughline@localhost:1/x"\napis:\n');
  const ran = await runProgram(folder, process.env, ["status", "-c", nowhere]);
  expect(ran).toMatchObject({
    code: 1,
    out: "",
    err: expect.stringMatching(
      /^throughline: Postgres can't be reached \(connect ECONNREFUSED \S+:1\): look at postgres\.url\n$/,
    ),
  });
});

test("--watch repeats until it is interrupted, and clears no screen that is none", async () => {
  const watching = spawn(process.execPath, [program, "status", "--watch", "-c", empty]);
  const ended = once(watching, "exit");
  const text = await linesOf(watching, 4);
  watching.kill("SIGINT");
  expect([await ended, text.includes("\x1b")]).toEqual([[0, null], false]);
});

/** What it has said once there are so many lines. */
function linesOf(process: ChildProcess, count: number): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    process.stdout?.on("data", (chunk: Buffer) => {
      text += chunk.toString("utf8");
      if (text.split("\n").length > count) resolve(text);
    });
  });
}
