// The columns that an API describes itself, and how a record is read into them.

import { afterEach, beforeEach, expect, test } from "vitest";
import { openItems } from "../support/items.js";
import { type ScriptedServer, startScripted } from "../support/scripted.js";

let api: ScriptedServer;
beforeEach(async () => {
  api = await startScripted();
});
afterEach(() => api.close());

const types = {
  word: "text",
  count: "integer",
  day: { type: "date", codec: "utc_midnight" },
  flag: { type: "boolean", absent: false },
};
const column = {
  id: "/uid",
  name: "/name",
  type: "/kind",
  about: "/label",
  never: ["/readOnly", "/limits/computed"],
  create: "/fixed",
  required: "/needed",
  unique: "/one",
  max: "/limits/longest",
  options: "/choices/*/value",
  array: { when: { "/kind": "count", "/many": true }, codec: "join(;)" },
};
const fields = [
  { uid: "f1", name: "title", kind: "word", label: "Title", needed: true, one: true, limits: { longest: 80 } },
  { uid: "f2", name: "state", kind: "word", fixed: true, choices: [{ value: "on" }, { value: "off" }, { value: 3 }] },
  { uid: "f3", name: "n", kind: "count", readOnly: true, many: false, choices: [{ value: "1" }] },
  { uid: "f4", name: "many", kind: "count", many: true, limits: { computed: true, longest: 0 } },
  { uid: "f5", name: "born", kind: "day", readOnly: "true", needed: "true" },
  { uid: "f6", name: "done", kind: "flag" },
  { name: "odd", kind: "unheard of" },
  { uid: "f8", kind: "word" },
];
const plain = {
  type: "text",
  codec: "plain",
  write: "always",
  unique: false,
  required: false,
  max: null,
  options: null,
  from: null,
  label: null,
  merge: false,
  references: null,
};

const discovered = async (more: object = {}, described: readonly object[] = fields) => {
  api.add({ body: { fields: described } });
  return openItems(api.url, {
    manifest: { types },
    table: {
      columns: { id: { type: "text", write: "never", from: "/id" } },
      record: { key: "/id", fields: "/f" },
      discover: { GET: "/fields/{table}", rows: "/fields", column },
      ...more,
    },
  });
};

test("each column is what the API and the manifest's types say of it", async () => {
  const { columns } = await discovered();
  expect(api.routes).toEqual(["GET /fields/items"]);
  expect(columns).toEqual([
    { ...plain, name: "id", upstream: "id", write: "never", from: "/id" },
    { ...plain, name: "title", upstream: "f1", label: "Title", required: true, unique: true, max: 80 },
    { ...plain, name: "state", upstream: "f2", write: "create", options: ["on", "off"] },
    { ...plain, name: "n", upstream: "f3", type: "integer", write: "never" },
    { ...plain, name: "many", upstream: "f4", type: "integer[]", write: "never", codec: "join(;)" },
    { ...plain, name: "born", upstream: "f5", type: "date", codec: "utc_midnight" },
    { ...plain, name: "done", upstream: "f6", type: "boolean", absent: "false" },
    { ...plain, name: "odd", upstream: "odd", unknownType: "unheard of" },
  ]);
});

test("the manifest's word on a column comes before the API's", async () => {
  const title = { max: 20, required: false, label: "Name", to: "f9", write: "create" };
  const { columns } = await discovered({ columns: { id: "text", title } });
  expect(columns.find(({ name }) => name === "title")).toEqual({
    ...plain,
    name: "title",
    upstream: "f9",
    label: "Name",
    max: 20,
    unique: true,
    write: "create",
  });
});

test("a name that is longer than Postgres keeps is cut, and stays one of its own", async () => {
  const long = "ü".repeat(40);
  const { columns } = await discovered(
    {},
    [`${long}a`, `${long}b`, "x".repeat(63)].map((name) => ({ name })),
  );
  const names = columns.map(({ name }) => name);
  expect(names.every((name) => Buffer.byteLength(name) <= 63)).toBe(true);
  expect(new Set(names).size).toBe(4);
  expect(columns.map(({ upstream }) => upstream)).toEqual(["id", `${long}a`, `${long}b`, "x".repeat(63)]);
  expect(names[1]).toMatch(/^ü+_[0-9a-f]{8}$/);
});

test("two columns of one name are not one of them", async () => {
  await expect(discovered({}, [fields[0] ?? {}, { ...fields[1], name: "title" }])).rejects.toThrow(
    'things: two columns are called "title": let "discover.column.name" be a pointer that tells them apart',
  );
});

test("a table may be one of those that the API describes, known by its id there", async () => {
  const tables = [
    { tid: "t1", name: "other", fields: [] },
    { tid: "t2", name: "items", fields: fields.slice(0, 2), needed: ["f2"] },
  ];
  const table = { id: "/tid", name: "/name", columns: "/fields", required: "/needed" };
  api.add({ body: { tables } }, { body: [] });
  const { table: items, columns } = await openItems(api.url, {
    manifest: { types },
    table: {
      columns: { id: { type: "text", write: "never" } },
      discover: { GET: "/tables", rows: "/tables", table, column },
      read: { list: { GET: "/{table}/records", rows: "" }, get: { GET: "/{table}/{key}", rows: "" } },
    },
  });
  expect(columns.map(({ name, required }) => [name, required])).toEqual([
    ["id", false],
    ["title", true],
    ["state", true],
  ]);
  await items.list(columns, null);
  expect(api.routes).toEqual(["GET /tables", "GET /t2/records"]);
});

