// Hooks: functions beside a manifest, for what it can't say as data.

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, expectTypeOf, test } from "vitest";
import type { z } from "zod";
import { open } from "../../src/app/open.js";
import { tableOf } from "../../src/config/api.js";
import { ConfigError } from "../../src/config/yaml.js";
import { hooksOf } from "../../src/connectors/registry.js";
import type { hookRule } from "../../src/manifest/error-schema.js";
import { checkedHooks } from "../../src/manifest/hooks.js";
import type { Hooks, HookVerdict } from "../../src/manifest/hooks.types.js";
import { openItems } from "../support/items.js";
import { type ScriptedServer, startScripted } from "../support/scripted.js";
import { listen } from "../support/served-stack.js";

let api: ScriptedServer;
let folder: string;
beforeEach(async () => {
  api = await startScripted();
  folder = mkdtempSync(join(tmpdir(), "hooks-"));
});
afterEach(async () => {
  rmSync(folder, { recursive: true });
  await api.close();
});

const hooked = (hooks: Hooks, table: Readonly<Record<string, unknown>> = {}) =>
  openItems(api.url, { table, account: { hooks: checkedHooks("my.hooks.js", hooks) } });
const one = [{ key: "1", sent: { name: "x", n: "9007199254740993" } }];
const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;

test("encodeRecord makes the record that is sent, from a row with encoded values", async () => {
  const { table, columns } = await hooked({
    encodeRecord: (record, { table, verb }) => ({ ...record, n: String(record["n"]), type: `${table} ${verb}` }),
  });
  api.add({ body: { id: "1" } });
  await table.write("update", columns, one);
  expect(api.asked[0]?.bodyText).toBe('{"name":"x","n":"9007199254740993","type":"items update"}');
});

test("decodeRecord makes a record from an answer, of a read or of a write", async () => {
  const { table, columns } = await hooked({
    decodeRecord: (record, { table }) =>
      isObject(record) && "uid" in record ? { id: record.uid, name: `${table} ${record.uid}` } : record,
  });
  api.add({ body: { uid: "1" } }, { body: { items: [{ uid: "2" }] } }, { body: {} });
  expect(await table.write("update", columns, one)).toMatchObject({
    rows: [{ kind: "accepted", key: "1", row: { id: "1", name: "items 1" } }],
  });
  expect((await table.list(columns, null)).records).toMatchObject([{ key: "2", row: { name: "items 2" } }]);
  await expect(table.get(columns, ["1"])).rejects.toThrow("a record of items has no key");
});

test("classifyError is asked before the rules, which decide where it says nothing", async () => {
  const { table, columns } = await hooked({
    classifyError: (error, { status }) =>
      status === 418 && isObject(error) ? { raise: "unique_violation", hint: "Tea.", constraint: "pot" } : undefined,
  });
  api.add({ status: 418, body: { message: "short and stout" } }, { status: 409, body: {} });
  expect(await table.write("update", columns, one)).toMatchObject({
    kind: "refused",
    error: { sqlstate: "23505", message: "short and stout", hint: "Tea.", constraint: "pot" },
  });
  expect(await table.write("update", columns, one)).toMatchObject({ error: { sqlstate: "23505", hint: null } });
});

test("classifyError is shown each row of a 2xx that was refused", async () => {
  const { table, columns } = await hooked(
    { classifyError: (error) => (isObject(error) && "gone" in error ? { outcome: "absent" } : undefined) },
    { write: { update: { PATCH: "/items", body: { each: "{key}" }, rows: "", max: 5, match: "order", ok: "/ok" } } },
  );
  api.add({ body: [{ gone: 1 }, { id: "2", ok: true }] }, { body: { items: [] } });
  expect(await table.write("update", columns, [...one, { key: "2", sent: {} }])).toMatchObject({
    rows: [{ kind: "absent" }, { kind: "accepted" }],
  });
});

test("nextPage leads on: where it says, nowhere, or where the pages say", async () => {
  const said = ["n2", undefined, null];
  const { table, columns } = await hooked(
    { nextPage: (_, { cursor }) => said[cursor === null ? 0 : cursor === "n2" ? 1 : 2] },
    { read: { list: { GET: "/items", rows: "", pages: { page: "p" } }, get: { GET: "/{key}", rows: "" } } },
  );
  api.add(...Array.from({ length: 3 }, () => ({ body: [{ id: "1" }] })));
  expect((await table.list(columns, null)).next).toBe("n2");
  expect((await table.list(columns, "n2")).next).toBe("NaN");
  expect((await table.list(columns, "NaN")).next).toBeNull();
});

const wrong: readonly (readonly [string, object, string])[] = [
  ["throws", { decodeRecord: () => JSON.parse("secret") }, "my.hooks.js: decodeRecord threw SyntaxError"],
  ["gives no page", { nextPage: () => 7 }, "my.hooks.js: nextPage gave back what it can't: Invalid input"],
];

