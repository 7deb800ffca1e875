// What a 2xx answer says of each row of a write, in each of the ways that a call can declare.

import { afterEach, beforeEach, expect, test } from "vitest";
import { openItems } from "../support/items.js";
import { type ScriptedServer, startScripted } from "../support/scripted.js";

let api: ScriptedServer;
beforeEach(async () => {
  api = await startScripted();
});
afterEach(() => api.close());

const columns = {
  id: { type: "text", write: "never" },
  name: "text",
  email: { type: "text", unique: true },
  n: "integer",
};
const errors = {
  code: ["/errors/0/code", "/code"],
  message: ["/errors/0/text", "/text"],
  row: ["/at", "/places"],
  key: "/ids",
  rules: [
    { code: "GONE", outcome: "absent" },
    { code: "DUP", raise: "unique_violation" },
    { code: "LATE", outcome: "unknown" },
    { code: "ASK", outcome: "ask", raise: "insufficient_privilege" },
  ],
};
const each = { each: { id: "{key}", i: "{index}", "...": "{record}" } };

/** The table's list, which is asked for only where a record is gone. */
const listed = { body: [] };

type Verb = "insert" | "update" | "delete";
const sent: Readonly<Record<Verb, readonly { key: string | null; sent: Record<string, string> }[]>> = {
  insert: ["a", "b", "c"].map((name, n) => ({ key: null, sent: { name, email: `${name}@x`, n: String(n) } })),
  update: ["1", "2", "3"].map((key) => ({ key, sent: { name: `n${key}` } })),
  delete: ["1", "2", "3"].map((key) => ({ key, sent: {} })),
};

async function written(verb: Verb, call: object, body: unknown, count = 3) {
  const name = { insert: "create", update: "update", delete: "delete" }[verb];
  const { table, columns: all } = await openItems(api.url, {
    manifest: { errors },
    table: {
      columns,
      read: { list: { GET: "/", rows: "" }, get: { GET: "/items", query: { ids: "{keys}" }, rows: "", max: 9 } },
      write: { [name]: { POST: "/batch", body: verb === "insert" ? { each: "{record}" } : each, ...call } },
    },
  });
  api.add({ body }, listed);
  return table.write(verb, all, sent[verb].slice(0, count));
}

const accepted = (key: string) => expect.objectContaining({ kind: "accepted", key });
const refused = (sqlstate: string) =>
  expect.objectContaining({ kind: "refused", error: expect.objectContaining({ sqlstate }) });
const unreported = { kind: "unreported" };
const misfit = (why: string) => ({ kind: "unreported", why });
const doubtful = (sqlstate: string) => ({ kind: "unreported", doubt: expect.objectContaining({ sqlstate }) });
const absent = { kind: "absent" };
const many = { max: 9, rows: "" };
const apart = { max: 9, rows: "/done", match: "key", failed: "/failed" };
const partly = (failure: object) => ({ done: [{ id: "2" }], failed: [{ ...failure, code: "DUP" }] });
const bothRefused = [refused("23505"), accepted("2"), refused("23505")];

