// A headless CMS by its manifest alone: arrays for batches, pages by number, a code and a field in each error, a 403 for what is gone.

import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { refused } from "../support/answers.js";
import { startShelfStack } from "../support/foreign/stack.js";

let stack: Awaited<ReturnType<typeof startShelfStack>>;
let ids: readonly string[];
beforeAll(async () => {
  stack = await startShelfStack();
  stack.api.seed(Array.from({ length: 230 }, (_, n) => ({ title: `book ${n}`, isbn: `n-${n}` })));
  ids = stack.api.seed([
    { title: "Persuasion", isbn: "p-1", price: "12.50", tags: ["novel"], meta: { shelf: 3 } },
    { title: "Emma", isbn: "e-1" },
  ]);
  await stack.pull();
});
afterAll(() => stack.close());
beforeEach(() => stack.api.clearLog());

const sent = () => stack.api.log.map(({ method, path }) => `${method} ${path}`);

test("pages by number bring every record, once", async () => {
  const { rows } = await stack.admin.query(
    "select count(*)::int as n, count(distinct id)::int as ids from shelf.books",
  );
  expect(rows).toEqual([{ n: 232, ids: 232 }]);
  const found = await stack.admin.query("select price, tags, meta, author from shelf.books where id = $1", [ids[0]]);
  expect(found.rows).toEqual([{ price: "12.50", tags: ["novel"], meta: { shelf: 3 }, author: null }]);
});

test("P1: several rows are created with one array, and RETURNING has their ids in order", async () => {
  const client = await stack.client();
  const { rows } = await client.query(
    `insert into shelf.books (title, isbn, price, pages, author)
     values ('Ulysses', 'u-1', 9.90, 730, $1), ('Dubliners', 'd-1', null, 152, null) returning id, title, price, pages, author`,
    [stack.api.authors[0]],
  );
  expect(rows).toEqual([
    {
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      title: "Ulysses",
      price: "9.90",
      pages: 730,
      author: stack.api.authors[0],
    },
    { id: expect.stringMatching(/^[0-9a-f-]{36}$/), title: "Dubliners", price: null, pages: 152, author: null },
  ]);
  expect(sent()).toEqual(["POST /items/books"]);
  expect(stack.api.log[0]?.sent).toEqual([
    { title: "Ulysses", isbn: "u-1", price: "9.90", pages: 730, author: stack.api.authors[0] },
    { title: "Dubliners", isbn: "d-1", price: null, pages: 152, author: null },
  ]);
  expect(rows.map(({ id }) => id)).toEqual(
    stack.api
      .records()
      .slice(-2)
      .map(({ id }) => id),
  );
});

test("P1: one row is created with an object, several are changed and deleted with arrays", async () => {
  const client = await stack.client();
  await client.query("insert into shelf.books (title, isbn) values ('Molloy', 'm-1')");
  const changed = await client.query(
    "update shelf.books set pages = coalesce(pages, 0) + 1 where isbn in ('m-1', 'e-1') returning title, pages",
  );
  expect(changed.rows.sort((a, b) => a.title.localeCompare(b.title))).toEqual([
    { title: "Emma", pages: 1 },
    { title: "Molloy", pages: 1 },
  ]);
  const deleted = await client.query("delete from shelf.books where isbn in ('m-1', 'n-3')");
  expect(deleted.rowCount).toBe(2);
  expect(sent()).toEqual(["POST /items/books", "PATCH /items/books", "DELETE /items/books"]);
  expect(stack.api.records().filter(({ isbn }) => isbn === "m-1" || isbn === "n-3")).toEqual([]);
});

test("P4: one bad row of an array refuses all, with the code's column, and nothing is written", async () => {
  const client = await stack.client();
  const unseen = stack.api.seed([{ title: "unseen", isbn: "s-1" }]);
  expect(unseen).toHaveLength(1);
  expect(
    await refused(client.query("insert into shelf.books (title, isbn) values ('one', 'x-1'), ('two', 's-1')")),
  ).toMatchObject({
    code: "23505",
    column: "isbn",
    detail: expect.stringContaining("code RECORD_NOT_UNIQUE, status 400"),
  });
  expect(sent()).toEqual(["POST /items/books"]);
  expect(stack.api.records().filter(({ isbn }) => isbn === "x-1")).toEqual([]);
});

