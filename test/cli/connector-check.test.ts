// `connector check`: a manifest's mistakes by itself, and those that only its API shows. Copies of two right ones are spoilt.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { startHubspotSandbox } from "../../packages/sandbox/src/hubspot/server.js";
import { connectorCommand } from "../../src/cli/connector.js";
import { runCommand } from "../support/command.js";
import { startDesk } from "../support/foreign/desk.js";
import { startShelf } from "../support/foreign/shelf.js";
import { runProgram } from "../support/program.js";

const start = async () => ({ desk: await startDesk(), shelf: await startShelf() });
const folder = mkdtempSync(join(tmpdir(), "throughline-connector-"));
const pathOf = (name: string) => fileURLToPath(new URL(`../support/foreign/${name}.yaml`, import.meta.url));
let apis: Awaited<ReturnType<typeof start>>;
beforeAll(async () => {
  apis = await start();
  apis.desk.seed([
    { title: "hidden-value", owner: "ana", reference: "R-1", tags: ["a", "7"], priority: 2, custom: { floor: 3 } },
    { title: "screen", owner: "ben", reference: "R-2", spent_hours: 1.5, due_on: "2026-03-01" },
  ]);
  apis.shelf.seed([
    { title: "hidden-value", isbn: "978-1", author: apis.shelf.authors[0], pages: 300, price: "12.50", tags: ["x"] },
    { title: "other", isbn: "978-2", format: "ebook", meta: { a: 1 }, published: "1999-12-31" },
  ]);
});
beforeEach(() => {
  vi.stubEnv("DESK_KEY", "desk-key");
  vi.stubEnv("SHELF_TOKEN", "shelf-token");
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await apis.desk.close();
  await apis.shelf.close();
  rmSync(folder, { recursive: true, force: true });
});

type Name = "desk" | "shelf";
const check = (file: string, url?: string, json = false) =>
  runCommand(connectorCommand, { names: ["check", file], json, flags: url === undefined ? {} : { url } });

/** The manifest with each of `spoilt` in place of what is right. */
function copyOf(name: Name, ...spoilt: readonly (readonly [right: string, wrong: string])[]): string {
  const path = join(folder, `${name}.yaml`);
  let text = readFileSync(pathOf(name), "utf8");
  for (const [right, wrong] of spoilt) {
    expect(text).toContain(right);
    text = text.replace(right, wrong);
  }
  writeFileSync(path, text);
  return path;
}
const probed = async (file: string, name: Name) =>
  JSON.parse((await check(file, apis[name].url, true)).out.split("\n")[1] ?? "");

test.each(["desk", "shelf"] as const)("the manifest of %s is right, and fits", async (name) => {
  const file = pathOf(name);
  const table = { desk: "tickets", shelf: "books" }[name];
  const alone = { code: 0, out: `ok      ${file}: describes "${name}": ${table}\n`, err: "" };
  expect(await check(file)).toEqual(alone);
  const { code, out } = await check(file, apis[name].url);
  expect([code, out.split("\n")[1]]).toEqual([0, `ok      ${name}.${table}: 2 records came, and all their values fit`]);
  expect(await probed(file, name)).toEqual({
    table,
    records: 2,
    repeated: 0,
    missing: [],
    partial: [],
    unknownTypes: [],
    undecoded: [],
    unmirrored: [],
    lists: [{ name: "changes", records: expect.any(Number), failed: null }],
    proofless: [],
    foundAgain: true,
    mistakes: [],
    untried: [],
    failed: null,
  });
});

