// Lists: their pages, their cursors and their filters, by the SDK and its own paging.

import { expect, test } from "vitest";
import type { StripeSandbox } from "../../packages/sandbox/src/stripe/server.js";
import { call, errorOf, idAt, sdk, start } from "./stripe-support.js";

function people(sandbox: StripeSandbox, count: number): readonly string[] {
  const rows = Array.from({ length: count }, (_, at) => ({ email: `p${at}@example.com` }));
  return sandbox.seed("customers", rows).toReversed();
}

test("a page is the newest ten, and says where it came from and that there are more", async () => {
  const sandbox = await start();
  const newestFirst = people(sandbox, 12);
  const page = await sdk(sandbox).customers.list();
  expect(page).toMatchObject({ object: "list", has_more: true, url: "/v1/customers" });
  expect(page.data.map(({ id }) => id)).toEqual(newestFirst.slice(0, 10));
});

test("the SDK pages through everything exactly once, forwards and backwards", async () => {
  const sandbox = await start();
  const newestFirst = people(sandbox, 25);
  const { customers } = sdk(sandbox);
  const forwards = await customers.list({ limit: 4 }).autoPagingToArray({ limit: 1000 });
  expect(forwards.map(({ id }) => id)).toEqual(newestFirst);
  const backwards: string[] = [];
  for await (const { id } of customers.list({ limit: 4, ending_before: newestFirst.at(-1) ?? "" })) backwards.push(id);
  expect(backwards).toEqual(newestFirst.slice(0, -1).toReversed());
});

test("a page that ends with the last object has no more", async () => {
  const sandbox = await start();
  const [newest = "", , oldest = ""] = people(sandbox, 3);
  const { customers } = sdk(sandbox);
  expect(await customers.list({ limit: 3 })).toMatchObject({ has_more: false });
  expect(await customers.list({ limit: 2 })).toMatchObject({ has_more: true });
  expect(await customers.list({ starting_after: oldest })).toMatchObject({ data: [], has_more: false });
  expect(await customers.list({ ending_before: newest })).toMatchObject({ data: [], has_more: false });
});

test("backwards, the page is the one next to its cursor, newest first", async () => {
  const sandbox = await start();
  const newestFirst = people(sandbox, 6);
  const page = await sdk(sandbox).customers.list({ ending_before: newestFirst[5] ?? "", limit: 2 });
  expect(page.data.map(({ id }) => id)).toEqual(newestFirst.slice(3, 5));
  expect(page.has_more).toBe(true);
});

test("a page can begin at an object that was deleted, or that the filter leaves out", async () => {
  const sandbox = await start();
  const [, middle = "", oldest = ""] = people(sandbox, 3);
  sandbox.delete("customers", middle);
  const { customers } = sdk(sandbox);
  const after = await customers.list({ starting_after: middle, email: "p0@example.com" });
  expect(after.data.map(({ id }) => id)).toEqual([oldest]);
});

test.each(["starting_after", "ending_before"] as const)("a cursor in %s that is no id is refused", async (cursor) => {
  const sandbox = await start();
  people(sandbox, 1);
  await expect(sdk(sandbox).customers.list({ [cursor]: "cus_none" })).rejects.toMatchObject({
    type: "StripeInvalidRequestError",
    statusCode: 400,
    code: "resource_missing",
    param: cursor,
    message: "No such customer: 'cus_none'",
  });
});

test("two cursors at once are refused", async () => {
  const sandbox = await start();
  const [newest = "", oldest = ""] = people(sandbox, 2);
  await expect(sdk(sandbox).customers.list({ starting_after: newest, ending_before: oldest })).rejects.toMatchObject({
    statusCode: 400,
    message: "Received both starting_after and ending_before parameters. Please pass in only one.",
  });
});

test.each([
  { limit: 0, length: 1 },
  { limit: 1, length: 1 },
  { limit: 100, length: 100 },
  { limit: 101, length: 100 },
])("a limit of $limit gives $length", async ({ limit, length }) => {
  const sandbox = await start();
  people(sandbox, 102);
  expect((await sdk(sandbox).customers.list({ limit })).data).toHaveLength(length);
});

test("a limit that is no number is refused", async () => {
  const sandbox = await start();
  expect(await errorOf(call(sandbox, "GET", "/v1/customers?limit=many"))).toMatchObject({
    status: 400,
    code: "parameter_invalid_integer",
    param: "limit",
    message: "Invalid integer: many",
  });
});

test("customers are found by an email, letter by letter", async () => {
  const sandbox = await start();
  const ids = sandbox.seed("customers", [{ email: "Ada@example.com" }, { email: "ada@example.com" }]);
  const found = await sdk(sandbox).customers.list({ email: "ada@example.com" });
  expect(found.data.map(({ id }) => id)).toEqual([ids[1]]);
});

test("objects are found by when they were created, with either bound in or out", async () => {
  const sandbox = await start();
  const id = idAt(people(sandbox, 1));
  const { customers } = sdk(sandbox);
  const { created } = Object(await customers.retrieve(id));
  const found = async (bounds: object) => (await customers.list({ created: bounds })).data.length;
  expect(await found({ gte: created, lte: created })).toBe(1);
  expect(await found({ gt: created })).toBe(0);
  expect(await found({ lt: created })).toBe(0);
  expect(await found({ gt: created - 1, lt: created + 1 })).toBe(1);
  expect((await customers.list({ created })).data).toHaveLength(1);
  const wrong = await errorOf(call(sandbox, "GET", "/v1/customers?created[after]=1"));
  expect(wrong).toMatchObject({ code: "parameter_unknown", param: "created[after]" });
});

test("products and prices are found by what Stripe lets them be found by", async () => {
  const sandbox = await start();
  const [tea = "", cup = ""] = sandbox.seed("products", [
    { name: "Tea", url: "https://example.com/t" },
    { name: "Cup" },
  ]);
  sandbox.edit("products", cup, { active: false });
  const monthly = { recurring: { interval: "month" }, lookup_key: "tea" };
  const [once = "", often = ""] = sandbox.seed("prices", [
    { product: tea, currency: "eur", unit_amount: 5 },
    { product: cup, currency: "usd", unit_amount: 6, ...monthly },
  ]);
  const { products, prices } = sdk(sandbox);
  const idsOf = async (page: Promise<{ readonly data: readonly { readonly id: string }[] }>) =>
    (await page).data.map(({ id }) => id);
  expect(await idsOf(products.list({ active: true }))).toEqual([tea]);
  expect(await idsOf(products.list({ ids: [cup, "prod_none"] }))).toEqual([cup]);
  expect(await idsOf(products.list({ url: "https://example.com/t" }))).toEqual([tea]);
  expect(await idsOf(prices.list({ product: tea }))).toEqual([once]);
  expect(await idsOf(prices.list({ type: "recurring" }))).toEqual([often]);
  expect(await idsOf(prices.list({ recurring: { interval: "month" } }))).toEqual([often]);
  expect(await idsOf(prices.list({ recurring: { interval: "day" } }))).toEqual([]);
  expect(await idsOf(prices.list({ lookup_keys: ["tea", "none"] }))).toEqual([often]);
  expect(await idsOf(prices.list({ currency: "eur", active: true }))).toEqual([once]);
  await expect(prices.list({ product: "prod_none" })).rejects.toMatchObject({ statusCode: 400, param: "product" });
});