const refusals: readonly (readonly [string, object])[] = [
  ["insert into shelf.books (title, author) values ('x', gen_random_uuid())", { code: "23503", column: "author" }],
  ["update shelf.books set title = '' where isbn = 'p-1'", { code: "22001", column: "title" }],
];

test.each(refusals)("P4: %s is refused by the API, with its column", async (sql, error) => {
  const client = await stack.client();
  expect(await refused(client.query(sql))).toMatchObject({ ...error, schema: "shelf", table: "books" });
});

const early: readonly (readonly [string, object])[] = [
  ["insert into shelf.books (isbn) values ('y')", { code: "23502", column: "title" }],
  ["insert into shelf.books (title, isbn) values ('x', 'longer than any isbn is')", { code: "22001", column: "isbn" }],
  ["insert into shelf.books (title, format) values ('x', 'scroll')", { code: "23514", column: "format" }],
  ["insert into shelf.books (id, title) values (gen_random_uuid(), 'x')", { code: "428C9", column: "id" }],
  ["update shelf.books set date_updated = now() where isbn = 'p-1'", { code: "428C9", column: "date_updated" }],
];

test.each(early)("P5: %s is refused before anything is sent", async (sql, error) => {
  const client = await stack.client();
  expect(await refused(client.query(sql))).toMatchObject(error);
  expect(sent()).toEqual([]);
});

test("a row that is gone is a 403: UPDATE says once that it is gone, DELETE succeeds", async () => {
  const [gone = "", deleted = ""] = stack.api.seed([{ title: "gone" }, { title: "deleted" }]);
  await stack.pull();
  for (const id of [gone, deleted]) stack.api.remove(id);
  stack.api.clearLog();
  const client = await stack.client();
  expect(await refused(client.query("update shelf.books set pages = 1 where id = $1", [gone]))).toMatchObject({
    code: "40001",
  });
  // The record is read, and then the list, which proves that the books can be.
  expect(sent()).toEqual([`PATCH /items/books/${gone}`, "GET /items/books", "GET /items/books"]);
  expect((await client.query("update shelf.books set pages = 1 where id = $1", [gone])).rowCount).toBe(0);
  expect((await client.query("delete from shelf.books where id = $1", [deleted])).rowCount).toBe(1);
});

test("rows that a 200 leaves out are gone, and the error tells the others as accepted", async () => {
  const [gone = "", there = ""] = stack.api.seed([{ title: "left out" }, { title: "there" }]);
  await stack.pull();
  stack.api.remove(gone);
  const client = await stack.client();
  expect(
    await refused(client.query("update shelf.books set pages = 7 where id = any($1)", [[gone, there]])),
  ).toMatchObject({ code: "TL001", message: "shelf: 1 of 2 rows were accepted" });
  const { rows } = await stack.admin.query("select id, pages from shelf.books where id = any($1)", [[gone, there]]);
  expect(rows).toEqual([{ id: there, pages: 7 }]);
});

test("a row that was deleted upstream is gone after a pull", async () => {
  const [gone = ""] = stack.api.seed([{ title: "deleted by an editor" }]);
  await stack.pull();
  stack.api.remove(gone);
  await stack.pull();
  const { rowCount } = await stack.admin.query("select from shelf.books where id = $1", [gone]);
  expect(rowCount).toBe(0);
});

test("a 429 names its wait in milliseconds", async () => {
  stack.api.fault({ kind: "rate-limit", on: { method: "POST" }, times: 1, waitMs: 300 });
  const client = await stack.client();
  expect((await client.query("insert into shelf.books (title) values ('later')")).rowCount).toBe(1);
  expect(sent()).toEqual(["POST /items/books", "POST /items/books"]);
});
