// What proves that a record is gone, after an error that calls it so: the call of the manifest's rule, or the table's own list.

import { afterEach, beforeEach, expect, test } from "vitest";
import { openItems } from "../support/items.js";
import { hangUp, type Line, type ScriptedServer, startScripted } from "../support/scripted.js";

let api: ScriptedServer;
beforeEach(async () => {
  api = await startScripted();
});
afterEach(() => api.close());

const gone: Line = { status: 404, body: { message: "no such item" } };
const forbidden: Line = { status: 403, body: { message: "forbidden" } };
const home = { GET: "/home/{table}", query: { of: "{table}" }, headers: { "X-Table": "{table}" } };
const rules = [
  { status: 404, outcome: "absent", if: home },
  { status: 403, outcome: "ask", raise: "insufficient_privilege", if: home },
];
const open = (keys: { readonly rules?: readonly unknown[]; readonly table?: Readonly<Record<string, unknown>> } = {}) =>
  openItems(api.url, {
    manifest: { errors: { message: "/message", rules: keys.rules ?? [] } },
    table: keys.table ?? {},
  });
const one = [{ key: "1", sent: {} }];
const isGone = { kind: "answered", rows: [{ kind: "absent" }] };
const isRefused = (sqlstate: string) => ({ kind: "refused", error: { sqlstate, message: "no such item" } });

const html = { headers: { "content-type": "text/html" }, text: "<h1>Sign in</h1>" };

/** What answers the first page of the list, and what becomes of the write. */
const byList: readonly (readonly [string, Line, object])[] = [
  ["a list", { body: { items: [{ id: "2" }] } }, isGone],
  ["a list without records", { body: { items: [] } }, isGone],
  ["no content", { status: 204 }, isGone],
  ["401", { status: 401, body: {} }, isRefused("42501")],
  ["403", forbidden, isRefused("42501")],
  ["404", gone, isRefused("42501")],
  ["404 of a gateway", { status: 404, ...html }, isRefused("42501")],
  ["400", { status: 400, body: {} }, isRefused("HV000")],
  ["503", { status: 503, body: {} }, isRefused("HV000")],
  ["a page of a gateway", html, isRefused("HV000")],
  ["2xx without the list", { body: { ok: false, error: "not_authed" } }, isRefused("HV000")],
  ["a hang-up", hangUp, isRefused("HV000")],
];

test.each(byList)("P13: of a record that is gone by a 404, the list answers with %s", async (_, answer, outcome) => {
  const { table, columns } = await open();
  for (const verb of ["update", "delete"] as const) {
    api.add(gone, answer);
    expect(await table.write(verb, columns, one)).toMatchObject(outcome);
  }
  expect(api.routes).toEqual(["PATCH /items/1", "GET /items", "DELETE /items/1", "GET /items"]);
});

test("P13: the call of the rule proves in place of the list, and is no more than answered", async () => {
  const { table, columns } = await open({ rules });
  api.add(gone, { body: {} }, gone, forbidden);
  expect(await table.write("update", columns, one)).toMatchObject(isGone);
  expect(await table.write("delete", columns, one)).toMatchObject(isRefused("42501"));
  const proof = "GET /home/items?of=items";
  expect(api.routes).toEqual(["PATCH /items/1", proof, "DELETE /items/1", proof]);
  expect(api.asked[1]?.headers["x-table"]).toBe("items");
});

test("P13: without proof, an error that calls a record gone is what its rule raises", async () => {
  const raising = [{ status: 404, outcome: "absent", raise: "lock_not_available", hint: "Look there." }];
  const { table, columns } = await open({ rules: raising });
  api.add(gone, { status: 500, body: {} });
  expect(await table.write("delete", columns, one)).toMatchObject({
    kind: "refused",
    error: { sqlstate: "55P03", hint: "Look there." },
  });
});

test("P13: a record that can't be read is gone only with the proof of the rule that asked, which is sent once", async () => {
  const { table, columns } = await open({ rules });
  const forbiddenBy = { kind: "refused", error: { sqlstate: "42501", message: "forbidden" } };
  api.add(forbidden, forbidden, { body: {} });
  expect(await table.write("update", columns, one)).toMatchObject(isGone);
  api.add(forbidden, gone, { status: 500, body: {} });
  expect(await table.write("update", columns, one)).toMatchObject(forbiddenBy);
  api.add(forbidden, forbidden, forbidden);
  expect(await table.write("update", columns, one)).toMatchObject({
    ...forbiddenBy,
    error: { hint: "The account may have lost its right to this table. The mirror keeps the row." },
  });
  expect(api.routes.filter((route) => route.startsWith("GET /home"))).toHaveLength(3);
  expect(api.asked).toHaveLength(9);
});

test("P13: one proof, behind the last record that is missed, proves all records of a read", async () => {
  const { table, columns } = await open({ rules });
  api.add(gone, { body: { id: "2" } }, gone, { body: {} });
  expect((await table.get(columns, ["1", "2", "3"])).map(({ key }) => key)).toEqual(["2"]);
  expect(api.routes).toEqual(["GET /items/1", "GET /items/2", "GET /items/3", "GET /home/items?of=items"]);
});

test("P13: a read by key or by another column fails where nothing proves that a record is gone", async () => {
  const find = { GET: "/find/{value}", rows: "" };
  const read = { list: { GET: "/items", rows: "" }, get: { GET: "/items/{key}", rows: "" }, find };
  const { table, columns } = await open({ rules, table: { read } });
  const [, name] = columns;
  if (!name) throw new Error("no column");
  const why = "things: rows by key of items: no such item (status 404), and nothing proves that the record is gone";
  api.add(gone, forbidden, gone, forbidden);
  await expect(table.get(columns, ["1"])).rejects.toMatchObject({ message: why, sqlstate: "42501" });
  await expect(table.find(columns, name, ["a"])).rejects.toMatchObject({ message: why, sqlstate: "42501" });
});

test("P13: an error that does not tell whose record is gone proves nothing, and asks for nothing", async () => {
  const write = { create: { POST: "/items", body: "{record}" }, delete: { POST: "/gone", body: "{keys}", max: 5 } };
  const { table, columns } = await open({ table: { write } });
  api.add(gone, gone);
  expect(await table.write("delete", columns, [...one, { key: "2", sent: {} }])).toMatchObject(isRefused("HV000"));
  expect(await table.write("insert", columns, [{ key: null, sent: { name: "x" } }])).toMatchObject(isRefused("HV000"));
  expect(api.asked).toHaveLength(2);
});
