// Lists within records: what stands behind the page that an answer shows of one is read on, or the read fails; what is not shown is not gone.

import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readYaml } from "../../src/config/yaml.js";
import { manifestSchema } from "../../src/manifest/manifest.js";
import { openItems } from "../support/items.js";
import { type Line, type ScriptedServer, startScripted } from "../support/scripted.js";

let api: ScriptedServer;
beforeEach(async () => {
  api = await startScripted();
});
afterEach(() => api.close());

/** A way from page to page: what stands beside a list, and what of a request says where to go on. */
interface Way {
  readonly pages: object;
  readonly beside: (list: {
    readonly from: number;
    readonly next: number;
    readonly all: number;
    readonly id: string;
  }) => object;
  readonly from: (query: URLSearchParams) => number;
}

const ways: Readonly<Record<string, Way>> = {
  cursor: {
    pages: { cursor: "/paging/after", as: "after" },
    beside: ({ next, all }) => (next < all ? { paging: { after: `c${next}` } } : {}),
    from: (query) => Number(query.get("after")?.slice(1)),
  },
  "a cursor that is always there": {
    pages: { cursor: "/cursor", as: "after", more: "/has_more" },
    beside: ({ next, all }) => ({ cursor: next, has_more: next < all }),
    from: (query) => Number(query.get("after")),
  },
  "the last element": {
    pages: { last: "to", as: "after", more: "/has_more" },
    beside: ({ next, all }) => ({ has_more: next < all }),
    from: (query) => Number(query.get("after")) + 1,
  },
  offset: {
    pages: { offset: "skip", total: "/total" },
    beside: ({ all }) => ({ total: all }),
    from: (query) => Number(query.get("skip")),
  },
  "an address": {
    pages: { url: "/next" },
    beside: ({ next, all, id }) => (next < all ? { next: `/links/${id}?skip=${next}` } : { next: null }),
    from: (query) => Number(query.get("skip")),
  },
};

/** Answers as an API does whose records `lists` have so many links, of which a page shows `size`. */
function answering(lists: Readonly<Record<string, number>>, size: number, { beside, from }: Way): Line {
  const part = (id: string, begin: number) => {
    const all = lists[id] ?? 0;
    const next = Math.min(all, begin + size);
    const links = Array.from({ length: next - begin }, (_, n) => ({ to: String(begin + n) }));
    return { links, ...beside({ from: begin, next, all, id }) };
  };
  return ({ url, bodyText }) => {
    const { pathname, searchParams } = new URL(url, "http://api");
    const id = /^\/links\/(\w+)$/.exec(pathname)?.[1];
    if (id !== undefined) return { body: part(id, from(searchParams)) };
    const wanted: readonly string[] = bodyText === "" ? Object.keys(lists) : JSON.parse(bodyText).ids;
    return { body: { records: wanted.map((one) => ({ id: one, linked: part(one, 0) })) } };
  };
}

const openLinks = (pages: object, more: object = {}) => {
  const rest = { GET: "/links/{each.id}", query: { size: 9 }, rows: "/links" };
  const rows = { each: "/records", rows: "/linked/links", pages: { ...pages, rest, ...more } };
  return openItems(api.url, {
    table: {
      key: ["from", "to"],
      record: { key: ["/../id", "/to"] },
      columns: { from: { type: "text", write: "create", from: "/../id" }, to: { type: "text", write: "create" } },
      read: {
        list: { GET: "/records", rows },
        get: { POST: "/read", body: { ids: { each: "{key.from}" } }, rows, max: 100 },
      },
      write: {},
    },
  });
};

const lists = fc.dictionary(fc.constantFrom("a", "b", "c", "d"), fc.nat(12), { noNullPrototype: true });

test.each(Object.keys(ways))("P12: all of each list is read, by %s", async (name) => {
  const way = ways[name];
  if (!way) throw new Error("no such way");
  const { table, columns } = await openLinks(way.pages);
  let answer: Line = { status: 500 };
  api.add(
    ...Array.from({ length: 5_000 }, (): Line => (asked) => (typeof answer === "function" ? answer(asked) : answer)),
  );
  await fc.assert(
    fc.asyncProperty(lists, fc.integer({ min: 1, max: 5 }), async (counts, size) => {
      const pairs = Object.entries(counts).flatMap(([id, count]) =>
        Array.from({ length: count }, (_, n) => JSON.stringify([id, String(n)])),
      );
      answer = answering(counts, size, way);
      const { records } = await table.list(columns, null);
      const listed = records.map(({ row }) => JSON.stringify([row["from"], row["to"]]));
      expect(listed.sort()).toEqual(pairs.sort());
      const asked = api.asked.length;
      const found = await table.get(
        columns,
        records.map(({ key }) => key),
      );
      expect(found.map(({ key }) => key).sort()).toEqual(records.map(({ key }) => key).sort());
      // However many pairs of a record are asked for, it is asked about once.
      const reads = api.asked.slice(asked).filter(({ url }) => url === "/read");
      const ids = reads.flatMap(({ bodyText }) => JSON.parse(bodyText).ids);
      expect(ids.length).toBe(new Set(ids).size);
    }),
    { seed: 15, numRuns: 15 },
  );
});

