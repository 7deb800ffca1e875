// Products and their prices, as Stripe's own SDK sees them.

import { expect, test } from "vitest";
import { call, errorOf, idAt, sdk, start } from "./stripe-support.js";

test("a product that is created by its name has every field", async () => {
  const sandbox = await start();
  const created = await sdk(sandbox).products.create({ name: "Tea" });
  expect(created).toEqual({
    id: expect.stringMatching(/^prod_[0-9A-Za-z]{14}$/),
    object: "product",
    active: true,
    attributes: [],
    created: expect.any(Number),
    default_price: null,
    description: null,
    images: [],
    livemode: false,
    marketing_features: [],
    metadata: {},
    name: "Tea",
    package_dimensions: null,
    shippable: null,
    statement_descriptor: null,
    tax_code: null,
    tax_details: null,
    type: "service",
    unit_label: null,
    updated: created.created,
    url: null,
  });
  expect(await sdk(sandbox).products.retrieve(created.id)).toEqual(created);
});

test("a product is written and cleared, and its id may be chosen", async () => {
  const sandbox = await start();
  const { products } = sdk(sandbox);
  const created = await products.create({
    id: "tea",
    name: "Tea",
    description: "green",
    images: ["https://example.com/1.png"],
    package_dimensions: { height: 1, length: 2.5, weight: 3, width: 4 },
    shippable: true,
    unit_label: "box",
    metadata: { leaf: "whole" },
  });
  expect(created).toMatchObject({ id: "tea", package_dimensions: { height: 1, length: 2.5 }, shippable: true });
  const updated = await products.update("tea", {
    active: false,
    description: "",
    images: "",
    package_dimensions: "",
    unit_label: "",
    metadata: { leaf: "" },
  });
  expect(updated).toMatchObject({
    active: false,
    description: null,
    images: [],
    package_dimensions: null,
    unit_label: null,
    metadata: {},
  });
});

test("a product with a price is not deleted, one without is gone at once", async () => {
  const sandbox = await start();
  const [priced = "", bare = ""] = sandbox.seed("products", [{ name: "Tea" }, { name: "Cup" }]);
  const price = idAt(sandbox.seed("prices", [{ product: priced, currency: "eur", unit_amount: 500 }]));
  sandbox.edit("prices", price, { active: false });
  const { products } = sdk(sandbox);
  await expect(products.del(priced)).rejects.toMatchObject({
    type: "StripeInvalidRequestError",
    statusCode: 400,
    message: "This product cannot be deleted because it has one or more user-created prices.",
  });
  expect(await products.del(bare)).toEqual({ id: bare, object: "product", deleted: true });
  await expect(products.retrieve(bare)).rejects.toMatchObject({
    statusCode: 404,
    code: "resource_missing",
    param: "id",
  });
  expect(await products.create({ id: bare, name: "Cup" })).toMatchObject({ id: bare });
});

test("a price that is paid once has every field", async () => {
  const sandbox = await start();
  const product = idAt(sandbox.seed("products", [{ name: "Tea" }]));
  const answer = await call(sandbox, "POST", "/v1/prices", {
    form: `product=${product}&currency=EUR&unit_amount=500&nickname=box`,
  });
  expect(await answer.json()).toEqual({
    id: expect.stringMatching(/^price_[0-9A-Za-z]{24}$/),
    object: "price",
    active: true,
    billing_scheme: "per_unit",
    created: expect.any(Number),
    currency: "eur",
    custom_unit_amount: null,
    livemode: false,
    lookup_key: null,
    metadata: {},
    nickname: "box",
    product,
    recurring: null,
    tax_behavior: "unspecified",
    tiers_mode: null,
    transform_quantity: null,
    type: "one_time",
    unit_amount: 500,
    unit_amount_decimal: "500",
  });
});

test("a price that recurs says how often", async () => {
  const sandbox = await start();
  const product = idAt(sandbox.seed("products", [{ name: "Tea" }]));
  const created = await sdk(sandbox).prices.create({
    product,
    currency: "usd",
    unit_amount: 1500,
    recurring: { interval: "month" },
  });
  expect(created).toMatchObject({ type: "recurring", unit_amount: 1500 });
  expect(created.recurring).toEqual({
    interval: "month",
    interval_count: 1,
    meter: null,
    trial_period_days: null,
    usage_type: "licensed",
  });
});

