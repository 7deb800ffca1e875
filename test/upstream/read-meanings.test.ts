// What a rule of the manifest makes of an error that answers a read: the end of a list, or that it has no records.

import { afterEach, beforeEach, expect, test } from "vitest";
import { openItems } from "../support/items.js";
import { type Line, type ScriptedServer, startScripted } from "../support/scripted.js";

let api: ScriptedServer;
beforeEach(async () => {
  api = await startScripted();
});
afterEach(() => api.close());

const listed: Line = { body: { items: [{ id: "1" }] } };

const meanings: readonly (readonly ["empty" | "end", object, Line])[] = [
  ["end", { status: 400, code: "invalid_page_number" }, { status: 400, body: { code: "invalid_page_number" } }],
  ["end", { status: 404 }, { status: 404, body: {} }],
  ["end", { status: 500, message: "past" }, { status: 500, body: { message: "past the end" } }],
  ["empty", { status: 409, message: "is empty" }, { status: 409, body: { message: "Git Repository is empty." } }],
];

test.each(meanings)("a list is at its %s where a rule says so: %o", async (meaning, rule, answer) => {
  const opened = await openItems(`${api.url}/v1`, {
    manifest: { errors: { message: "/message", code: "/code", rules: [{ ...rule, read: meaning }] } },
    table: {
      read: {
        list: { GET: "/items", rows: "/items", pages: { page: "p" } },
        get: { GET: "/items/{key}", rows: "" },
      },
    },
  });
  const { table, columns } = opened;
  api.add(listed, answer, answer);
  expect(await table.list(columns, null)).toMatchObject({ records: [{ key: "1" }], next: "2" });
  expect(await table.list(columns, "2")).toEqual({ records: [], next: null, total: null });
  expect(await table.list(columns, null)).toEqual({ records: [], next: null, total: null });
});

test("P13: what a rule says of reads says nothing of what became of a write", async () => {
  const rules = [{ status: 500, read: "end" }];
  const { table, columns } = await openItems(api.url, { manifest: { errors: { message: "/message", rules } } });
  api.add({ status: 500, body: {} });
  expect(await table.write("update", columns, [{ key: "1", sent: { name: "x" } }])).toMatchObject({ kind: "unknown" });
});

test("a search that a rule calls empty finds nothing, and a record that it is to tell of is gone only with proof", async () => {
  const rules = [{ status: 400, code: "NONE", read: "empty" }];
  const { table, columns } = await openItems(api.url, {
    manifest: { errors: { message: "/message", code: "/code", rules } },
    table: {
      read: {
        list: { GET: "/items", rows: "/items" },
        get: { POST: "/read", body: { ids: { each: "{key}" } }, rows: "/items", max: 9 },
      },
    },
  });
  const none: Line = { status: 400, body: { code: "NONE", message: "nothing found" } };
  api.add(none, listed, none, { status: 403, body: { message: "no right" } });
  expect(await table.get(columns, ["1", "2"])).toEqual([]);
  await expect(table.get(columns, ["1", "2"])).rejects.toThrow("nothing found");
  expect(api.routes).toEqual(["POST /read", "GET /items", "POST /read", "GET /items"]);
});
