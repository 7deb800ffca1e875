// Broken set-ups: for each of them `check` has a line that tells what is wrong and what to do.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type HubspotSandbox, startHubspotSandbox } from "../../packages/sandbox/src/hubspot/server.js";
import { checkCommand } from "../../src/cli/check.js";
import type { Command } from "../../src/cli/command.js";
import { tooOld } from "../../src/cli/database-checks.js";
import { migrateCommand } from "../../src/cli/migrate.js";
import { pullCommand } from "../../src/cli/pull.js";
import { serveCommand } from "../../src/cli/serve.js";
import { installedVersion } from "../../src/mirror/schema.js";
import { makeDatabase, type TestDatabase } from "../support/database.js";

const folder = mkdtempSync(join(tmpdir(), "throughline-setups-"));
const path = join(folder, "throughline.yaml");
let database: TestDatabase;
let admin: pg.Client;
let sandbox: HubspotSandbox;
const good = () => `
postgres: { url: "${database.urlOf("throughline")}", grant: { app: [select, insert] } }
apis: { hubspot: { base: "${sandbox.url}", token: "\${SETUPS_TOKEN}", tables: [contacts, companies] } }
log: { level: error }
`;

async function run(command: Command, config: string, flags: Record<string, string | boolean> = {}) {
  writeFileSync(path, config);
  const [out, err]: [string[], string[]] = [[], []];
  const io = { out: (line: string) => void out.push(line), err: (line: string) => void err.push(line) };
  const code = await command({ config: path, names: [], flags, json: false }, io);
  return { code, out, err };
}

beforeAll(async () => {
  process.env["SETUPS_TOKEN"] = "right";
  sandbox = await startHubspotSandbox({ token: "right" });
  sandbox.seed("contacts", [{ email: "ada@a.example" }]);
  database = await makeDatabase();
  admin = new pg.Client({ connectionString: database.urlOf() });
  await admin.connect();
  await run(migrateCommand, good());
  await run(pullCommand, good());
});
afterAll(async () => {
  await admin.end();
  await sandbox.close();
  await database.drop();
  rmSync(folder, { recursive: true, force: true });
});

test("check finds nothing wrong in a set-up that is right", async () => {
  const { code, out } = await run(checkCommand, good());
  expect(out.filter((line) => !line.startsWith("ok"))).toEqual([]);
  expect(code).toBe(0);
});

interface Setup {
  readonly what: string;
  /** SQL that breaks it, and SQL that mends it. */
  readonly sql?: readonly [string, string];
  readonly config?: (config: string) => string;
  readonly upstream?: () => void;
  readonly says: string | RegExp;
}

