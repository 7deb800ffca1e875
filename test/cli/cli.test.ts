// The commands as a user runs them: the built program, a config file, exit codes, and who writes to which stream.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { type HubspotSandbox, startHubspotSandbox } from "../../packages/sandbox/src/hubspot/server.js";
import { runHere } from "../support/command.js";
import { logLines, program, type Ran, runProgram } from "../support/program.js";

const folder = mkdtempSync(join(tmpdir(), "throughline-cli-"));
const database = `cli_${process.pid}`;
const url = new URL(inject("postgres"));
url.pathname = `/${database}`;
url.username = "throughline";
url.password = "throughline";

let sandbox: HubspotSandbox;
const env = () => ({ ...process.env, DATABASE_URL: url.href, SANDBOX: sandbox.url, HUBSPOT_TOKEN: "pat-secret-token" });

async function asAdmin(sql: string): Promise<void> {
  const admin = new pg.Client({ connectionString: inject("postgres") });
  await admin.connect();
  await admin.query(sql);
  await admin.end();
}

beforeAll(async () => {
  await asAdmin(`create database ${database}`);
  await asAdmin(`grant create on database ${database} to throughline`);
  sandbox = await startHubspotSandbox();
  sandbox.seed("contacts", [{ email: "ada@example.com" }]);
});
afterAll(async () => {
  await sandbox.close();
  rmSync(folder, { recursive: true, force: true });
  await asAdmin(`drop database ${database} with (force)`);
});

const good = `postgres:
  url: \${DATABASE_URL}
  grant: {app: [select, insert]}
apis:
  hubspot:
    base: \${SANDBOX}
    token: \${HUBSPOT_TOKEN}
    tables: [contacts]
`;

function configFile(text: string): string {
  const path = join(folder, "throughline.yaml");
  writeFileSync(path, text);
  return path;
}

const run = (...args: readonly string[]): Promise<Ran> => runProgram(folder, env(), args);
const here = (...args: readonly string[]): Promise<Ran> => runHere(folder, env(), args);

const unmigrated = 'throughline: schema "throughline" is missing: run "throughline migrate"\n';

test("check, migrate, pull and serve lead from nothing to a row that the API has made", async () => {
  const config = configFile(good);
  const before = await run("check", "-c", config);
  expect(before).toMatchObject({ code: 1 });
  expect(before.out).toContain('error   postgres: schema "throughline" is missing: run "throughline migrate"');
  expect(await run("serve", "-c", config)).toMatchObject({
    code: 1,
    err: unmigrated,
  });
  expect(await run("pull", "-c", config)).toMatchObject({ code: 1, err: unmigrated });
  expect(await run("journal", "list", "-c", config)).toMatchObject({ code: 1, err: unmigrated });

  const dry = await run("migrate", "--dry-run", "-c", config);
  expect(dry).toMatchObject({ code: 0, err: "dry run: nothing was changed\n" });
  expect(dry.out).toContain('create table "hubspot"."contacts"');
  expect((await run("migrate", "-c", config)).code).toBe(0);
  expect(await run("migrate", "-c", config)).toMatchObject({ code: 0, out: "", err: "nothing to do\n" });
  expect((await run("check", "-c", config)).out).toContain("warning hubspot.contacts: is not complete");
  expect(await run("pull", "-c", config, "--json")).toMatchObject({
    code: 0,
    out: '{"table":"hubspot.contacts","rows":1,"deleted":0,"withheld":0,"parked":[],"closed":[],"missingIndexes":[],"inexact":[]}\n',
  });
  const after = await run("check", "-c", config);
  expect(after).toMatchObject({ code: 0, err: "" });

  const serving = spawn(process.execPath, [program, "serve", "-c", config, "--listen", "127.0.0.1:0"], { env: env() });
  const ended = new Promise((resolve) => serving.once("exit", resolve));
  const { port } = await logLines(serving)("listening");
  const client = new pg.Client({ host: "127.0.0.1", port: Number(port), user: "app", password: "app", database });
  await client.connect();
  expect(
    (await client.query("insert into hubspot.contacts (email) values ('new@example.com') returning email")).rows,
  ).toEqual([{ email: "new@example.com" }]);
  await client.end();
  serving.kill("SIGTERM");
  expect(await ended).toBe(0);
});

test("check finds a new column of the API, and a trigger that fires behind the guard", async () => {
  const config = configFile(good);
  const admin = new pg.Client({
    connectionString: Object.assign(new URL(inject("postgres")), { pathname: `/${database}` }).href,
  });
  await admin.connect();
  await admin.query("create function public.nothing() returns trigger language plpgsql as 'begin return new; end'");
  await admin.query(
    'create trigger "~zz" before insert on hubspot.contacts for each row execute function public.nothing()',
  );
  const late = await run("check", "-c", config, "--offline");
  expect(late).toMatchObject({ code: 1 });
  expect(late.out).toContain('trigger "~zz" fires after the guard');
  await admin.query('drop trigger "~zz" on hubspot.contacts');
  sandbox.defineProperty("contacts", { name: "shoe_size", type: "number" });
  expect((await run("check", "-c", config)).out).toContain("the API has new columns (shoe_size)");
  expect((await run("migrate", "-c", config)).code).toBe(0);
  await admin.query('drop trigger "~throughline" on hubspot.contacts');
  expect((await run("check", "-c", config, "--offline")).out).toContain(
    'its guard is missing or disabled: run "throughline migrate"',
  );
  expect(await run("serve", "-c", config)).toMatchObject({
    code: 1,
    err: 'hubspot.contacts: its guard is missing or disabled: run "throughline migrate"\n',
  });
  expect((await run("migrate", "-c", config)).code).toBe(0);
  expect((await run("check", "-c", config, "--offline")).code).toBe(0);
  await admin.end();
});

