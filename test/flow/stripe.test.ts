// Stripe by its manifest: forms, metadata that merges, idempotency keys, one row a call, deletes where there are any.

import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type StripeSandbox, startStripeSandbox } from "../../packages/sandbox/src/stripe/server.js";
import { migrateAll } from "../../src/app/migrate.js";
import { open } from "../../src/app/open.js";
import { tableOf } from "../../src/config/api.js";
import { refused } from "../support/answers.js";
import { makeDatabase, type TestDatabase } from "../support/database.js";
import { grant, listen, type ServedStack, serveStack } from "../support/served-stack.js";

let database: TestDatabase;
let sandbox: StripeSandbox;
let stack: ServedStack;
beforeAll(async () => {
  sandbox = await startStripeSandbox({ seed: 0, token: "sk_test_1" });
  database = await makeDatabase();
  const api = {
    name: "stripe",
    connector: "stripe",
    base: `${sandbox.url}/v1`,
    tables: ["customers", "products", "prices"].map((name) => tableOf(name, undefined)),
    timeoutMs: 5_000,
    waitMs: 5_000,
    values: { key: "sk_test_1" },
  };
  const config = {
    listen,
    postgres: { url: database.urlOf("throughline"), connections: 4, grant, switches: [] },
    apis: [api],
    journal: { keepMs: 86_400_000 },
    log: { level: "error" as const, format: "json" as const },
  };
  const opened = open(config);
  await migrateAll(opened, { dryRun: false });
  stack = await serveStack(database, opened, true);
});
afterAll(async () => {
  await stack.close();
  await sandbox.close();
  await database.drop();
});
beforeEach(() => sandbox.clearLog());
const sent = () => sandbox.log.map(({ method, path }) => `${method} ${path}`);

test("P3: a customer is created with a form, and RETURNING is Stripe's row", async () => {
  const client = await stack.client();
  const { rows } = await client.query(
    `insert into stripe.customers (email, name, address, metadata, preferred_locales)
     values ('ada@a.example', 'Ada & Söhne', '{"line1": "1 Row", "city": "London"}', '{"tier": "gold", "seats": "3"}', '{en,de}')
     returning id, email, name, address ->> 'city' as city, metadata, preferred_locales, balance, livemode, created > '2000-01-01' as made`,
  );
  expect(rows).toEqual([
    {
      id: expect.stringMatching(/^cus_/),
      email: "ada@a.example",
      name: "Ada & Söhne",
      city: "London",
      metadata: { tier: "gold", seats: "3" },
      preferred_locales: ["en", "de"],
      balance: "0",
      livemode: false,
      made: true,
    },
  ]);
  expect(sent()).toEqual(["POST /v1/customers"]);
  expect(sandbox.log[0]?.idempotencyKey).toMatch(/^[0-9a-f-]{36}$/);
});

test("an UPDATE of metadata replaces it: keys that it leaves out are removed, and NULL clears them all", async () => {
  const client = await stack.client();
  const [{ id }] = (
    await client.query(`insert into stripe.customers (metadata) values ('{"a": "1", "b": "2"}') returning id`)
  ).rows;
  const changed = await client.query(
    "update stripe.customers set metadata = metadata - 'a' || '{\"c\": \"3\"}', name = 'x' where id = $1 returning metadata",
    [id],
  );
  expect(changed.rows).toEqual([{ metadata: { b: "2", c: "3" } }]);
  const cleared = await client.query(
    "update stripe.customers set metadata = '{}', name = null where id = $1 returning metadata, name",
    [id],
  );
  expect(cleared.rows).toEqual([{ metadata: {}, name: null }]);
});

test("P1: one row a call: two rows are refused, unless they go one by one", async () => {
  const client = await stack.client();
  const two = "insert into stripe.customers (name) values ('one'), ('two') returning name";
  expect(await refused(client.query(two))).toMatchObject({ code: "54000" });
  expect(sent()).toEqual([]);
  await client.query("set throughline.chunk = on");
  expect((await client.query(two)).rows).toEqual([{ name: "one" }, { name: "two" }]);
  expect(sent()).toEqual(["POST /v1/customers", "POST /v1/customers"]);
});

