// An address has a bound, which servers tell by 414 at the best. A table with more columns than fit into one is read all the same.

import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openItems } from "../support/items.js";
import { type Line, type ScriptedServer, startScripted } from "../support/scripted.js";

let api: ScriptedServer;
let answer: (url: URL, bodyText: string) => unknown;
let bound = 0;
beforeEach(async () => {
  const line: Line = ({ url, bodyText }) => {
    if (url.length > bound) return { status: 414, headers: { "content-type": "text/html" }, text: "<html>too long" };
    return { body: answer(new URL(url, "http://api"), bodyText) };
  };
  api = await startScripted(...Array.from({ length: 20_000 }, () => line));
});
afterEach(() => api.close());

const gets: Readonly<Record<string, object>> = {
  "by a body": { POST: "/read", body: { ids: { each: "{key}" }, columns: "{columns}" }, rows: "/items", max: 3 },
  "by an address with all columns and keys": {
    GET: "/read",
    query: { ids: "{keys}", columns: "{columns}" },
    rows: "/items",
    max: 3,
  },
  "one by one": { GET: "/items/{key}", query: { columns: "{columns}" }, rows: "" },
};

const pagings: Readonly<Record<string, object>> = {
  cursor: { cursor: "/next", as: "after" },
  address: { url: "/address" },
  "last record": { last: "n0", as: "after", more: "/more" },
};

/** Serves records r0, r1 … with the columns that are asked for, two a page. */
function serve(count: number): void {
  const shown = (n: number, columns: readonly string[]) => ({
    id: `r${n}`,
    ...Object.fromEntries(columns.filter(Boolean).map((name) => [name, name === "n0" ? `p${n}` : `${name} of ${n}`])),
  });
  answer = ({ pathname, searchParams }, bodyText) => {
    const body: { ids?: string[]; columns?: string[] } = bodyText === "" ? {} : JSON.parse(bodyText);
    const columns = body.columns ?? (searchParams.get("columns") ?? "").split(",");
    const one = /^\/items\/r(\d+)$/.exec(pathname)?.[1];
    if (one !== undefined) return shown(Number(one), columns);
    const ids = body.ids ?? searchParams.get("ids")?.split(",");
    if (ids) return { items: ids.map((id) => shown(Number(id.slice(1)), columns)) };
    const after = searchParams.get("after");
    const from = after === null ? 0 : Number(after.replace(/^p/, "")) + (after.startsWith("p") ? 1 : 0);
    const next = Math.min(count, from + 2);
    const items = Array.from({ length: next - from }, (_, n) => shown(from + n, columns));
    const own = encodeURIComponent(searchParams.get("columns") ?? "");
    const leads = next < count ? { next, address: `/items?columns=${own}&after=${next}` } : {};
    return { items, more: next < count, ...leads };
  };
}

const open = (names: readonly string[], paging: object, get: object) =>
  openItems(api.url, {
    table: {
      columns: {
        id: { type: "text", write: "never", from: "/id" },
        ...Object.fromEntries(names.map((name) => [name, "text"])),
      },
      read: { list: { GET: "/items", query: { columns: "{columns}" }, rows: "/items", pages: paging }, get },
    },
  });

type Opened = Awaited<ReturnType<typeof open>>;
async function walk({ table, columns }: Opened) {
  const rows: object[] = [];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof table.list>> = await table.list(columns, cursor);
    rows.push(...page.records.map(({ row }) => row));
    cursor = page.next;
  } while (cursor !== null);
  return rows;
}

const ways = Object.keys(pagings).flatMap((paging) => Object.keys(gets).map((get) => [paging, get] as const));

test.each(ways)("P12: all columns are read, with pages by %s and records %s", async (paging, get) => {
  const some = fc.record({
    columns: fc.integer({ min: 1, max: 60 }),
    width: fc.integer({ min: 1, max: 40 }),
    count: fc.nat(5),
    limit: fc.integer({ min: 200, max: 3_000 }),
  });
  await fc.assert(
    fc.asyncProperty(some, async ({ columns, width, count, limit }) => {
      bound = limit;
      serve(count);
      const names = Array.from({ length: columns }, (_, n) => (n === 0 ? "n0" : `n${n}${"x".repeat(width)}`));
      const rows = await walk(await open(names, pagings[paging] ?? {}, gets[get] ?? {}));
      const expected = Array.from({ length: count }, (_, n) => ({
        id: `r${n}`,
        ...Object.fromEntries(names.map((name) => [name, name === "n0" ? `p${n}` : `${name} of ${n}`])),
      }));
      expect(rows).toEqual(expected);
    }),
    { seed: 15, numRuns: 12 },
  );
});

test("no address is longer than what nearly all servers take, and one request is enough where all fit", async () => {
  bound = 100_000;
  serve(2);
  const long = await open(
    Array.from({ length: 620 }, (_, n) => `quarterly_score_of_region_${n}`),
    pagings["cursor"] ?? {},
    gets["by a body"] ?? {},
  );
  expect((await walk(long)).length).toBe(2);
  expect(Math.max(...api.asked.map(({ url }) => url.length))).toBeLessThan(8_000);
  const asked = api.asked.length;
  const short = await open(["n0", "n1"], pagings["cursor"] ?? {}, gets["by a body"] ?? {});
  await walk(short);
  expect(api.routes.slice(asked)).toEqual(["GET /items?columns=n0%2Cn1"]);
});

test("an address that is too long all the same names the way out", async () => {
  bound = 60;
  serve(2);
  const { table, columns } = await open([`n${"x".repeat(60)}`, "m"], pagings["cursor"] ?? {}, gets["one by one"] ?? {});
  await expect(table.list(columns, null)).rejects.toThrow(
    "name the columns that you need in apis.things.tables.items.columns",
  );
  await expect(table.get(columns, ["r1"])).rejects.toThrow("apis.things.tables.items.columns of the config");
});

test("what a column can't hold is known of a record that is read in parts", async () => {
  bound = 100;
  const names = [`n${"x".repeat(40)}`, `m${"x".repeat(40)}`];
  const get = gets["by an address with all columns and keys"] ?? {};
  const { table, columns } = await open(names, pagings["cursor"] ?? {}, get);
  answer = ({ searchParams }) => {
    const [name = ""] = (searchParams.get("columns") ?? "").split(",").filter(Boolean);
    return { items: [{ id: "r1", ...(name.startsWith("n") ? { [name]: "a\0b" } : {}) }] };
  };
  const [unfit, missing] = names;
  expect((await table.get(columns, ["r1"])).map(({ marks }) => marks)).toEqual([
    { unfit: [unfit], missing: [missing] },
  ]);
});

test("a record that is deleted between two parts of its columns is gone, and one that comes fails the read", async () => {
  bound = 100;
  const names = [`n${"x".repeat(40)}`, `m${"x".repeat(40)}`];
  const { table, columns } = await open(
    names,
    pagings["cursor"] ?? {},
    gets["by an address with all columns and keys"] ?? {},
  );
  let there = ["r1", "r2"];
  let then = ["r1"];
  answer = () => {
    const items = there.map((id) => ({ id }));
    there = then;
    return { items };
  };
  expect((await table.get(columns, ["r1"])).map(({ key }) => key)).toEqual(["r1"]);
  there = [];
  then = ["r1"];
  await expect(table.get(columns, ["r1"])).rejects.toThrow("one came while its columns were read");
});