const broken: readonly Setup[] = [
  {
    what: "a wrong token",
    upstream: () => {
      process.env["SETUPS_TOKEN"] = "wrong";
    },
    says: /^error {3}hubspot\.contacts: hubspot: its columns of contacts: .*: look at apis\.hubspot\.token$/,
  },
  {
    what: "a token that may not read",
    upstream: () => sandbox.fault({ kind: "forbidden", times: 2 }),
    says: /^error {3}hubspot\.contacts: hubspot: its columns of contacts: .*: give the token the right to read this$/,
  },
  {
    what: "an API that is not there",
    config: (config) => config.replace(sandbox.url, "http://127.0.0.1:1"),
    says: "error   hubspot.contacts: hubspot: its columns of contacts: hubspot is unreachable (ECONNREFUSED): look at apis.hubspot.base, and at the network",
  },
  {
    what: "a table that the API does not have",
    config: (config) => config.replace("companies]", "company]"),
    says: 'error   hubspot.company: hubspot: there is no table "company"; did you mean "companies"?',
  },
  {
    what: "a database that is not there",
    config: (config) =>
      config.replace(/127\.0\.0\.1:\d+\/line/, "127.0.0.1:1/line").replace(/localhost:\d+\/line/, "127.0.0.1:1/line"),
    says: "error   postgres: connect ECONNREFUSED 127.0.0.1:1: look at postgres.url",
  },
  {
    what: "a login that is not there",
    config: (config) => config.replace("throughline:throughline@", "nobody_of_that_name:x@"),
    says: /^error {3}postgres: (password authentication failed for user|role) "nobody_of_that_name".*: look at postgres\.url$/,
  },
  {
    what: "no schema",
    sql: ["alter table throughline.version rename to elsewhere", "alter table throughline.elsewhere rename to version"],
    says: 'error   postgres: schema "throughline" is missing: run "throughline migrate"',
  },
  {
    what: "an old schema",
    sql: ["update throughline.version set version = 1", `update throughline.version set version = ${installedVersion}`],
    says: `error   postgres: schema "throughline" has version 1, not ${installedVersion}: run "throughline migrate"`,
  },
  {
    what: "a newer schema",
    sql: [
      "update throughline.version set version = 99",
      `update throughline.version set version = ${installedVersion}`,
    ],
    says: `error   postgres: schema "throughline" has version 99, not ${installedVersion}: this program is older: install the version that migrated it`,
  },
  {
    what: "a wrong owner",
    sql: ["alter table hubspot.contacts owner to postgres", "alter table hubspot.contacts owner to throughline_mirror"],
    says: 'error   hubspot.contacts: is owned by "postgres": alter table hubspot.contacts owner to throughline_mirror',
  },
  {
    what: "a missing grant",
    sql: ["revoke insert on hubspot.contacts from app", "grant insert on hubspot.contacts to app"],
    says: 'warning hubspot.contacts: role "app" lacks INSERT: run "throughline migrate"',
  },
  {
    what: "a grant to nobody",
    config: (config) => config.replace("app: [", "apps_role: ["),
    says: 'error   hubspot.contacts: postgres.grant names role "apps_role", which does not exist: create role "apps_role"',
  },
  {
    what: "a guard that is off",
    sql: [
      'alter table hubspot.contacts disable trigger "~throughline"',
      'alter table hubspot.contacts enable always trigger "~throughline"',
    ],
    says: 'error   hubspot.contacts: its guard is missing or disabled: run "throughline migrate"',
  },
  {
    what: "a trigger behind the guard",
    sql: [
      `create function public.nothing() returns trigger language plpgsql as 'begin return new; end';
       create trigger "~~late" before update on hubspot.contacts for each row execute function public.nothing()`,
      "drop function public.nothing() cascade",
    ],
    says: 'error   hubspot.contacts: trigger "~~late" fires after the guard: rename it to sort before "~"',
  },
  {
    what: "row security that is forced on the owner",
    sql: [
      "alter table hubspot.contacts enable row level security, force row level security",
      "alter table hubspot.contacts disable row level security, no force row level security",
    ],
    says: 'error   hubspot.contacts: its row security is forced on its owner, so that rows can\'t be locked: alter table "hubspot"."contacts" no force row level security',
  },
  {
    what: "row security without our policy",
    sql: [
      'alter table hubspot.contacts enable row level security; alter policy "~throughline" on hubspot.contacts rename to mine',
      'alter table hubspot.contacts disable row level security; alter policy mine on hubspot.contacts rename to "~throughline"',
    ],
    says: 'error   hubspot.contacts: lacks its policy "~throughline", so that the sync writes nothing: run "throughline migrate"',
  },
  {
    what: "a restrictive policy for everybody",
    sql: [
      "alter table hubspot.contacts enable row level security; create policy london on hubspot.contacts as restrictive using (city = 'London')",
      "alter table hubspot.contacts disable row level security; drop policy london on hubspot.contacts",
    ],
    says: 'error   hubspot.contacts: the restrictive policy "london" holds for throughline_writer or the login that serves, and keeps rows from the sync: create it again TO the roles that it is for',
  },
  {
    what: "an index that computes with somebody's function",
    sql: [
      `create function public.norm(text) returns text language sql immutable as 'select lower($1)'; alter function public.norm(text) owner to app;
       create index strange on hubspot.contacts (public.norm(email)); create index ours on hubspot.contacts (lower(email))`,
      "drop index hubspot.ours; drop function public.norm(text) cascade",
    ],
    says: "error   hubspot.contacts: index strange computes with function public.norm(text) of role app, which may change it and then has the rights of throughline_owner: drop it, or give the function to the owner of the database",
  },
  {
    what: "a column that somebody dropped",
    sql: ["alter table hubspot.contacts rename city to town", "alter table hubspot.contacts rename town to city"],
    says: 'error   hubspot.contacts: lacks columns (city): run "throughline migrate"',
  },
  {
    what: "a column that somebody changed",
    sql: [
      "alter table hubspot.contacts alter city type varchar(10)",
      "alter table hubspot.contacts alter city type text",
    ],
    says: 'error   hubspot.contacts: has columns of another type (city is character varying(10), not text): run "throughline migrate --allow-drop"',
  },
  {
    what: "a property that is new in the API, and one that is gone",
    upstream: () => {
      sandbox.defineProperty("contacts", { name: "shoe_size", type: "number" });
      sandbox.archiveProperty("contacts", "website");
    },
    says: 'warning hubspot.contacts: the API has new columns (shoe_size), and columns no more (website): run "throughline migrate"',
  },
  {
    what: "a mirror that is not complete",
    sql: [
      "update throughline.mirror set complete_at = null where table_name = 'contacts'",
      "update throughline.mirror set complete_at = now() where table_name = 'contacts'",
    ],
    says: 'warning hubspot.contacts: is not complete, so UPDATE and DELETE are refused: run "throughline pull hubspot.contacts"',
  },
  {
    what: "a table that is not migrated",
    config: (config) => config.replace("companies]", "companies, deals]"),
    says: 'error   hubspot.deals: is not migrated: run "throughline migrate"',
  },
];

test("a restrictive policy for roles of one's own is none of the sync's", async () => {
  await admin.query(`alter table hubspot.contacts enable row level security;
    create policy london on hubspot.contacts as restrictive to app using (city = 'London')`);
  const { out } = await run(checkCommand, good());
  expect(out).toContain("ok      hubspot.contacts: guarded");
  await admin.query("alter table hubspot.contacts disable row level security; drop policy london on hubspot.contacts");
});

test.each(broken)("$what", async ({ sql, config = (text) => text, upstream, says }) => {
  if (sql) await admin.query(sql[0]);
  upstream?.();
  try {
    const { code, out } = await run(checkCommand, config(good()));
    const line = out.find((one) => (typeof says === "string" ? one === says : says.test(one)));
    expect(line ?? out).toEqual(line);
    expect(code).toBe(line?.startsWith("error") ? 1 : 0);
  } finally {
    if (sql) await admin.query(sql[1]);
    process.env["SETUPS_TOKEN"] = "right";
    sandbox.clearFaults();
  }
});

test("check names a Postgres that is too old", () => {
  expect(tooOld({ version: 130_012, shown: "13.12" })).toBe("server 13.12 is too old: 14 is the oldest");
  expect(tooOld({ version: 140_000, shown: "14.0" })).toBeUndefined();
});

test("serve names a port that is taken", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => other.once("listening", resolve));
  const address = other.address();
  const port = typeof address === "object" && address ? address.port : 0;
  try {
    await expect(run(serveCommand, good(), { listen: `127.0.0.1:${port}` })).rejects.toThrow(
      `127.0.0.1:${port} is in use: name another with listen.address in throughline.yaml, or --listen`,
    );
  } finally {
    other.close();
  }
});