test("a list that goes on fails the read where the manifest does not say how, and is whole where it ends", async () => {
  const way = ways["cursor"];
  if (!way) throw new Error("no such way");
  const { table, columns } = await openLinks(way.pages, { rest: undefined });
  api.add(answering({ a: 3 }, 3, way), answering({ a: 4 }, 3, way), answering({ a: 4 }, 3, way));
  expect((await table.list(columns, null)).records.length).toBe(3);
  await expect(table.list(columns, null)).rejects.toThrow('say in "rows.pages.rest" how to read on');
  await expect(table.get(columns, ['["a","0"]'])).rejects.toThrow('say in "rows.pages.rest" how to read on');
});

test("a list whose rest can't be read, or leads to itself, fails the read", async () => {
  const { table, columns } = await openLinks({ cursor: "/after", as: "after" });
  const first: Line = { body: { records: [{ id: "a", linked: { links: [{ to: "0" }], after: "x" } }] } };
  for (const [answer, words] of [
    [{ status: 403, body: { message: "no right" } }, "no right"],
    [{ body: { things: [] } }, "is not at /links"],
    [{ body: { links: [{ to: "1" }], after: "x" } }, "leads to itself"],
  ] as const) {
    api.add(first, answer);
    await expect(table.list(columns, null)).rejects.toThrow(words);
  }
  // An empty page that leads to itself is the end.
  api.add(first, { body: { links: [], after: "x" } });
  expect((await table.list(columns, null)).records.length).toBe(1);
});

test("a call for the rest has a place for the cursor, and names only what the record has", () => {
  const parse = (rest: object, pages: object = { cursor: "/after", as: "after" }) => {
    const rows = { each: "/records", rows: "/links", pages: { ...pages, rest: { rows: "/links", ...rest } } };
    const list = { GET: "/records", rows };
    const read = { list, get: { GET: "/x/{key}", rows: "" } };
    const tables = { links: { key: "to", columns: { to: "text" }, read } };
    const manifest = {
      throughline: 1,
      api: "things",
      base: "http://127.0.0.1",
      errors: { message: "/message" },
      tables,
    };
    try {
      readYaml("a.yaml", JSON.stringify(manifest, null, 1), manifestSchema);
      return "";
    } catch (cause) {
      return String(cause);
    }
  };
  expect(parse({ GET: "/links/{each.id}" })).toBe("");
  expect(parse({ POST: "/read", body: { id: "{each.from.id}", after: "{cursor}" } }, { cursor: "/after" })).toBe("");
  expect(parse({ GET: "/links/{each.id}" }, { url: "/next" })).toBe("");
  expect(parse({ GET: "/links/{each.id}" }, { cursor: "/after" })).toContain(
    'rest: has no place for the cursor: give "pages" an "as", or name {cursor} in the call',
  );
  expect(parse({ GET: "/links/{key}" })).toContain("nothing is known as {key} here");
  expect(parse({})).toContain("exactly one of GET, POST");
});

test("P13: a record that an answer refuses to tell of is not gone", async () => {
  const rules = [{ code: "NOT_FOUND", outcome: "absent" }];
  const { table, columns } = await openItems(api.url, {
    manifest: { errors: { message: "/message", code: "/code", rules } },
    table: {
      read: {
        list: { GET: "/items", rows: "/items" },
        get: { POST: "/read", body: { ids: { each: "{key}" } }, rows: "/items", failed: "/errors", max: 9 },
      },
    },
  });
  const told = (...codes: readonly string[]): Line => ({
    status: 207,
    body: { items: [{ id: "1" }], errors: codes.map((code) => ({ code, message: `it is ${code}` })) },
  });
  api.add(told(), told("NOT_FOUND"), told("NOT_FOUND", "BUSY"));
  expect(await table.get(columns, ["1", "2"])).toMatchObject([{ key: "1" }]);
  expect(await table.get(columns, ["1", "2"])).toMatchObject([{ key: "1" }]);
  await expect(table.get(columns, ["1", "2"])).rejects.toThrow("it is BUSY");
});
