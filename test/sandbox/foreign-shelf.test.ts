// The shelf by bare HTTP: a fixture that other tests lean on must itself do what it says.

import { afterEach, expect, test } from "vitest";
import { startShelf } from "../support/foreign/shelf.js";

type Shelf = Awaited<ReturnType<typeof startShelf>>;

const open: Shelf[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((shelf) => shelf.close()));
});

async function start(options: Parameters<typeof startShelf>[0] = {}): Promise<Shelf> {
  const shelf = await startShelf(options);
  open.push(shelf);
  return shelf;
}

/** `body`: undefined when there is none. */
async function ask(shelf: Shelf, asked: string, sent?: unknown) {
  const [method = "", path] = asked.split(" ");
  const text = sent === undefined ? null : JSON.stringify(sent);
  const headers = { Authorization: "Bearer shelf-token" };
  const answer = await fetch(`${shelf.url}/items/books${path}`, { method, headers, body: text });
  const said = await answer.text();
  return { status: answer.status, headers: answer.headers, body: said === "" ? undefined : JSON.parse(said) };
}

const titlesOf = (body: { data: { title: string }[] }) => body.data.map(({ title }) => title);
const forbidden = { message: "You don't have permission to access this.", extensions: { code: "FORBIDDEN" } };

test("another token is refused, and none at all", async () => {
  const shelf = await start();
  for (const headers of [{ Authorization: "Bearer other" }, {}]) {
    const answer = await fetch(`${shelf.url}/items/books`, { headers });
    expect(answer.status).toBe(401);
    expect(await answer.json()).toMatchObject({ errors: [{ extensions: { code: "INVALID_CREDENTIALS" } }] });
  }
});

test("a book is created, read, updated in part and deleted; what is read-only is passed over", async () => {
  const shelf = await start();
  const [author = ""] = shelf.authors;
  const given = { title: "Emma", author, price: "12.50", published: "1815-12-23", tags: ["novel"], meta: { shelf: 3 } };
  const created = await ask(shelf, "POST ", { ...given, id: "mine", date_updated: "1970-01-01" });
  const { id } = created.body.data;
  const book = { ...given, id, isbn: null, format: null, pages: null, date_updated: "2026-01-01T00:00:01.000Z" };
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(created).toMatchObject({ status: 200, body: { data: book } });
  const changed = { ...book, pages: 474, tags: null, date_updated: "2026-01-01T00:00:02.000Z" };
  const updated = await ask(shelf, `PATCH /${id}`, { pages: 474, tags: null });
  expect([updated.status, updated.body]).toEqual([200, { data: changed }]);
  expect((await ask(shelf, `GET /${id}`)).body).toEqual({ data: changed });
  expect(shelf.records()).toEqual([changed]);
  expect(await ask(shelf, `DELETE /${id}`)).toMatchObject({ status: 204, body: undefined });
  expect(shelf.records()).toEqual([]);
});

test.each(["GET", "PATCH", "DELETE"])("%s of a book that is gone is forbidden", async (method) => {
  const shelf = await start();
  const [id = ""] = shelf.seed([{ title: "Emma" }]);
  shelf.remove(id);
  const answer = await ask(shelf, `${method} /${id}`, method === "PATCH" ? { pages: 1 } : undefined);
  expect([answer.status, answer.body]).toEqual([403, { errors: [forbidden] }]);
});

test("an array is created in its order, all of it or nothing, and the row that fails is not told", async () => {
  const shelf = await start();
  const created = await ask(shelf, "POST ", [{ title: "Emma", isbn: "1" }, { title: "Persuasion" }]);
  expect([created.status, titlesOf(created.body)]).toEqual([200, ["Emma", "Persuasion"]]);
  for (const rows of [
    [{ title: "Dubliners" }, { title: "Ulysses", isbn: "1" }],
    [
      { title: "Dubliners", isbn: "2" },
      { title: "Ulysses", isbn: "2" },
    ],
  ]) {
    const refused = await ask(shelf, "POST ", rows);
    const extensions = { code: "RECORD_NOT_UNIQUE", field: "isbn", collection: "books" };
    const message = 'Value for field "isbn" in collection "books" has to be unique.';
    expect([refused.status, refused.body]).toEqual([400, { errors: [{ message, extensions }] }]);
  }
  expect(shelf.records()).toHaveLength(2);
  expect((await ask(shelf, "POST ", [])).body).toEqual({ data: [] });
});

