// Our own connections find Postgres's own names, whatever the search_path of the database or the login leads to first.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkCommand } from "../../src/cli/check.js";
import { columnCommand } from "../../src/cli/column.js";
import type { Command } from "../../src/cli/command.js";
import { journalCommand } from "../../src/cli/journal.js";
import { indexCommand } from "../../src/cli/local-index.js";
import { migrateCommand } from "../../src/cli/migrate.js";
import { pullCommand } from "../../src/cli/pull.js";
import { statusCommand } from "../../src/cli/status.js";
import { runCommand } from "../support/command.js";
import { castShadow, sprungTraps } from "../support/shadow-schema.js";
import { type Stack, startStack } from "../support/stack.js";

const folder = mkdtempSync(join(tmpdir(), "throughline-shadow-"));
const config = join(folder, "throughline.yaml");
let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ seed: [{ email: "ada@example.com" }], prepare: castShadow });
  await stack.admin.query("set search_path = pg_catalog");
  writeFileSync(
    config,
    `postgres: {url: "${stack.opened.config.postgres.url}", grant: {app: [select, insert, update, delete]}}
apis: {hubspot: {base: "${stack.sandbox.url}", token: "\${HOME}", tables: [contacts]}}
`,
  );
});
afterAll(async () => {
  await stack.close();
  rmSync(folder, { recursive: true, force: true });
});

test("a connection of ours looks for names in pg_catalog from its first query on", async () => {
  const { rows } = await stack.opened.pool.query("show search_path");
  expect(rows).toEqual([{ search_path: "pg_catalog, pg_temp" }]);
});

const run = (command: Command, words = "", flags = {}) =>
  runCommand(command, { config, names: words.split(" ").filter(Boolean), flags });

const commands: readonly { words: string; command: Command; flags?: Record<string, boolean> }[] = [
  { words: "", command: migrateCommand },
  { words: "", command: pullCommand, flags: { full: true } },
  { words: "", command: checkCommand },
  { words: "", command: statusCommand },
  { words: "list", command: journalCommand },
  { words: "add hubspot.contacts note pg_catalog.text", command: columnCommand },
  { words: "add hubspot.contacts amount numeric(10,2)", command: columnCommand },
  { words: "drop hubspot.contacts amount", command: columnCommand },
  { words: "add hubspot.contacts note,city", command: indexCommand },
  { words: "drop hubspot.contacts note,city", command: indexCommand },
];

test.each(commands)("a command does what it is for: $command.name $words", async ({ words, command, flags }) => {
  expect(await run(command, words, flags)).toMatchObject({ code: 0 });
  expect(await sprungTraps(stack.admin)).toBe(0);
});

test("a search_path that a trigger of others leaves on a connection of ours lasts no longer than its transaction", async () => {
  const { admin, opened, sandbox } = stack;
  await admin.query(`create function public.lead_astray() returns trigger language plpgsql as $$
      begin perform pg_catalog.set_config('search_path', 'shadow, pg_catalog', false); return null; end $$;
    create constraint trigger astray after insert or update on hubspot.contacts deferrable initially deferred
      for each row execute function public.lead_astray()`);
  sandbox.seed("contacts", [{ email: "ivy@example.com" }]);
  await stack.pull();
  const client = await stack.client();
  await client.query("begin; insert into hubspot.contacts (email) values ('joe@example.com'); rollback");
  const connections = Array.from({ length: opened.pool.options.max }, () =>
    opened.pool.query("select pg_sleep(0.1), current_setting('search_path') as path"),
  );
  const paths = (await Promise.all(connections)).map(({ rows }) => rows[0].path);
  expect(new Set(paths)).toEqual(new Set(["pg_catalog, pg_temp"]));
  const { rows } = await admin.query(
    "select email from hubspot.contacts where email in ('ivy@example.com', 'joe@example.com') order by 1",
  );
  expect(rows).toEqual([{ email: "ivy@example.com" }, { email: "joe@example.com" }]);
  expect(await sprungTraps(admin)).toBe(0);
});