test("a change or deletion that Stripe does not allow is refused before anything is sent", async () => {
  const client = await stack.client();
  const product = (
    await client.query("insert into stripe.products (name, description) values ('cog', null) returning id")
  ).rows[0].id;
  const { rows } = await client.query(
    `insert into stripe.prices (product, currency, unit_amount, recurring) values ($1, 'eur', 1250, '{"interval": "month"}')
     returning id, unit_amount, unit_amount_decimal, recurring ->> 'interval' as interval, type, active`,
    [product],
  );
  expect(rows).toEqual([
    {
      id: expect.stringMatching(/^price_/),
      unit_amount: "1250",
      unit_amount_decimal: "1250",
      interval: "month",
      type: "recurring",
      active: true,
    },
  ]);
  sandbox.clearLog();
  const [{ id }] = rows;
  expect(await refused(client.query("update stripe.prices set unit_amount = 1 where id = $1", [id]))).toMatchObject({
    code: "428C9",
    column: "unit_amount",
  });
  expect(await refused(client.query("delete from stripe.prices where id = $1", [id]))).toMatchObject({ code: "0A000" });
  expect(sent()).toEqual([]);
  expect(
    (await client.query("update stripe.prices set active = false where id = $1 returning active", [id])).rows,
  ).toEqual([{ active: false }]);
  expect(await refused(client.query("delete from stripe.products where id = $1", [product]))).toMatchObject({
    message: expect.stringMatching(/^stripe: /),
  });
});

const refusals: readonly (readonly [string, object])[] = [
  ["insert into stripe.customers (email) values ('no address')", { code: "22P02", column: "email" }],
  [
    "insert into stripe.prices (product, currency, unit_amount) select id, 'nothing', 1 from stripe.products",
    { code: "23514", column: "currency" },
  ],
];

test.each(refusals)("P4: %s is refused with the column", async (sql, error) => {
  const client = await stack.client();
  expect(await refused(client.query(sql))).toMatchObject({
    ...error,
    schema: "stripe",
    detail: expect.stringMatching(/request req_/),
  });
});

test("P5: a price of a product that there is not is refused before anything is sent; one that only the mirror lacks is not", async () => {
  const client = await stack.client();
  const price = (product: string) =>
    client.query("insert into stripe.prices (product, currency, unit_amount) values ($1, 'eur', 1)", [product]);
  expect(await refused(price("prod_none"))).toMatchObject({
    code: "23503",
    column: "product",
    constraint: "prices_product_fkey",
    hint: "Nothing was written.",
  });
  const [unseen = ""] = sandbox.seed("products", [{ name: "made by somebody else" }]);
  expect((await price(unseen)).rowCount).toBe(1);
  // The list proves that the account may still see products.
  const missed = ["GET /v1/products/prod_none", "GET /v1/products"];
  expect(sent()).toEqual([...missed, `GET /v1/products/${unseen}`, "POST /v1/prices"]);
});

test("a customer that was deleted upstream: UPDATE says so once, DELETE succeeds, and a pull sees it", async () => {
  const client = await stack.client();
  const ids = [];
  for (const name of ["gone", "deleted", "unseen"]) {
    ids.push((await client.query("insert into stripe.customers (name) values ($1) returning id", [name])).rows[0].id);
  }
  for (const id of ids) sandbox.delete("customers", id);
  const [gone, deleted, unseen] = ids;
  expect(await refused(client.query("update stripe.customers set name = 'x' where id = $1", [gone]))).toMatchObject({
    code: "40001",
  });
  expect((await client.query("update stripe.customers set name = 'x' where id = $1", [gone])).rowCount).toBe(0);
  expect((await client.query("delete from stripe.customers where id = $1", [deleted])).rowCount).toBe(1);
  await stack.pull();
  expect((await client.query("select from stripe.customers where id = $1", [unseen])).rowCount).toBe(0);
});

test("pages go on after the last record of each", async () => {
  sandbox.seed(
    "customers",
    Array.from({ length: 230 }, (_, n) => ({ name: `seeded ${n}` })),
  );
  await stack.pull();
  const { rows } = await stack.admin.query(
    "select count(*)::int as n from stripe.customers where name like 'seeded %'",
  );
  expect(rows).toEqual([{ n: 230 }]);
});
