// From page to page of a list, by each of the ways that an API may have.

import { afterEach, beforeEach, expect, test } from "vitest";
import { openItems } from "../support/items.js";
import { type Line, type ScriptedServer, startScripted } from "../support/scripted.js";

let api: ScriptedServer;
beforeEach(async () => {
  api = await startScripted();
});
afterEach(() => api.close());

const items = (...ids: readonly unknown[]) => ids.map((id) => ({ id: String(id), n: id }));
const page = (ids: readonly unknown[], more: object = {}, headers: Record<string, string | string[]> = {}): Line => ({
  body: { items: items(...ids), ...more },
  headers,
});
type Opened = Awaited<ReturnType<typeof openItems>>;
const listed = (list: object, more: object = {}, config: object = {}) =>
  openItems(`${api.url}/v1`, {
    manifest: { auth: { bearer: "secret" } },
    table: {
      read: { list: { GET: "/items", rows: "/items", ...list }, get: { GET: "/items/{key}", rows: "" } },
      ...more,
    },
    config,
  });

/** All pages: the keys of each. */
async function walk({ table, columns }: Opened): Promise<string[][]> {
  const pages: string[][] = [];
  let cursor: string | null = null;
  do {
    const read: Awaited<ReturnType<typeof table.list>> = await table.list(columns, cursor);
    pages.push(read.records.map(({ key }) => key));
    cursor = read.next;
  } while (cursor !== null);
  return pages;
}

/** The pages of a list, the answers, and what was asked for. */
const ways: readonly (readonly [string, object, readonly Line[], readonly string[]])[] = [
  [
    "a cursor, until there is none",
    { query: { limit: 2 }, pages: { cursor: "/next", as: "after" } },
    [page([1, 2], { next: "a&b" }), page([3], { next: 7 }), page([4], { next: null })],
    ["?limit=2", "?limit=2&after=a%26b", "?limit=2&after=7"],
  ],
  [
    "a cursor, until it is empty",
    { pages: { cursor: "/next", as: "after" } },
    [page([1], { next: "{secret}" }), page([2], { next: "" })],
    ["", "?after=%7Bsecret%7D"],
  ],
  [
    "an offset, until the total is reached",
    { pages: { offset: "skip", total: "/total" } },
    [page([1, 2], { total: 3 }), page([3], { total: "3" })],
    ["", "?skip=2"],
  ],
  [
    "an offset, until a page is empty",
    { query: { skip: 0 }, pages: { offset: "skip" } },
    [page([1, 2]), page([3]), page([])],
    ["?skip=0", "?skip=2", "?skip=3"],
  ],
  [
    "an offset, until the total of a header is reached",
    { pages: { offset: "skip", total: { header: "Content-Range" } } },
    [page([1, 2], {}, { "content-range": "items 0-1/3" }), page([3], {}, { "content-range": "items 2-2/3" })],
    ["", "?skip=2"],
  ],
  [
    "a number, until the total of a header is reached",
    { pages: { page: "p", total: { header: "X-Total" } } },
    [page([1, 2], {}, { "x-total": "5" }), page([3, 4], {}, { "x-total": "5" }), page([5], {}, { "x-total": "5" })],
    ["", "?p=2", "?p=3"],
  ],
  [
    "a number, up to the number of pages",
    { pages: { page: "p", from: 0, total_pages: { header: "X-Total-Pages" } } },
    [page([1, 2], {}, { "x-total-pages": "2" }), page([3], {}, { "x-total-pages": "2" })],
    ["", "?p=1"],
  ],
  [
    "a number, up to the number of pages in the answer",
    { pages: { page: "p", total_pages: "/pages" } },
    [page([1], { pages: 1 })],
    [""],
  ],
  [
    "a number, while there are more",
    { pages: { page: "p", more: "/more" } },
    [page([1], { more: true }), page([2])],
    ["", "?p=2"],
  ],
  [
    "a cursor, until it is 0",
    { pages: { cursor: "/next", as: "c" } },
    [page([1], { next: 7 }), page([2], { next: 0 })],
    ["", "?c=7"],
  ],
  ["a cursor, until it is false", { pages: { cursor: "/next", as: "c" } }, [page([1], { next: false })], [""]],
  [
    "a cursor that is always there, while there are more",
    { pages: { cursor: "/next", as: "c", more: "/more" } },
    [page([1], { next: "a", more: true }), page([2], { next: "b", more: false })],
    ["", "?c=a"],
  ],
  [
    "a cursor that stays behind the last record",
    { pages: { cursor: "/next", as: "c" } },
    [page([1], { next: "a" }), page([], { next: "a" })],
    ["", "?c=a"],
  ],
  ["a number, from 1", { pages: { page: "p" } }, [page([1]), page([2]), page([])], ["", "?p=2", "?p=3"]],
  ["a number, from 0", { pages: { page: "p", from: 0 } }, [page([1]), page([])], ["", "?p=1"]],
  [
    "the last record, while there are more",
    { pages: { last: "id", as: "after", more: "/more" } },
    [page([1, 2], { more: true }), page([3], { more: false })],
    ["", "?after=2"],
  ],
  ["the last record, until a page is empty", { pages: { last: "n", as: "n" } }, [page([5, 9]), page([])], ["", "?n=9"]],
  [
    "the first record, while there are more",
    { pages: { first: "id", as: "before", more: "/more" } },
    [page([9, 8], { more: true }), page([7])],
    ["", "?before=9"],
  ],
  [
    "an address, until there is none",
    { pages: { url: "/links/next" } },
    [page([1], { links: { next: "/v1/items?x=1" } }), page([2], { links: { next: "?y=2" } }), page([3], { links: {} })],
    ["", "?x=1", "?y=2"],
  ],
  [
    "a link, among others",
    { pages: { link: "next" } },
    [
      page([1], {}, { link: '</v1/items?p=0>; rel="prev", </v1/items?p=2>; rel="next", </v1/items?p=9>; rel="last"' }),
      page([2], {}, { link: '</v1/items?p=1>; title="next, of; <all>" ; rel=prev , <?p=3> ; REL = "up Next"; type=x' }),
      page([3], {}, { link: ["</v1/items?p=2>; rel=prev", "</v1/items?p=4>;rel=next"] }),
      page([4], {}, { link: '</v1/items?p=1>; rel="nextish"; x="rel=next"' }),
    ],
    ["", "?p=2", "?p=3", "?p=4"],
  ],
];