const told: readonly (readonly [string, Verb, object, unknown, readonly unknown[]])[] = [
  [
    "by order",
    "insert",
    { ...many, match: "order" },
    [{ id: "7" }, { id: "8" }, { id: "9" }],
    [accepted("7"), accepted("8"), accepted("9")],
  ],
  [
    "by order, nobody knows which are missing",
    "insert",
    { ...many, match: "order" },
    [{ id: "7" }, { id: "8" }],
    [unreported, unreported, unreported],
  ],
  [
    "by key, in any order, and what is left out is not reported",
    "update",
    { ...many, match: "key" },
    [{ id: "3" }, { id: "1" }, { id: "77" }],
    [accepted("1"), unreported, accepted("3")],
  ],
  [
    "by a column",
    "insert",
    { ...many, match: "email" },
    [{ id: "9", email: "c@x" }, { id: "7", email: "a@x" }, { id: "5" }],
    [accepted("7"), unreported, accepted("9")],
  ],
  [
    "by a pointer to the index that was sent",
    "update",
    { max: 9, rows: "/done", match: "/trace/i" },
    { done: [{ id: "2", trace: { i: "1" } }, { id: "1", trace: { i: 0 } }, { id: "3", trace: { i: 9 } }, { id: "3" }] },
    [accepted("1"), accepted("2"), unreported],
  ],
  [
    "by ok, in each record",
    "update",
    { ...many, match: "order", ok: "/ok" },
    [
      { id: "1", ok: true },
      { ok: false, errors: [{ code: "DUP", text: "taken" }] },
      { ok: false, code: "GONE" },
    ],
    [accepted("1"), refused("23505"), absent],
  ],
  [
    "by ok alone: what was done is read again",
    "delete",
    { max: 9, match: "order", ok: "/ok" },
    [{ ok: true }, { ok: false }, { ok: false, code: "DUP" }],
    [accepted("1"), refused("23514"), refused("23505")],
  ],
  [
    "an ok that is neither true nor false decides nothing, unless an error stands there by name",
    "delete",
    { max: 9, match: "order", ok: "/ok" },
    [{ ok: "true" }, {}, { ok: null, code: "DUP" }],
    [misfit('"ok" of the manifest is /ok, where its answer has neither true nor false'), unreported, refused("23505")],
  ],
  [
    "what is refused stands apart, with its row",
    "update",
    { max: 9, rows: "/done", match: "key", failed: "/failed" },
    { done: [{ id: "2" }], failed: [{ at: 0, code: "DUP" }, { at: 2, code: "GONE" }, { at: 1, code: "DUP" }, {}] },
    [refused("23505"), accepted("2"), absent],
  ],
  ["one refusal of several rows, by a text", "update", apart, partly({ at: "0, 2" }), bothRefused],
  ["one refusal of several rows, by a list of places", "update", apart, partly({ places: ["0", 2] }), bothRefused],
  ["one refusal of several rows, by their keys", "update", apart, partly({ ids: ["3", "1", "77"] }), bothRefused],
  [
    "a refusal that names no row makes all those doubtful that are not reported",
    "update",
    apart,
    partly({}),
    [doubtful("23505"), accepted("2"), doubtful("23505")],
  ],
  [
    "the code of one refusal says nothing of another",
    "update",
    { max: 9, rows: "/done", match: "key", failed: "/errors" },
    { done: [], errors: [{ at: 0, code: "GONE" }, { at: 1 }, { at: 2, code: "DUP" }] },
    [absent, refused("23514"), refused("23505")],
  ],
  [
    "what nobody knows of one row is not known",
    "update",
    { max: 9, rows: "/done", match: "key", failed: "/failed" },
    {
      done: [{ id: "2" }],
      failed: [
        { at: 0, code: "LATE" },
        { at: 2, code: "DUP" },
      ],
    },
    [unreported, accepted("2"), refused("23505")],
  ],
  [
    "an answer without its list reports nothing",
    "update",
    { max: 9, rows: "/done", match: "key" },
    { status: "complete" },
    [misfit('"rows" of the manifest is /done, where its answer has nothing'), unreported, unreported],
  ],
];

test.each(told)("several rows: %s", async (_, verb, call, body, rows) => {
  expect(await written(verb, call, body)).toMatchObject({ kind: "answered", rows });
});

const single: readonly (readonly [string, Verb, object, unknown, unknown])[] = [
  ["its record, wrapped", "update", { rows: "/item" }, { item: { id: "1", n: 4 } }, accepted("1")],
  ["a list of one", "update", { rows: "/items" }, { items: [{ id: "1" }] }, accepted("1")],
  ["another key: it was merged", "update", { rows: "" }, { id: "99" }, accepted("99")],
  ["among others", "update", { ...many, match: "key" }, [{ id: "2" }, { id: "1", n: 3 }, { id: "3" }], accepted("1")],
  ["nothing where it should be", "update", { rows: "/item" }, { done: true }, unreported],
  ["nothing where it should be, nor an ok", "update", { rows: "/item", ok: "/ok" }, { done: true }, unreported],
  ["no key", "insert", { rows: "" }, { name: "a" }, unreported],
  ["an ok that is not true", "delete", { ok: "/deleted" }, { id: "1", deleted: false }, refused("23514")],
  ["an ok", "delete", { ok: "/deleted" }, { id: "1", deleted: true }, accepted("1")],
  [
    "refused, in a batch of one",
    "insert",
    { ...many, rows: "/done", match: "order", failed: "/failed" },
    { done: [], failed: [{ code: "DUP" }] },
    refused("23505"),
  ],
];

test.each(single)("one row: %s", async (_, verb, call, body, row) => {
  expect(await written(verb, call, body, 1)).toMatchObject({ kind: "answered", rows: [row] });
});

test("a refused row of several is read again to see whether it is gone", async () => {
  const call = { max: 9, rows: "/done", match: "key", failed: "/failed" };
  const body = {
    done: [{ id: "2" }],
    failed: [
      { at: 0, code: "ASK" },
      { at: 2, code: "ASK" },
    ],
  };
  api.add({ body }, { body: [{ id: "3" }] }, listed);
  const { table, columns: all } = await openItems(api.url, {
    manifest: { errors },
    table: {
      columns,
      read: { list: { GET: "/", rows: "" }, get: { GET: "/items", query: { ids: "{keys}" }, rows: "", max: 9 } },
      write: { update: { POST: "/batch", body: each, ...call } },
    },
  });
  expect(await table.write("update", all, sent.update)).toMatchObject({
    rows: [absent, accepted("2"), refused("42501")],
  });
  expect(api.routes).toEqual(["POST /batch", "GET /items?ids=1%2C3", "GET /"]);
});

