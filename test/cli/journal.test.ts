// `journal`: lists the entries, shows one of them, and closes what is open by asking upstream or by a person's word.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runHere } from "../support/command.js";
import { insertOrphan } from "../support/orphan-entry.js";
import { untilTrue } from "../support/sessions.js";
import { type Stack, startStack } from "../support/stack.js";

const folder = mkdtempSync(join(tmpdir(), "throughline-journal-"));
let stack: Stack;
let unknown: string;
beforeAll(async () => {
  stack = await startStack({ timeoutMs: 100 });
  const { host, port } = new URL(stack.sandbox.url);
  writeFileSync(
    join(folder, "throughline.yaml"),
    `postgres: "${stack.opened.config.postgres.url}"
apis: { hubspot: { base: "http://${host.replace(`:${port}`, "")}:${port}", token: "\${TOKEN}", tables: [contacts] } }
log: { level: error }
`,
  );
  const client = await stack.client();
  await client.query("insert into hubspot.contacts (email) values ('ada@x.com')");
  unknown = await insertOrphan(
    stack,
    { verb: "insert", request: [{ key: null, sent: { firstname: "Nobody" } }] },
    "sent",
  );
  await untilTrue(stack.admin, `exists (select from throughline.journal where id = '${unknown}' and tries > 0)`);
});
afterAll(async () => {
  await stack.close();
  rmSync(folder, { recursive: true, force: true });
});
const journal = (...args: readonly string[]) =>
  runHere(folder, { ...process.env, TOKEN: "pat-test" }, ["journal", ...args]);

test("list has one line for each entry, newest first, and no values", async () => {
  const { code, out, err } = await journal("list");
  expect([code, err]).toEqual([0, ""]);
  expect(out.split("\n")).toEqual([
    expect.stringMatching(`  ${unknown}  open    unknown  insert 1 row of hubspot\\.contacts$`),
    expect.stringMatching(
      /^\d{4}-\d\d-\d\dT.*Z {2}[0-9a-f-]{36} {2}closed {2}accepted {2}insert 1 row of hubspot\.contacts \d+$/,
    ),
    "",
  ]);
  expect((await journal("list", "--json")).out).not.toMatch(/Nobody|ada@x\.com/);
});

test("list chooses, and says by its exit code that something is open", async () => {
  expect((await journal("list", "--open", "--exit-code", "--api", "hubspot", "--since", "1h")).code).toBe(1);
  expect(await journal("list", "--open", "--exit-code", "--outcome", "accepted")).toEqual({
    code: 0,
    out: "",
    err: "",
  });
  for (const table of ["contacts", "hubspot.contacts"])
    expect((await journal("list", "--table", table)).out).toContain("contacts");
  for (const [flag, name, said] of [
    ["--api", "hubsopt", 'the config has no API "hubsopt", nor has an entry; did you mean "hubspot"?'],
    ["--table", "contact", 'the config has no table "contact", nor has an entry; did you mean "contacts"?'],
    ["--outcome", "acepted", 'there is no outcome "acepted"; did you mean "accepted"?'],
  ] as const)
    expect(await journal("list", flag, name)).toMatchObject({ code: 2, err: expect.stringContaining(said) });
  expect(await journal("list", "--since", "soon")).toMatchObject({
    code: 2,
    err: expect.stringContaining('--since takes a duration such as 1h, not "soon"'),
  });
});

test("show has everything, and the values while it is open", async () => {
  const { out } = await journal("show", unknown, "--json");
  expect(JSON.parse(out)).toMatchObject({
    id: unknown,
    state: "unknown",
    open: true,
    role: "app",
    values: [{ sent: { firstname: "Nobody" } }],
  });
  expect((await journal("show", unknown)).out).toMatch(/^state {11}unknown$/m);
  expect(await journal("show", "00000000-0000-0000-0000-000000000000")).toEqual({
    code: 1,
    out: "",
    err: "there is no journal entry 00000000-0000-0000-0000-000000000000\n",
  });
});

test("P7: retry asks upstream once more, and resolve records what a person says", async () => {
  expect(await journal("retry", unknown)).toMatchObject({ code: 1, out: expect.stringContaining("open    unknown") });
  expect((await journal("resolve", unknown, "--accepted")).code).toBe(2);
  expect(await journal("resolve", unknown, "--refused", "--because", "not in HubSpot")).toEqual({
    code: 0,
    out: "",
    err: "",
  });
  expect(JSON.parse((await journal("show", unknown, "--json")).out)).toMatchObject({
    state: "refused",
    open: false,
    because: "not in HubSpot",
    values: null,
  });
  expect(await journal("resolve", unknown, "--refused", "--because", "again")).toMatchObject({
    code: 1,
    err: `journal entry ${unknown} is closed\n`,
  });
  expect(stack.writes()).toHaveLength(1);
});