test.each([
  { decimal: "123.450", amount: null, kept: "123.45" },
  { decimal: "123.0", amount: 123, kept: "123" },
])("an amount of $decimal is kept as $kept", async ({ decimal, amount, kept }) => {
  const sandbox = await start();
  const product = idAt(sandbox.seed("products", [{ name: "Tea" }]));
  sandbox.seed("prices", [{ product, currency: "usd", unit_amount_decimal: decimal }]);
  expect(sandbox.records("prices")).toMatchObject([{ unit_amount: amount, unit_amount_decimal: kept }]);
});

test("a price can bring its product, and a product its price", async () => {
  const sandbox = await start();
  const stripe = sdk(sandbox);
  const price = await stripe.prices.create({ currency: "usd", unit_amount: 5, product_data: { name: "Tea" } });
  expect(await stripe.products.retrieve(String(price.product))).toMatchObject({ name: "Tea", default_price: null });
  const product = await stripe.products.create({
    name: "Cup",
    default_price_data: { currency: "usd", unit_amount: 900 },
  });
  const own = await stripe.prices.retrieve(String(product.default_price));
  expect(own).toMatchObject({ unit_amount: 900, product: product.id });
});

test("a product takes no price of another as its own", async () => {
  const sandbox = await start();
  const [tea = "", cup = ""] = sandbox.seed("products", [{ name: "Tea" }, { name: "Cup" }]);
  const price = idAt(sandbox.seed("prices", [{ product: tea, currency: "eur", unit_amount: 5 }]));
  const { products } = sdk(sandbox);
  expect(await products.update(tea, { default_price: price })).toMatchObject({ default_price: price });
  await expect(products.update(cup, { default_price: price })).rejects.toMatchObject({ param: "default_price" });
});

test("a price changes only in what does not touch its amount", async () => {
  const sandbox = await start();
  const product = idAt(sandbox.seed("products", [{ name: "Tea" }]));
  const price = {
    product,
    currency: "eur",
    unit_amount: 500,
    nickname: "box",
    lookup_key: "tea",
    metadata: { a: "1" },
  };
  const id = idAt(sandbox.seed("prices", [price]));
  const updated = await sdk(sandbox).prices.update(id, { active: false, metadata: { b: "2" }, lookup_key: "tea" });
  expect(updated).toMatchObject({ active: false, lookup_key: "tea", metadata: { a: "1", b: "2" }, unit_amount: 500 });
  const cleared = await call(sandbox, "POST", `/v1/prices/${id}`, { form: "nickname=&lookup_key=" });
  expect(await cleared.json()).toMatchObject({ nickname: null, lookup_key: null });
  for (const form of ["unit_amount=1", "currency=usd", `product=${product}`, "recurring[interval]=day"]) {
    const error = await errorOf(call(sandbox, "POST", `/v1/prices/${id}`, { form }));
    expect(error).toMatchObject({ status: 400, code: "parameter_unknown" });
  }
});

test("a lookup key is one price's, even an inactive one's, until it is handed over", async () => {
  const sandbox = await start();
  const product = idAt(sandbox.seed("products", [{ name: "Tea" }]));
  const old = idAt(sandbox.seed("prices", [{ product, currency: "eur", unit_amount: 5, lookup_key: "tea" }]));
  sandbox.edit("prices", old, { active: false });
  const { prices } = sdk(sandbox);
  const next = { product, currency: "eur", unit_amount: 6, lookup_key: "tea" };
  await expect(prices.create(next)).rejects.toMatchObject({
    statusCode: 400,
    param: "lookup_key",
    message: `A price (\`${old}\`) already uses that lookup key.`,
  });
  const holder = await prices.create({ ...next, transfer_lookup_key: true });
  expect(holder.lookup_key).toBe("tea");
  expect(await prices.retrieve(old)).toMatchObject({ lookup_key: null, active: false });
});

test("there is no way to delete a price", async () => {
  const sandbox = await start();
  const product = idAt(sandbox.seed("products", [{ name: "Tea" }]));
  const id = idAt(sandbox.seed("prices", [{ product, currency: "eur", unit_amount: 5 }]));
  await expect(sdk(sandbox).rawRequest("DELETE", `/v1/prices/${id}`)).rejects.toMatchObject({
    type: "StripeInvalidRequestError",
    statusCode: 404,
    message: expect.stringMatching(/^Unrecognized request URL \(DELETE: \/v1\/prices\/price_/),
  });
  expect(sandbox.records("prices")).toHaveLength(1);
});