const broken: readonly (readonly [what: string, config: string, says: string])[] = [
  [
    "an unknown key",
    good.replace("tables:", "tabels:"),
    ':8: apis.hubspot.tabels: unknown key "tabels"; did you mean "tables"?',
  ],
  [
    "an unknown table",
    good
      .replace("hubspot:", "hubspot:\n    connector: stripe")
      .replace("token:", "key:")
      .replace("[contacts]", "[customer]"),
    ':9: apis.hubspot.tables.0: no such table; did you mean "customers"?',
  ],
  [
    "an unknown connector",
    good.replace("hubspot:", "hubspott:"),
    ':5: apis.hubspott: there is no connector "hubspott"',
  ],
  [
    "a manifest of one's own that is not there",
    good.replace("  hubspot:\n", "  hubspot:\n    manifest: ./nowhere.yaml\n"),
    ':5: apis.hubspot: there is no manifest "',
  ],
  [
    "a secret in the file",
    good.replace("${HUBSPOT_TOKEN}", "pat-123"),
    ":7: apis.hubspot.token: is a secret, and stands here for all to read",
  ],
  [
    "a secret that is a default",
    good.replace("${HUBSPOT_TOKEN}", "${HUBSPOT_TOKEN:-pat-123}"),
    ":7: apis.hubspot.token: is a secret, and stands here for all to read",
  ],
  [
    "two tables of one name",
    good.replace("[contacts]", "{contacts: {as: people}, deals: {as: people}}"),
    ':8: apis.hubspot.tables: two of its tables would be "people"',
  ],
  [
    "the name of somebody else's schema",
    good.replace("hubspot:", "pg_catalog:\n    connector: hubspot"),
    ':5: apis.pg_catalog: a schema of that name is not ours to fill; choose another, and say "connector"',
  ],
  [
    "a missing variable",
    good.replace("${HUBSPOT_TOKEN}", "${NOT_SET}"),
    ":7: apis.hubspot.token: the environment variable NOT_SET is not set",
  ],
  [
    "a missing token",
    good.replace("    token: ${HUBSPOT_TOKEN}\n", ""),
    ":5: apis.hubspot.token: is missing: access token of a private app",
  ],
  ["bad YAML", good.replace("tables: [contacts]", "tables: [contacts"), ":9: "],
  ["a bad duration", `${good}    timeout: soon\n`, ':9: apis.hubspot.timeout: "soon" is no duration such as 5s or 10m'],
  ["a journal that forgets too soon", `${good}journal: {keep: 5s}\n`, ":9: journal.keep: is at least 1h"],
  [
    "a login that stands alone",
    good.replace("  grant:", "  switches: authenticator\n  grant:"),
    ":3: postgres.switches: is no list of logins such as [authenticator]",
  ],
  [
    "a bad address",
    `${good}listen: {address: here}\n`,
    ':9: listen.address: "here" is no address such as 127.0.0.1:6543',
  ],
];

test.each(broken)("%s is one line with file, line, path and what to do", async (_, text, says) => {
  const { code, out, err } = await here("check", "-c", configFile(text));
  expect({ code, out }).toEqual({ code: 2, out: "" });
  expect(err).toContain(`throughline.yaml${says}`);
  expect(err).not.toContain("pat-secret-token");
  expect(err.trimEnd().split("\n")).toHaveLength(1);
});

test("a database or an API that is not there is told in one sentence, with no stack trace", async () => {
  const nowhere = await here(
    "check",
    "-c",
    configFile(good.replace("${DATABASE_URL}", "postgres://throughline@127.0.0.1:1/x")),
  );
  expect(nowhere).toMatchObject({ code: 1 });
  expect(nowhere.out).toContain("error   postgres: connect ECONNREFUSED 127.0.0.1:1");
  const noApi = await here("migrate", "-c", configFile(good.replace("${SANDBOX}", "http://127.0.0.1:1")));
  expect(noApi).toMatchObject({
    code: 1,
    err: "throughline: hubspot: its columns of contacts: hubspot is unreachable (ECONNREFUSED): look at apis.hubspot.base, and at the network\n",
  });
  sandbox.fault({ kind: "unauthorized" });
  const noToken = await here("check", "-c", configFile(good));
  expect(noToken.code).toBe(1);
  expect(noToken.out).toContain("error   hubspot.contacts: hubspot: its columns of contacts: ");
});

test("a wrong command line is exit code 2 with the usage, and help and version go to stdout", async () => {
  expect((await here("nonsense")).err).toContain('throughline: there is no command "nonsense"');
  expect((await here("nonsense")).code).toBe(2);
  expect((await here("check", "--nonsense")).code).toBe(2);
  expect(await here("pull", "--dry-run")).toMatchObject({
    code: 2,
    err: expect.stringContaining('"pull" takes no --dry-run'),
  });
  expect(await here("serve", "hubspot")).toMatchObject({
    code: 2,
    err: expect.stringContaining('"serve" takes no "hubspot"'),
  });
  expect((await here("sandbox", "strpe")).err).toContain('there is no sandbox of "strpe"; did you mean "stripe"?');
  expect((await here("sandbox", "hubspot", "--fault", "nonsense")).code).toBe(2);
  expect(await here("pul")).toMatchObject({
    code: 2,
    err: 'throughline: there is no command "pul"; did you mean "pull"?; "throughline --help" has all commands\n',
  });
  expect(await here()).toMatchObject({ code: 2, err: expect.stringContaining("usage: throughline <command>") });
  expect((await here("--help")).out).toContain("usage: throughline <command>");
  expect((await here("--version")).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect((await here("check", "-c", "nowhere.yaml")).err).toBe(
    "throughline: nowhere.yaml: can't be read (ENOENT); name the config with -c FILE\n",
  );
});