test.each(ways)("pages by %s", async (_, list, answers, queries) => {
  api.add(...answers);
  const pages = await walk(await listed(list));
  expect(api.routes).toEqual(queries.map((query) => `GET /v1/items${query}`));
  expect(pages.length).toBe(answers.length);
  expect(api.asked.map(({ headers }) => headers.authorization)).toEqual(answers.map(() => "Bearer secret"));
});

test("no content is no records", async () => {
  const opened = await listed({ pages: { page: "p" } });
  api.add(page([1]), { status: 204 });
  expect(await walk(opened)).toEqual([["1"], []]);
});

test("a list without pages is one", async () => {
  api.add(page([1, 2], { next: "x" }));
  const opened = await listed({});
  expect(await walk(opened)).toEqual([["1", "2"]]);
  expect(opened.table.mostPages).toBe(1);
});

test("how many pages there can be is the manifest's to say", async () => {
  expect((await listed({ pages: { page: "p", cap: 7 } })).table.mostPages).toBe(7);
  expect((await listed({ pages: { page: "p" } })).table.mostPages).toBe(1_000_000);
});

const loops: readonly (readonly [string, object, Line])[] = [
  ["cursor", { pages: { cursor: "/next", as: "after" } }, page([1], { next: "a" })],
  ["url", { pages: { url: "/next" } }, page([1], { next: "/v1/items?a" })],
  ["link", { pages: { link: "next" } }, page([1], {}, { link: '</v1/items?a>; rel="next"' })],
  ["last", { pages: { last: "id", as: "after" } }, page([1])],
];

test.each(loops)("a page by %s that leads to itself is a clear error", async (_, list, answer) => {
  api.add(answer, answer);
  await expect(walk(await listed(list))).rejects.toThrow("things: a page of items leads to itself");
});

const elsewhere: readonly (readonly [string, object, (host: string) => Line])[] = [
  ["an address", { pages: { url: "/next" } }, (host) => page([1], { next: `${host}/items` })],
  ["a link", { pages: { link: "next" } }, (host) => page([1], {}, { link: `<${host}/items>; rel="next"` })],
];

test.each(elsewhere)("%s at another host is refused, and no login is sent there", async (_, list, answer) => {
  const other = await startScripted(page([2]));
  const { host } = new URL(other.url);
  for (const address of [other.url, `//${host}`, `https://${new URL(api.url).host}`, "http://["]) {
    api.add(answer(address));
    await expect(walk(await listed(list))).rejects.toThrow("the next page is at another host than http://127.0.0.1:");
  }
  expect(other.asked).toEqual([]);
  await other.close();
});

