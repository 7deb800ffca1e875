// Rows of Postgres are parsed where they come in.

import pg from "pg";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { z } from "zod";
import { parseJson, queryRows, queryTexts } from "../../src/postgres/rows.js";

let pool: pg.Pool;
beforeAll(() => {
  pool = new pg.Pool({ connectionString: inject("postgres"), max: 1 });
});
afterAll(() => pool.end());

const counted = z.object({ name: z.string(), count: z.number() });

test("rows that fit come back as the schema describes them", async () => {
  const sql = "select 'one' as name, $1::int as count, 'more' as more";
  expect(await queryRows(pool, "the count", counted, sql, [1])).toEqual([{ name: "one", count: 1 }]);
});

test("a row that does not fit is named by the purpose of the query and its place, never by its value", async () => {
  const sql = "select 'one' as name, 1 as count union all select 'two', null union all select null, 3";
  const failed = await queryRows(pool, "the count", counted, sql).catch((cause: unknown) => cause);
  expect(failed).toMatchObject({
    message: "the count: this does not fit: 1.count (invalid_type), 2.name (invalid_type)",
  });
});

test("texts come back in order, and what is no text is named by its row", async () => {
  expect(await queryTexts(pool, "the keys", "select unnest($1::text[])", [["b", "a"]])).toEqual(["b", "a"]);
  const failed = queryTexts(pool, "the keys", "select unnest(array['secret', null])");
  await expect(failed).rejects.toThrow(/^the keys: row 1 is no text$/);
});

test("a JSON text that does not fit, or is none, is not quoted", () => {
  expect(parseJson("a key", z.array(z.string()), '["a", "b"]')).toEqual(["a", "b"]);
  expect(() => parseJson("a key", z.array(z.string()), '["a", 17]')).toThrow(
    /^a key: this does not fit: 1 \(invalid_type\)$/,
  );
  expect(() => parseJson("a key", z.array(z.string()), "secret")).toThrow(/^a key: the text is not JSON$/);
});