test("an array is updated by its ids, and those that there are no more are left out", async () => {
  const shelf = await start();
  const [first = "", gone = "", last = ""] = shelf.seed([{ title: "a" }, { title: "b" }, { title: "c" }]);
  shelf.remove(gone);
  const rows = [last, gone, first].map((id, at) => ({ id, pages: at }));
  const updated = await ask(shelf, "PATCH ", [...rows, { id: first, price: "1.0" }]);
  expect(updated.status).toBe(200);
  expect(updated.body.data).toMatchObject([
    { id: last, pages: 0 },
    { id: first, pages: 2 },
    { id: first, price: "1.0" },
  ]);
  expect(shelf.records()).toMatchObject([
    { title: "a", pages: 2, price: "1.0" },
    { title: "c", pages: 0 },
  ]);
  const refused = await ask(shelf, "PATCH ", [
    { id: last, pages: 9 },
    { id: first, isbn: "9".repeat(18) },
  ]);
  expect(refused.status).toBe(400);
  expect(shelf.records()).toMatchObject([{ pages: 2 }, { pages: 0 }]);
});

test("an array of ids is deleted, whether or not they are all there", async () => {
  const shelf = await start();
  const ids = shelf.seed([{ title: "a" }, { title: "b" }, { title: "c" }]);
  shelf.remove(ids[0] ?? "");
  expect(await ask(shelf, "DELETE ", ids.slice(0, 2))).toMatchObject({ status: 204, body: undefined });
  expect(shelf.records()).toMatchObject([{ title: "c" }]);
});

test.each([
  [{}, [{ code: "FAILED_VALIDATION", field: "title", type: "required" }]],
  [
    { title: "", isbn: "9".repeat(18), format: "scroll" },
    [
      { code: "FAILED_VALIDATION", field: "title", type: "length" },
      { code: "FAILED_VALIDATION", field: "isbn", type: "length" },
      { code: "FAILED_VALIDATION", field: "format", type: "enum" },
    ],
  ],
  [{ title: null }, [{ code: "NOT_NULL_VIOLATION", field: "title", collection: "books" }]],
  [{ title: "a".repeat(256) }, [{ code: "VALUE_TOO_LONG", field: "title", collection: "books" }]],
  [
    { title: "a", author: "00000000-0000-4000-8000-000000000000" },
    [{ code: "INVALID_FOREIGN_KEY", field: "author", collection: "books" }],
  ],
  [
    { title: 1, pages: 1.5, price: 9.5, published: "1815-02-30", tags: "a", meta: [], colour: "red" },
    ["title", "pages", "price", "published", "tags", "meta", "colour"].map((field) => ({
      code: "INVALID_PAYLOAD",
      field,
    })),
  ],
])("%j is refused with a code and a field", async (book, extensions) => {
  const shelf = await start();
  const answer = await ask(shelf, "POST ", book);
  expect(answer.status).toBe(400);
  expect(answer.body.errors.map((error: { extensions: unknown }) => error.extensions)).toEqual(extensions);
  expect(shelf.records()).toEqual([]);
});

test.each([
  ["POST ", "book"],
  ["POST ", [{ title: "a" }, 1]],
  ["PATCH ", [{ title: "a" }]],
  ["PATCH ", {}],
  ["DELETE ", [1]],
  ["DELETE ", undefined],
])("%s does not take %j", async (asked, sent) => {
  const answer = await ask(await start(), asked, sent);
  expect(answer).toMatchObject({ status: 400, body: { errors: [{ extensions: { code: "INVALID_PAYLOAD" } }] } });
});