test("a next page at the host that a token's answer told is at home", async () => {
  const tokens = await startScripted({ body: { access_token: "t", instance: api.url } });
  const opened = await openItems("{auth.instance}/v1", {
    manifest: { auth: { oauth2: { token: tokens.url, grant: {}, keep: ["instance"] } } },
    table: {
      read: { list: { GET: "/items", rows: "/items", pages: { url: "/next" } }, get: { GET: "/{key}", rows: "" } },
    },
  });
  api.add(page([1], { next: "/v1/more" }), page([2]));
  expect(await walk(opened)).toEqual([["1"], ["2"]]);
  expect(api.routes).toEqual(["GET /v1/items", "GET /v1/more"]);
  await tokens.close();
});

test("a list by POST has the cursor in its body, and a number as one", async () => {
  const post = { GET: undefined, POST: "/search", body: { filter: { a: 1 }, columns: "{columns}" } };
  api.add(page([1], { next: "{record}" }), page([2]), page([3]), page([]));
  await walk(await listed({ ...post, pages: { cursor: "/next", as: "after" } }));
  await walk(await listed({ ...post, pages: { offset: "skip" } }));
  const body = { filter: { a: 1 }, columns: ["id", "name", "n"] };
  expect(api.asked.map(({ bodyText }) => JSON.parse(bodyText))).toEqual([
    body,
    { ...body, after: "{record}" },
    body,
    { ...body, skip: 1 },
  ]);
});

test("the record that leads on is upstream's own, whatever the mirror makes of it", async () => {
  const at = { pages: { last: "at", as: "after" } };
  const opened = await listed(
    at,
    { columns: { id: "text", at: { type: "timestamptz", codec: "unix" } } },
    {
      rename: { at: "made" },
    },
  );
  const at1 = { id: "1", at: 1772281800 };
  api.add({ body: { items: [at1] } }, { body: { items: [] } });
  await walk(opened);
  const without = await listed(at, { columns: { id: "text", at: { type: "text", from: "/at" } } }, { columns: ["id"] });
  api.add({ body: { items: [at1] } }, { body: { items: [] } });
  await walk(without);
  expect(api.routes.filter((_, index) => index % 2 === 1)).toEqual([
    "GET /v1/items?after=1772281800",
    "GET /v1/items?after=1772281800",
  ]);
});

test("a page counts what it has, also where its records are within them and some have none", async () => {
  const nested = { rows: "/items/*/parts", pages: { offset: "skip", total: "/total" } };
  const opened = await listed(nested, { key: "id", record: { key: "/id" } });
  api.add(
    { body: { items: [{ parts: [] }, {}], total: 4 } },
    { body: { items: [{ parts: items(1, 2) }, { parts: items(3) }], total: 4 } },
  );
  expect(await walk(opened)).toEqual([[], ["1", "2", "3"]]);
  expect(api.routes).toEqual(["GET /v1/items", "GET /v1/items?skip=2"]);
});

test("a record that a page has twice is one", async () => {
  api.add(page([1, 2, 1]));
  expect(await walk(await listed({}))).toEqual([["2", "1"].sort()]);
});

test("an answer without a list of records is an error, and so is a record without a key", async () => {
  api.add({ body: { things: [] } }, { body: { items: {} } }, { body: { items: [{ name: "x" }] } });
  for (const said of ["no list of items at /items", "a record of items has no key", "a record of items has no key"])
    await expect(walk(await listed({}))).rejects.toThrow(`things: ${said}`);
});

test("P6: records that are asked for one by one are asked for several at a time", async () => {
  const keys = Array.from({ length: 20 }, (_, n) => String(n));
  const { table, columns } = await openItems(api.url);
  let askedCount = 0;
  let open = () => {};
  const barrier = new Promise<void>((resolve) => {
    open = resolve;
  });
  const told: Line = async ({ url }) => {
    askedCount += 1;
    if (askedCount === 8) open();
    // No answer comes before eight have been asked for.
    await barrier;
    return { body: { id: url.split("/").at(-1), name: "one" } };
  };
  api.add(...keys.map(() => told));
  const records = await table.get(columns, keys);
  expect(records.map(({ key }) => key)).toEqual(keys);
});