test("a table that the API does not describe is told with those that it does", async () => {
  const table = { id: "/id", name: "/name", columns: "/fields" };
  api.add({
    body: [
      { id: "1", name: "item" },
      { id: "2", name: "orders" },
    ],
  });
  await expect(
    openItems(api.url, { table: { columns: { id: "text" }, discover: { GET: "/tables", rows: "", table, column } } }),
  ).rejects.toThrow('things: there is no table "items"; did you mean "item"?');
});

test("the config chooses among the columns, and may call them otherwise", async () => {
  api.add({ body: { fields } }, { body: { fields } });
  const table = { columns: { id: "text" }, discover: { GET: "/fields", rows: "/fields", column } };
  const chosen = await openItems(api.url, { table, config: { columns: ["n"], rename: { n: "number" } } });
  expect(chosen.columns.map(({ name, upstream }) => `${name} ${upstream}`)).toEqual(["id id", "number f3"]);
  await expect(openItems(api.url, { table, config: { columns: ["titel"], rename: { id: "key" } } })).rejects.toThrow(
    /there is no column "titel"; did you mean "title"\?\n.*the key "id" keeps its name/,
  );
});

type Keys = Readonly<Record<string, unknown>>;
const reading = (body: object, table: Keys, manifest: Keys = {}) => {
  api.add({ body });
  return openItems(api.url, { manifest, table }).then(({ table: items, columns }) => items.get(columns, ["1"]));
};
const columns = {
  id: "text",
  a: "text",
  b: { type: "integer", absent: 0 },
  c: { type: "jsonb", absent: "[]" },
  d: "text[]",
};

test("a field that an answer leaves out is unknown, unless the manifest says what it means", async () => {
  const marks = { unfit: [], missing: ["a", "d"] };
  expect(await reading({ id: "1" }, { columns })).toEqual([{ key: "1", row: { id: "1", b: "0", c: "[]" }, marks }]);
  expect(await reading({ id: "1", b: null }, { columns, record: { absent: "null" } })).toEqual([
    { key: "1", row: { id: "1", a: null, b: null, c: "[]", d: null } },
  ]);
  const nullColumns = { ...columns, a: { type: "text", absent: null } };
  expect(await reading({ id: "1", d: [] }, { columns: nullColumns })).toEqual([
    { key: "1", row: { id: "1", a: null, b: "0", c: "[]", d: "{}" } },
  ]);
});

test("an empty text is one, unless the manifest says that it is what a cleared field reads as", async () => {
  const body = { id: "1", a: "", b: "", c: "", d: ["", "x"] };
  const empty = { id: "1", b: null, c: null };
  expect(await reading(body, { columns })).toEqual([{ key: "1", row: { ...empty, a: "", d: '{"","x"}' } }]);
  const marks = { unfit: ["d"], missing: [] };
  const cleared = [{ key: "1", row: { ...empty, a: null, d: '{"x"}' }, marks }];
  expect(await reading(body, { columns, record: { empty: "null" } })).toEqual(cleared);
  expect(await reading(body, { columns }, { clear: "" })).toEqual(cleared);
});

test("of JSON that upstream merges, keys that change are sent, and one that is gone is cleared", async () => {
  const { table, columns: its } = await openItems(api.url, {
    table: { columns: { id: "text", m: { type: "jsonb", merge: true } } },
  });
  const rows = (m: string | null, before: string | null) => [{ key: "1", sent: { m }, before: { m: before } }];
  api.add(...Array.from({ length: 5 }, () => ({ body: { id: "1" } })));
  await table.write("update", its, rows('{"a": 1, "n": 1.50, "same": [1, 2.0]}', '{"a": 0, "b": 2, "same": [1.0, 2]}'));
  await table.write("update", its, rows("{}", '{"a": 0}'));
  await table.write("update", its, rows('{"a": 0.0, "c": null}', '{"a": 0}'));
  await table.write("update", its, rows("[1]", '{"a": 0}'));
  await table.write("update", its, rows(null, '{"a": 0}'));
  expect(api.asked.map(({ bodyText }) => bodyText)).toEqual([
    '{"m":{"a":1,"n":1.50,"b":null}}',
    '{"m":{"a":null}}',
    "{}",
    '{"m":[1]}',
    '{"m":null}',
  ]);
});

test("a key of several columns is where each of them is, also above the record", async () => {
  const { table, columns: its } = await openItems(api.url, {
    table: {
      key: ["owner", "id"],
      record: { key: ["/../owner", "/id"] },
      columns: { owner: { type: "text", from: "/../owner" }, id: "integer", name: "text" },
      read: {
        list: { GET: "/owners", rows: "/owners/*/items" },
        get: { GET: "/owners/{key.owner}/items/{key.id}", rows: "", record: { key: ["/owner", "/id"] } },
      },
      write: {},
    },
  });
  api.add(
    { body: { owners: [{ owner: "a", items: [{ id: 1, name: "x" }] }, { owner: "b" }] } },
    { body: { owner: "a/b", id: 1 } },
  );
  const key = '["a","1"]';
  expect((await table.list(its, null)).records).toEqual([{ key, row: { owner: "a", id: "1", name: "x" } }]);
  expect(await table.get(its, ['["a/b","1"]'])).toMatchObject([{ key: '["a/b","1"]', row: { owner: "a/b", id: "1" } }]);
  expect(api.routes[1]).toBe("GET /owners/a%2Fb/items/1");
});
