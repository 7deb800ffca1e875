// Pages by offset and by number while upstream deletes records: none of those that stay is passed over where the API tells its total.

import fc from "fast-check";
import { expect, test } from "vitest";
import { nextByCount, placeOf } from "../../src/upstream/counted-pages.js";

const some = fc.record({
  kind: fc.constantFrom("offset" as const, "page" as const),
  from: fc.constantFrom(0, 1),
  size: fc.integer({ min: 1, max: 7 }),
  count: fc.nat(40),
  isHeader: fc.boolean(),
  // What goes after each page: each number picks one of the records that are left.
  deletions: fc.array(fc.array(fc.nat(1_000), { maxLength: 9 }), { maxLength: 12 }),
});

type List = typeof some extends fc.Arbitrary<infer One> ? One : never;

/** Reads all pages. Returns the records that were on one, and those that are left at the end. */
function readAll({ kind, from, size, count, isHeader, deletions }: List) {
  const total = isHeader ? { header: "X-Total" } : "/total";
  const base = { as: "p", cap: 1_000, more: undefined, total };
  const pages = kind === "page" ? { ...base, kind, from, totalPages: undefined } : { ...base, kind };
  let records = Array.from({ length: count }, (_, n) => n);
  const listed = new Set<number>();
  const waves = [...deletions];
  let cursor: string | null = null;
  for (let read = 0; read < 500; read += 1) {
    const { at } = cursor === null ? { at: kind === "page" ? from : 0 } : placeOf(cursor);
    const begin = kind === "page" ? (at - from) * size : at;
    const page = records.slice(begin, begin + size);
    page.forEach((one) => void listed.add(one));
    const headers = new Map(isHeader ? [["x-total", String(records.length)]] : []);
    const answer = { body: isHeader ? {} : { total: records.length }, headers, url: "" };
    cursor = nextByCount(pages, cursor, { answer, count: page.length, valueOf: () => undefined });
    if (cursor === null) return { listed, records };
    for (const pick of waves.shift() ?? []) records = records.filter((_, n) => n !== pick % records.length);
  }
  throw new Error("the pages have no end");
}

test("P11: each record that stays is on a page, whatever is deleted between two pages", () => {
  fc.assert(
    fc.property(some, (list) => {
      const { listed, records } = readAll(list);
      expect(records.filter((one) => !listed.has(one))).toEqual([]);
    }),
    { seed: 15, numRuns: 2_000 },
  );
});

test("a place is a number alone where the API tells no total", () => {
  expect(placeOf("7")).toEqual({ at: 7, before: 7, total: undefined });
  expect(placeOf("3 200 1000")).toEqual({ at: 3, before: 200, total: 1000 });
});
