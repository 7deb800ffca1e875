// What docs/operations.md says of removal is SQL, and is run here; its last part, which drops roles of the whole server, is not.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { beforeEach, expect, test } from "vitest";
import { type HubspotSandbox, startHubspotSandbox } from "../../packages/sandbox/src/hubspot/server.js";
import { makeDatabase, type TestDatabase } from "../support/database.js";
import { runProgram } from "../support/program.js";

let database: TestDatabase;
let sandbox: HubspotSandbox;
let folder: string;
beforeEach(async () => {
  database = await makeDatabase();
  sandbox = await startHubspotSandbox();
  sandbox.seed("contacts", [{ email: "ada@example.com" }]);
  folder = mkdtempSync(join(tmpdir(), "throughline-operations-"));
  return async () => {
    rmSync(folder, { recursive: true, force: true });
    await sandbox.close();
    await database.drop();
  };
});

function removal(): string[] {
  const page = readFileSync(new URL("../../docs/operations.md", import.meta.url), "utf8");
  const [, section = ""] = /\n## Removal\n(.*?)\n## /s.exec(page) ?? [];
  return [...section.matchAll(/```sql\n(.*?)```/gs)].map(([, sql = ""]) => sql);
}

async function run<T>(role: string | undefined, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: database.urlOf(role) });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

test("removal leaves ordinary tables, and then nothing", async () => {
  const [guards = "", mirrors = "", roles] = removal();
  expect(roles).toContain("drop role throughline_mirror,");
  const config = `postgres: "\${DATABASE_URL}"
apis: {hubspot: {base: "${sandbox.url}", token: "\${TOKEN}", tables: [contacts]}}
`;
  writeFileSync(join(folder, "throughline.yaml"), config);
  const env = { ...process.env, DATABASE_URL: database.urlOf("throughline"), TOKEN: "pat-test" };
  for (const command of ["migrate", "pull"])
    expect(await runProgram(folder, env, [command])).toMatchObject({ code: 0 });

  const update = (client: pg.Client) => client.query("update hubspot.contacts set firstname = 'Here' returning email");
  await expect(run(undefined, update)).rejects.toMatchObject({ code: "0A000" });
  await run("throughline", (client) => client.query(guards));
  expect((await run(undefined, update)).rows).toEqual([{ email: "ada@example.com" }]);
  await run("throughline", (client) => client.query(mirrors));
  const left = await run(undefined, (client) =>
    client.query("select nspname from pg_namespace where nspname in ('throughline', 'hubspot')"),
  );
  expect(left.rows).toEqual([]);
});