test("a call may declare where its answer has the key and the fields of a record", async () => {
  const call = { rows: "/result", record: { key: "/uid", fields: "/values" } };
  const { table, columns: all } = await openItems(api.url, {
    table: {
      columns: { ...columns, at: { type: "text", from: "/at" } },
      record: { key: "/id", fields: "/fields" },
      read: { list: { GET: "/", rows: "" }, get: { GET: "/{key}", ...call } },
      write: { update: { PATCH: "/{key}", ...call } },
    },
  });
  const result = { uid: "1", at: "now", values: { name: "x", n: 2 }, fields: { name: "y" } };
  api.add({ body: { result } }, { body: { result } });
  const row = { id: "1", name: "x", n: "2", at: "now" };
  // The key is known wherever it stands.
  expect(await table.get(all, ["1"])).toEqual([{ key: "1", row, marks: { missing: ["email"], unfit: [] } }]);
  expect(await table.write("update", all, sent.update.slice(0, 1))).toMatchObject({ rows: [{ row }] });
});

test("rows by key come as many at once as the call takes, and those that are gone stay out", async () => {
  const get = { POST: "/read", body: { ids: { each: "{key}" }, all: "{keys}" }, rows: "", max: 2, gone: "/deleted" };
  const { table, columns: all } = await openItems(api.url, { table: { read: { list: { GET: "/", rows: "" }, get } } });
  api.add({ body: [{ id: "2" }, { id: "1", deleted: true }] }, { body: [{ id: "3", deleted: false }, null] });
  expect((await table.get(all, ["1", "2", "3"])).map(({ key }) => key)).toEqual(["2", "3"]);
  expect(api.asked.map(({ bodyText }) => bodyText)).toEqual([
    '{"ids":["1","2"],"all":["1","2"]}',
    '{"ids":["3"],"all":["3"]}',
  ]);
});

test("a record that says that it is deleted is none, by itself too", async () => {
  const get = { GET: "/items/{key}", rows: "/item", gone: "/deleted" };
  const { table, columns: all } = await openItems(api.url, { table: { read: { list: { GET: "/", rows: "" }, get } } });
  api.add({ body: { item: { id: "1", deleted: true } } }, { body: { item: {} } });
  expect(await table.get(all, ["1"])).toEqual([]);
  await expect(table.get(all, ["1"])).rejects.toThrow("a record of items has no key");
});

test("records are found by a unique column, where the API can be asked so", async () => {
  const find = { GET: "/search", query: { by: "{column}", is: "{value}" }, rows: "/found" };
  const get = { GET: "/{key}", rows: "" };
  const asked = await openItems(api.url, {
    table: {
      columns: { id: "text", email: { type: "text", to: "mail" } },
      read: { list: { GET: "/", rows: "" }, get, find },
    },
  });
  const [, email] = asked.columns;
  if (!email) throw new Error("no column");
  api.add({ body: { found: { id: "1", mail: "a@x" } } }, { status: 404, body: {} }, listed);
  expect(await asked.table.find(asked.columns, email, ["a@x", "b@x"])).toEqual([
    { key: "1", row: { id: "1", email: "a@x" } },
  ]);
  expect(api.routes).toEqual(["GET /search?by=mail&is=a%40x", "GET /search?by=mail&is=b%40x", "GET /"]);
  const unasked = await openItems(api.url);
  expect(await unasked.table.find(unasked.columns, email, ["a@x"])).toBeUndefined();
});

test("a uuid is one key in any spelling", async () => {
  const { table, columns: all } = await openItems(api.url, {
    table: {
      columns: { id: { type: "uuid", write: "never" }, name: "text" },
      write: { update: { PATCH: "/items", body: each, max: 9, rows: "", match: "key" } },
    },
  });
  const key = "0a1b2c3d-0000-4000-8000-00000000000a";
  api.add({ body: [{ id: key.toUpperCase() }, { id: "0B1B2C3D000040008000000000000000" }] });
  const other = "0b1b2c3d-0000-4000-8000-000000000000";
  const rows = [key, other].map((one) => ({ key: one, sent: { name: "x" } }));
  expect(await table.write("update", all, rows)).toMatchObject({ rows: [accepted(key), accepted(other)] });
});