/** What is spoilt, with what; the exit code, and what is said of it. */
const misfits: readonly (readonly [what: string, Name, readonly (readonly [string, string])[], 0 | 1, string])[] = [
  [
    "a wrong place of the records",
    "desk",
    [["rows: /tickets\n        pages: { offset: offset, total: /total }\n      get", "rows: /items\n      get"]],
    1,
    "error   desk.tickets: desk: no list of tickets at /items; the answer has: tickets, total\n",
  ],
  [
    "a wrong list of what has changed",
    "desk",
    [["rows: /tickets\n        since", "rows: /changed\n        since"]],
    1,
    'error   desk.tickets: "read.changes": desk: no list of tickets at /changed; the answer has: tickets, total\n',
  ],
  [
    "a wrong type",
    "desk",
    [["title: { type: text,", "title: { type: integer,"]],
    1,
    'error   desk.tickets: column "title" is no integer in 2 of 2 records, but a string: mend its type or codec\n',
  ],
  [
    "a wrong type of a list's elements",
    "desk",
    [['type: "text[]"', 'type: "integer[]"']],
    1,
    'error   desk.tickets: column "tags" is no integer[] in 1 of 2 records, but a list: mend its type or codec\n',
  ],
  [
    "a wrong codec",
    "shelf",
    [["published: date", "published: { type: timestamptz, codec: unix }"]],
    1,
    'error   shelf.books: column "published" is no timestamptz in 1 of 2 records, but a string: mend its type or codec\n',
  ],
  [
    "a key of a type that it is not of",
    "desk",
    [["id: { type: bigint,", "id: { type: uuid,"]],
    1,
    'error   desk.tickets: column "id" is no uuid in 2 of 2 records, but a number: mend its type or codec\n',
  ],
  [
    "a key that no record has",
    "desk",
    [
      ["key: id", "key: uuid"],
      ["id: { type: bigint,", "uuid: { type: uuid,"],
    ],
    1,
    "error   desk.tickets: desk: a record of tickets has no key; such a record has: id, title, owner,",
  ],
  [
    "a key that several records have",
    "desk",
    [["record: { empty", "record: { key: /status, empty"]],
    1,
    'error   desk.tickets: 1 of 2 records have the key of another one: mend "key", or "record.key"\n',
  ],
  [
    "a wrong place of the one record",
    "desk",
    [["rows: /ticket }\n      changes", "rows: /item }\n      changes"]],
    1,
    "error   desk.tickets: desk: no list of tickets at /item; the answer has: ticket\n",
  ],
  [
    "a read by key that finds nothing",
    "shelf",
    [["filter[id][_in]", "filter[isbn][_in]"]],
    1,
    'error   shelf.books: "read.get" does not find the first record by its key\n',
  ],
  [
    "a path that there is not",
    "desk",
    [["GET: /api/tickets\n        query: { limit: 50, sort: id }", "GET: /api/ticket"]],
    1,
    "error   desk.tickets: desk: a page of tickets: Not found (status 404, request desk-",
  ],
  [
    "a proof that the API does not give",
    "desk",
    [["outcome: absent }", "outcome: absent, if: { GET: /api/account } }"]],
    1,
    'error   desk.tickets: "errors.rules": "if" proves nothing by GET /api/account, so that no record would ever be gone\n',
  ],
  [
    "a column of another name",
    "desk",
    [["due_on: {", "due: {"]],
    0,
    "warning desk.tickets: in no record: due\nwarning desk.tickets: mirrored by no column: due_on\n",
  ],
];

test.each(misfits)("%s, in %s, is told with what to do", async (_, name, spoilt, code, says) => {
  const ran = await check(copyOf(name, ...spoilt), apis[name].url);
  expect(ran.out).toContain(says);
  expect([ran.code, ran.err]).toEqual([code, ""]);
  expect(ran.out).not.toMatch(/hidden-value|978-|desk-key|shelf-token/);
});

test("a type that only some values have is told by the number of records and the kind of their values", async () => {
  const { undecoded, foundAgain } = await probed(
    copyOf("desk", ["custom: { type: jsonb", "custom: { type: boolean"]),
    "desk",
  );
  expect([undecoded, foundAgain]).toEqual([[{ column: "custom", type: "boolean", found: "object", records: 1 }], true]);
});