test.each(wrong)("a hook that %s makes a read fail, and its own words are not told", async (_, hooks, said) => {
  const { table, columns } = await openItems(api.url, { account: { hooks: checkedHooks("my.hooks.js", hooks) } });
  api.add({ body: { items: [{ id: "1" }] } });
  await expect(table.list(columns, null)).rejects.toThrow(said);
});

test("a verdict and a record that mean nothing are told before anything comes of them", async () => {
  const verdict = checkedHooks("my.hooks.js", { classifyError: () => ({ raise: "23505" }) });
  expect(() => verdict.classifyError({}, { status: 400, body: {} })).toThrow(
    "my.hooks.js: classifyError gave back what it can't: raise: conditions go by Postgres's names: write unique_violation for 23505",
  );
  const { table, columns } = await openItems(api.url, {
    account: { hooks: checkedHooks("my.hooks.js", { encodeRecord: () => [] }) },
  });
  await expect(table.write("update", columns, one)).rejects.toThrow(
    "encodeRecord gave back what it can't: is no object",
  );
  expect(api.asked).toEqual([]);
});

const manifest = `throughline: 1
api: mine
base: http://127.0.0.1
errors: { message: /message }
tables:
  items:
    key: id
    columns: { id: text }
    read: { list: { GET: /items, rows: "" }, get: { GET: "/items/{key}", rows: "" } }
`;

function opened(files: Readonly<Record<string, string>>) {
  for (const [name, text] of Object.entries({ "mine.yaml": manifest, ...files }))
    writeFileSync(join(folder, name), text);
  const connector = join(folder, "mine.yaml");
  const table = tableOf("items", undefined);
  const { tables } = open({
    listen,
    postgres: { url: "postgres://nobody@127.0.0.1:1/none", connections: 1, grant: {}, switches: [] },
    apis: [{ name: "mine", connector, base: api.url, tables: [table], timeoutMs: 5_000, waitMs: 0, values: {} }],
    journal: { keepMs: 1 },
    log: { level: "error", format: "json" },
  });
  return tables.map(({ table }) => table);
}

const body = "({ id: `hooked ${record.id}` })";
const files: readonly (readonly [string, string])[] = [
  ["mine.hooks.mjs", `export const decodeRecord = (record) => ${body};`],
  ["mine.hooks.js", `export function decodeRecord(record) { return ${body}; }`],
  ["mine.hooks.js", `exports.decodeRecord = (record) => ${body};`],
];

test.each(files)("%s beside a manifest is loaded with it: %s", async (name, text) => {
  const [table] = opened({ [name]: text });
  api.add({ body: [{ id: "1" }] });
  expect((await table?.list((await table?.columns()) ?? [], null))?.records).toEqual([
    { key: "hooked 1", row: { id: "hooked 1" } },
  ]);
});

const mistakes: readonly (readonly [string, Readonly<Record<string, string>>, string])[] = [
  [
    "another export",
    { "mine.hooks.mjs": "export const encodeRecords = 1;" },
    'unknown export "encodeRecords"; did you mean "encodeRecord"?',
  ],
  [
    "a default export",
    { "mine.hooks.mjs": "export default {};" },
    'unknown export "default"; known here: encodeRecord, ',
  ],
  ["what is no function", { "mine.hooks.mjs": "export const nextPage = 1;" }, '"nextPage" is no function'],
  ["what can't be read", { "mine.hooks.mjs": "export const = 1;" }, "Unexpected token '='"],
  ["two files", { "mine.hooks.mjs": "", "mine.hooks.js": "" }, "mine.hooks.js as well"],
];

test.each(mistakes)("%s is one clear error", (_, texts, said) => {
  expect(() => opened(texts)).toThrow(ConfigError);
  expect(() => opened(texts)).toThrow(said);
});

test("a manifest without hooks has none, and each connector that comes with hooks has them", () => {
  expect(opened({}).map(({ account }) => account.hooks)).toEqual([undefined]);
  const connectors = fileURLToPath(new URL("../../src/connectors/", import.meta.url));
  for (const entry of readdirSync(connectors, { withFileTypes: true }).filter((one) => one.isDirectory())) {
    const has = readdirSync(join(connectors, entry.name)).includes("hooks.ts");
    expect(hooksOf(entry.name) !== undefined, entry.name).toBe(has);
  }
});

test("the engine takes all that the types of a hook allow", () => {
  expectTypeOf<HookVerdict>().toExtend<z.input<typeof hookRule>>();
  expectTypeOf<keyof HookVerdict>().toEqualTypeOf<keyof z.input<typeof hookRule>>();
});
