// The first day of somebody with an account: five commands, in the order of the README, and then a row that the API has made.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type HubspotSandbox, startHubspotSandbox } from "../../packages/sandbox/src/hubspot/server.js";
import { type StripeSandbox, startStripeSandbox } from "../../packages/sandbox/src/stripe/server.js";
import { makeDatabase, type TestDatabase } from "../support/database.js";
import { logLines, program, runProgram } from "../support/program.js";

const folder = mkdtempSync(join(tmpdir(), "throughline-first-day-"));
let database: TestDatabase;
let hubspot: HubspotSandbox;
let stripe: StripeSandbox;
beforeAll(async () => {
  hubspot = await startHubspotSandbox({ token: "pat-1", rate: { calls: 10_000, perMs: 10_000 } });
  hubspot.seed("contacts", [{ email: "grace@navy.example" }]);
  hubspot.seed("companies", [{ name: "Navy" }]);
  stripe = await startStripeSandbox({ token: "sk_1" });
  database = await makeDatabase();
});
afterAll(async () => {
  await hubspot.close();
  await stripe.close();
  await database.drop();
  rmSync(folder, { recursive: true, force: true });
});

test("init, migrate, pull, check and serve lead from nothing to the first INSERT", async () => {
  const env = {
    ...process.env,
    DATABASE_URL: database.urlOf("throughline"),
    HUBSPOT_TOKEN: "pat-1",
    STRIPE_KEY: "sk_1",
  };
  const run = (...args: readonly string[]) => runProgram(folder, env, args);

  const written = await run("init", "hubspot", "stripe");
  expect(written).toMatchObject({ code: 0, out: "" });
  expect(written.err).toContain("export HUBSPOT_TOKEN=…    # access token of a private app");
  const path = join(folder, "throughline.yaml");
  // All that is not as with the real account: where it is, and the role of this test.
  const file = readFileSync(path, "utf8")
    .replace("  # grant:", "  grant:")
    .replace(/^ {2}hubspot:.*$/m, `$&\n    base: ${hubspot.url}`)
    .replace(/^ {2}stripe:.*$/m, `$&\n    base: ${stripe.url}/v1`);
  writeFileSync(path, `${file}http: 127.0.0.1:0\n`);

  const migrated = await run("migrate");
  expect(migrated).toMatchObject({ code: 0, err: expect.stringMatching(/changes made/) });
  expect(migrated.out).toContain('create table "hubspot"."contacts"');
  expect(migrated.out).toContain('create table "stripe"."prices"');
  const pulled = await run("pull");
  expect(pulled).toMatchObject({ code: 0 });
  expect(pulled.out.split("\n")).toEqual(
    expect.arrayContaining(["hubspot.contacts: 1 rows", "stripe.customers: 0 rows"]),
  );
  const checked = await run("check");
  expect(checked).toMatchObject({ code: 0, err: "" });
  expect(checked.out.split("\n").filter((line) => line !== "" && !line.startsWith("ok"))).toEqual([]);

  const serving = spawn(process.execPath, [program, "serve", "--listen", "127.0.0.1:0"], { cwd: folder, env });
  const ended = new Promise((resolve) => serving.once("exit", resolve));
  const { port } = await logLines(serving)("listening");
  const client = new pg.Client({ connectionString: database.urlOf("app", Number(port)) });
  await client.connect();
  const contact = await client.query(
    "insert into hubspot.contacts (email) values ('Ada@Example.com') returning id, email",
  );
  expect(contact.rows).toEqual([{ id: expect.stringMatching(/^\d+$/), email: "ada@example.com" }]);
  const customer = await client.query("insert into stripe.customers (email) values ('ada@example.com') returning id");
  expect(customer.rows).toEqual([{ id: expect.stringMatching(/^cus_/) }]);
  await client.end();
  const status = await run("status");
  expect(status.out).toContain("hubspot.contacts");
  serving.kill("SIGTERM");
  await ended;
});
