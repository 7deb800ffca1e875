// `connector check` tries what the run will do: eleven manifests that are wrong only there, and others of their kinds, each named.

import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type CheckedItems,
  columns,
  described,
  discover,
  find,
  key,
  list,
  type Parts,
  startCheckedItems,
  types,
  update,
} from "../support/checked-items.js";

let items: CheckedItems;
beforeAll(async () => {
  items = await startCheckedItems();
});
afterAll(() => items.close());

test("manifests that are right are called so, whichever way their pages go on", async () => {
  const ways = [
    list.pages,
    { link: "next" },
    { url: "/there" },
    { last: "size", as: "after", more: "/hasMore" },
    { offset: "after", total: "/total" },
  ];
  for (const pages of ways) {
    const { code, said } = await items.check({ read: { list: { ...list, pages } } });
    expect([code, said]).toEqual([0, expect.stringContaining("3 records came, and all their values fit\n")]);
    expect(said).not.toMatch(/warning|not tried/);
  }
  expect(await items.check({ table: described })).toMatchObject({ code: 0 });
});

/** What is wrong, the manifest, and what is said of it. */
const wrong: readonly (readonly [string, Parts, string | RegExp])[] = [
  [
    "a wrong link relation",
    { read: { list: { ...list, pages: { link: "nxt" } } } },
    '"pages.link": no link is "nxt"; the relations of the answer: next, first',
  ],
  [
    "a type pointer to nowhere",
    { table: { ...described, discover: { ...discover, column: { ...discover.column, type: "/typ" } } } },
    '"discover.column.type": no description has a text at /typ; such a description has: key, kind',
  ],
  [
    "a missing type of the API's",
    { manifest: { types: { ...types, email: undefined } }, table: described },
    '"types" has no "email", the type of mail, so that it is text',
  ],
  [
    "a missing type of a column",
    { table: { columns: { ...columns, size: { write: "create" } } } },
    'tables.items.columns.size: has no "type", and no "discover" tells it',
  ],
  [
    "{columns} in a write",
    { write: { update: { ...update, query: { fields: "{columns}" } } } },
    "tables.items.write.update.query.fields: nothing is known as {columns} here",
  ],
  [
    "a ? in a path",
    { read: { get: { GET: "/items/{key}?full=1", rows: "" } } },
    'tables.items.read.get.GET: has a "?" or "#": what stands behind it belongs to "query"',
  ],
  ["a ? in the base", { manifest: { base: "http://127.0.0.1/?v=2" } }, 'base: has a "?" or "#"'],
  [
    "a create without rows",
    { write: { create: { POST: "/items", body: "{record}" } } },
    'tables.items.write.create: needs "rows": upstream assigns "id"',
  ],
  [
    "a create of several that is matched by the key",
    { write: { create: { POST: "/items", body: { each: "{record}" }, rows: "/items", max: 9, match: "key" } } },
    'tables.items.write.create: "match" by key assigns no row',
  ],
  [
    "Bearer under bearer",
    { manifest: { auth: { bearer: "Bearer {config.key}" } } },
    'auth.bearer: begins with "Bearer", and "Bearer" is sent before it as well',
  ],
  [
    "ok at a number, by a declared column",
    { write: { update: { ...update, ok: "/size" } } },
    'tables.items.write.update.ok: points at column "size" of type integer',
  ],
  [
    "ok at a number, as the records show",
    { table: { ...described, columns: { id: { write: "never" } } }, write: { update: { ...update, ok: "/size" } } },
    '"ok" of an UPDATE is /size, where the records have a number, not true or false',
  ],
  [
    "a find that finds nothing",
    { read: { find: { ...find, query: { email: "{value}" } } } },
    '"read.find" by "mail" does not find a record that has that value',
  ],
  [
    "a find that fails",
    { read: { find: { ...find, rows: "/found" } } },
    '"read.find" by "mail" failed: items: no list of items at /found',
  ],
  [
    "a required column that no record has",
    { table: { columns: { ...columns, title: { type: "text", required: true } } } },
    'column "title" is required, and no record has it',
  ],
  [
    "a cursor pointer to nowhere",
    { read: { list: { ...list, pages: { cursor: "/nxt", as: "after" } } } },
    '"pages.cursor": nothing stands at /nxt of a page behind which there is more; the answer has: items, total',
  ],
  [
    "a page's address at nowhere",
    { read: { list: { ...list, pages: { url: "/links/next" } } } },
    '"pages.url": nothing stands at /links/next of a page behind which there is more',
  ],
  [
    "a parameter that the API does not know",
    { read: { list: { ...list, pages: { cursor: "/next", as: "page_token" } } } },
    "a page of items leads to itself",
  ],
  [
    "a parameter of offsets that the API does not know",
    { read: { list: { ...list, pages: { offset: "skip", total: "/total" } } } },
    '"pages": the second page has the records of the first one',
  ],
  [
    "a number where there is to be true",
    { read: { list: { ...list, pages: { last: "size", as: "after", more: "/total" } } } },
    '"pages.more": at /total of a page behind which there is more stands a number, not true',
  ],
  [
    "no pages",
    { read: { list: { ...list, pages: undefined } } },
    '"read.list" has no "pages", and gives as many records as it is asked for',
  ],
  [
    "an object in the query",
    { write: { update: { ...update, query: { filter: "{record}" } } } },
    "tables.items.write.update.query.filter: {record} is no text: it stands in a body, with nothing beside it",
  ],
  [
    "an object within a text of the body",
    { write: { update: { ...update, body: { note: "changed: {record}" } } } },
    "tables.items.write.update.body.note: {record} is no text",
  ],
  [
    "{columns} in the discovery",
    { table: { ...described, discover: { ...discover, query: { only: "{columns}" } } } },
    "tables.items.discover.query.only: nothing is known as {columns} here",
  ],
];

test.each(wrong)("%s is named", async (_, parts, says) => {
  const { code, said } = await items.check(parts);
  expect(said).toContain(says);
  expect(code).toBeGreaterThan(0);
  // One slip is one line, but for what follows from it.
  expect(said.split("\n").filter((line) => /^error|^FILE/.test(line))).toHaveLength(1);
  expect(said).not.toContain(key);
});

const tables = {
  ...described,
  discover: { ...discover, GET: "/tables", rows: "/tables", table: { id: "/key", name: "/title", columns: "/fields" } },
};

test("of the tables that only the API tells of, the first are looked at", async () => {
  const { code, said } = await items.check({ name: "*", table: tables });
  expect([code, said.match(/^ok .*records came/gm)]).toEqual([
    0,
    ["items", "others", "notes"].map((name) => `ok      items.${name}: 3 records came`),
  ]);
  expect(said).toContain("tables that only the API tells of are not looked at, but for items, others, notes\n");
});

test.each([
  ["name", { name: "/nme" }, '"discover.table.name": no description has a text at /nme'],
  ["id", { id: "/id" }, '"discover.table.id": no description has a text at /id'],
  ["columns", { columns: "/columns" }, '"discover.table.columns": no description has a list at /columns'],
])("a pointer to the %s of a table that leads nowhere is named", async (_, at, says) => {
  const table = { ...tables, discover: { ...tables.discover, table: { ...tables.discover.table, ...at } } };
  const { code, said } = await items.check({ name: "*", table });
  expect([code, said]).toEqual([1, expect.stringContaining(`error   items.*: ${says}`)]);
});
