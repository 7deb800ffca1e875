// A long value reaches Postgres in portions, and everything else about its query is as the driver does it.

import pg from "pg";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { Portions } from "../../protocol/portions.js";
import { queryLong } from "../../src/postgres/long-query.js";

let pool: pg.Pool;
beforeAll(() => {
  pool = new pg.Pool({ connectionString: inject("postgres"), max: 1 });
});
afterAll(() => pool.end());

const portion = Buffer.from("é".repeat(50_000));
const long = new Portions(Array.from({ length: 60 }, () => portion));

test("a value of 6 MB arrives whole, beside values of every kind", async () => {
  const sql = `select md5($1::text) = md5(repeat('é', 3000000)) as same, $2::text[] as list, $3::text as nothing,
    $4::int as number, $5::boolean as yes, $6::json as json, $7::text as empty`;
  const values = [long, ["a", 'b"'], null, 7, true, { a: [1] }, new Portions([])];
  const { rows } = await queryLong(pool, sql, values);
  expect(rows).toEqual([
    { same: true, list: ["a", 'b"'], nothing: null, number: 7, yes: true, json: { a: [1] }, empty: "" },
  ]);
});

test("what Postgres refuses is the driver's error, and the connection goes on", async () => {
  const refused = queryLong(pool, "select $1::text::json", [new Portions([Buffer.from("no JSON")])]);
  await expect(refused).rejects.toMatchObject({ code: "22P02" });
  expect(await queryLong(pool, "select $1::text as text", [new Portions([Buffer.from("yes")])])).toMatchObject({
    rowCount: 1,
    rows: [{ text: "yes" }],
  });
  expect([pool.totalCount, pool.idleCount]).toEqual([1, 1]);
});

test("a query on a client that has ended is the driver's error", async () => {
  const client = await pool.connect();
  const ended = new Promise((resolve) => client.once("end", resolve));
  client.on("error", () => undefined);
  await client.query("select pg_terminate_backend(pg_backend_pid())").catch(() => undefined);
  await ended;
  await expect(queryLong(client, "select $1::text", [long])).rejects.toThrow(/not queryable/);
  client.release(true);
});