test("a list is filtered, sorted, cut into pages and fields, and tells how many match", async () => {
  const shelf = await start();
  const [first = "", second = ""] = shelf.seed([
    { title: "a", pages: 90, price: "9.50" },
    { title: "b", pages: 100, price: "10.00", isbn: "1" },
    { title: "c", price: "2" },
  ]);
  const titles = async (query: string) => titlesOf((await ask(shelf, `GET ?sort=title&${query}`)).body);
  expect((await ask(shelf, "GET ?sort=-pages&fields=title,pages&limit=2&page=2")).body).toEqual({
    data: [{ title: "a", pages: 90 }],
    meta: { total_count: 3 },
  });
  expect(titlesOf((await ask(shelf, "GET ?sort=price")).body)).toEqual(["c", "a", "b"]);
  expect(titlesOf((await ask(shelf, "GET ")).body)).toEqual(
    shelf
      .records()
      .toSorted((a, b) => (String(a["id"]) < String(b["id"]) ? -1 : 1))
      .map(({ title }) => title),
  );
  expect(await titles("filter[pages][_gte]=90&filter[price][_lt]=10")).toEqual(["a"]);
  expect(await titles(`filter[id][_in]=${first},${second}`)).toEqual(["a", "b"]);
  expect(await titles("filter[isbn][_null]=true")).toEqual(["a", "c"]);
  expect(await titles("filter[price][_eq]=10")).toEqual(["b"]);
  shelf.edit(first, { title: "d" });
  expect(await titles("filter[date_updated][_gt]=2026-01-01T00:00:01Z")).toEqual(["d"]);
  expect((await ask(shelf, "GET ?filter[pages][_gt]=90&limit=1")).body.meta).toEqual({ total_count: 1 });
  for (const query of ["limit=0", "page=0", "sort=colour", "fields=colour", "filter[pages]=1", "filter[pages][_is]=1"])
    expect((await ask(shelf, `GET ?${query}`)).status, query).toBe(400);
});

test("the same seed assigns the same ids, and another one others", async () => {
  const ids = async (seed: number) => (await start({ seed })).seed([{ title: "a" }, { title: "b" }]);
  expect(await ids(1)).toEqual(await ids(1));
  expect(await ids(1)).not.toEqual(await ids(2));
});

test("over its rate it refuses and tells the milliseconds to wait", async () => {
  const shelf = await start({ rate: { calls: 1, perMs: 60_000 } });
  await ask(shelf, "GET ");
  const refused = await ask(shelf, "POST ", { title: "a" });
  expect(refused).toMatchObject({ status: 429, body: { errors: [{ extensions: { code: "REQUESTS_EXCEEDED" } }] } });
  expect(Number(refused.headers.get("x-retry-after-ms"))).toBeGreaterThan(50_000);
  expect(shelf.records()).toEqual([]);
});

test("a fault strikes once, and changes by other people are not in the log", async () => {
  const shelf = await start();
  const [id = ""] = shelf.seed([{ title: "a" }]);
  shelf.fault({ kind: "error-after-apply" });
  shelf.fault({ kind: "rate-limit", waitMs: 250 });
  const broken = await ask(shelf, `PATCH /${id}`, { pages: 1 });
  expect(broken).toMatchObject({ status: 500, body: { errors: [{ extensions: { code: "INTERNAL_SERVER_ERROR" } }] } });
  const limited = await ask(shelf, "DELETE ", [id]);
  expect([limited.status, limited.headers.get("x-retry-after-ms")]).toEqual([429, "250"]);
  expect(shelf.records()).toMatchObject([{ title: "a", pages: 1 }]);
  expect(shelf.log).toMatchObject([
    { method: "PATCH", path: `/items/books/${id}`, status: 500, sent: { pages: 1 } },
    { method: "DELETE", path: "/items/books", status: 429, sent: [id] },
  ]);
  expect(shelf.calls("PATCH /items/books/{id}")).toBe(1);
  expect(() => shelf.edit("nobody", { pages: 1 })).toThrow("there is no book nobody");
  expect(() => shelf.edit(id, { title: null })).toThrow("can't be null");
});