test("a table with no records is nothing to compare with", async () => {
  const none = await startDesk();
  const { code, out } = await check(pathOf("desk"), none.url);
  await none.close();
  expect(code).toBe(0);
  expect(out).toContain("warning desk.tickets: has no records, so nothing could be compared\n");
});

test("an API that refuses the login, or is not there, is an error of each table", async () => {
  vi.stubEnv("DESK_KEY", "stolen");
  expect(await check(pathOf("desk"), apis.desk.url)).toMatchObject({
    code: 1,
    out: expect.stringContaining(
      "error   desk.tickets: desk: a page of tickets: Invalid API key (status 401, request desk-",
    ),
  });
  expect(await check(pathOf("desk"), "http://127.0.0.1:1")).toMatchObject({
    code: 1,
    out: expect.stringContaining("desk is unreachable (ECONNREFUSED)"),
  });
});

test("the environment must have what the manifest asks for, and the address must be a URL", async () => {
  vi.stubEnv("DESK_KEY", undefined);
  expect(await check(pathOf("desk"), apis.desk.url)).toEqual({
    code: 2,
    out: "",
    err: "the environment variable DESK_KEY is not set: API key of an agent\n",
  });
  expect(await check(pathOf("desk"), "desk.example.com")).toMatchObject({
    code: 2,
    err: "--url takes the address of the API without a query, such as https://api.example.com\n",
  });
});

test("the program writes mistakes as lines on stderr", async () => {
  const file = copyOf("desk", ["limits:", "limit:"], ["unique: true", "uniqe: true"]);
  const says = [
    ':8: limit: unknown key "limit"; did you mean "limits"?\n',
    ':39: tables.tickets.columns.reference.uniqe: unknown key "uniqe"; did you mean "unique"?\n',
  ];
  const told = (name: string) => says.map((line) => name + line).join("");
  expect(await check(file)).toEqual({ code: 2, out: "", err: expect.stringMatching(/./) });
  expect(sorted((await check(file)).err)).toBe(sorted(told(file)));
  const ran = await runProgram(folder, process.env, ["connector", "check", "desk.yaml"]);
  expect([ran.code, ran.out, sorted(ran.err)]).toEqual([2, "", sorted(told("desk.yaml"))]);
  const nowhere = join(folder, "nowhere.yaml");
  expect(await check(nowhere)).toEqual({ code: 2, out: "", err: `${nowhere}: can't be read (ENOENT)\n` });
});

const sorted = (text: string) => text.split("\n").sort().join("\n");

test("fields that stand outside the record's own are told by their pointer, and columns that the API tells of are known", async () => {
  const sandbox = await startHubspotSandbox();
  sandbox.seed("contacts", [{ email: "ada@example.com" }]);
  vi.stubEnv("HUBSPOT_TOKEN", "pat-test");
  const file = fileURLToPath(new URL("../../src/connectors/hubspot/manifest.yaml", import.meta.url));
  const { code, out, err } = await check(file, sandbox.url);
  const searches = sandbox.log
    .filter(({ path }) => path.endsWith("/search"))
    .map(({ path, status }) => `${path} ${status}`);
  const archived = sandbox.log.filter(({ query }) => query.includes("archived=true")).map(({ status }) => status);
  await sandbox.close();
  expect(searches).toHaveLength(6);
  expect(searches[0]).toBe("/crm/v3/objects/contacts/search 200");
  expect(archived).toEqual([200, 200, 200, 200, 200, 200]);
  expect([code, err]).toEqual([0, "tables that only the API tells of are not looked at\n"]);
  expect(out.split("\n").slice(1, 4)).toEqual([
    "ok      hubspot.contacts: 1 record came, and all its values fit",
    "warning hubspot.contacts: mirrored by no column: /createdAt, /updatedAt, /archived",
    'warning hubspot.contacts: not tried: a second page of "read.list": it has no two records',
  ]);
});
