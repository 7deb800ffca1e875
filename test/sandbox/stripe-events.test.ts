// The events that tell of every change, whoever made it.

import { expect, test } from "vitest";
import type { StripeSandbox } from "../../packages/sandbox/src/stripe/server.js";
import { call, errorOf, idAt, sdk, start } from "./stripe-support.js";

async function typesOf(sandbox: StripeSandbox, query = ""): Promise<readonly string[]> {
  const answer = await call(sandbox, "GET", `/v1/events?limit=100${query}`);
  const { data } = Object(await answer.json());
  return data.map(({ type }: { readonly type: string }) => type);
}

test("an event shows the object as it was just after the change, and which request made it", async () => {
  const sandbox = await start();
  const stripe = sdk(sandbox);
  const customer = await stripe.customers.create({ name: "Ada" }, { idempotencyKey: "k1" });
  await stripe.customers.update(customer.id, { name: "Eve" });
  const { data } = await stripe.events.list({ type: "customer.created" });
  expect(data).toEqual([
    {
      id: expect.stringMatching(/^evt_[0-9A-Za-z]{24}$/),
      object: "event",
      api_version: "2026-10-28.endive",
      created: customer.created,
      data: { object: customer },
      livemode: false,
      pending_webhooks: 0,
      request: { id: customer.lastResponse.requestId, idempotency_key: "k1" },
      type: "customer.created",
    },
  ]);
  expect(await stripe.events.retrieve(data[0]?.id ?? "")).toEqual(data[0]);
});

test("an update tells what was there before, key by key", async () => {
  const sandbox = await start();
  const row = { name: "Ada", metadata: { a: "1", b: "2" }, address: { city: "Berlin", country: "DE" } };
  const id = idAt(sandbox.seed("customers", [row]));
  sandbox.edit("customers", id, {
    name: "Eve",
    metadata: { a: "", c: "3", constructor: "4" },
    address: { city: "Paris" },
  });
  const { data } = await sdk(sandbox).events.list({ type: "customer.updated" });
  expect(data).toMatchObject([{ request: { id: null, idempotency_key: null } }]);
  expect(data[0]?.data.previous_attributes).toEqual({
    name: "Ada",
    metadata: { a: "1", c: null, constructor: null },
    address: { city: "Berlin" },
  });
});

test("an update that changes nothing is no event, and leaves a product's time as it was", async () => {
  const sandbox = await start();
  const customer = idAt(sandbox.seed("customers", [{ name: "Ada" }]));
  const product = idAt(sandbox.seed("products", [{ name: "Tea" }]));
  const before = sandbox.records("products");
  await sdk(sandbox).customers.update(customer, { name: "Ada" });
  await sdk(sandbox).products.update(product, { name: "Tea" });
  expect(sandbox.records("products")).toEqual(before);
  expect(await typesOf(sandbox)).toEqual(["product.created", "customer.created"]);
});

test("a deletion shows the whole object as it last was, a product inactive", async () => {
  const sandbox = await start();
  const customer = idAt(sandbox.seed("customers", [{ name: "Ada", metadata: { k: "v" } }]));
  const product = idAt(sandbox.seed("products", [{ name: "Tea" }]));
  const stripe = sdk(sandbox);
  await stripe.customers.del(customer);
  await stripe.products.del(product);
  const { data } = await stripe.events.list({ types: ["customer.deleted", "product.deleted"] });
  expect(data.map((event) => event.data.object)).toMatchObject([
    { id: product, name: "Tea", active: false },
    { id: customer, name: "Ada", metadata: { k: "v" } },
  ]);
  expect(data[1]?.data.object).not.toHaveProperty("deleted");
});

test("every change is an event, those that a request makes by the way among them, newest first", async () => {
  const sandbox = await start();
  const stripe = sdk(sandbox);
  const product = await stripe.products.create({
    name: "Tea",
    default_price_data: { currency: "eur", unit_amount: 5 },
  });
  const first = String(product.default_price);
  await stripe.prices.update(first, { lookup_key: "tea" });
  await stripe.prices.create({
    product_data: { name: "Cup" },
    currency: "eur",
    unit_amount: 6,
    lookup_key: "tea",
    transfer_lookup_key: true,
  });
  expect(await typesOf(sandbox)).toEqual([
    "price.created",
    "price.updated",
    "product.created",
    "price.updated",
    "price.created",
    "product.created",
  ]);
});

test("a refused request is no event", async () => {
  const sandbox = await start();
  await call(sandbox, "POST", "/v1/customers", { form: "email=nonsense" });
  expect(await typesOf(sandbox)).toEqual([]);
});

test("events are found by a type, by all types that begin alike, and by several", async () => {
  const sandbox = await start();
  const customer = idAt(sandbox.seed("customers", [{ name: "Ada" }]));
  sandbox.seed("products", [{ name: "Tea" }]);
  sandbox.delete("customers", customer);
  expect(await typesOf(sandbox, "&type=customer.created")).toEqual(["customer.created"]);
  expect(await typesOf(sandbox, "&type=customer.*")).toEqual(["customer.deleted", "customer.created"]);
  expect(await typesOf(sandbox, "&types[]=customer.deleted&types[]=product.created")).toEqual([
    "customer.deleted",
    "product.created",
  ]);
  expect(await typesOf(sandbox, "&type=invoice.paid")).toEqual([]);
});

test("what happened since an event is the pages before it, oldest page first", async () => {
  const sandbox = await start();
  sandbox.seed("customers", [{ name: "0" }]);
  const stripe = sdk(sandbox);
  const seen = (await stripe.events.list({ limit: 1 })).data[0]?.id ?? "";
  sandbox.seed("customers", [{ name: "1" }, { name: "2" }, { name: "3" }]);
  const names: unknown[] = [];
  for await (const event of stripe.events.list({ type: "customer.*", limit: 2, ending_before: seen })) {
    names.push(Object(event.data.object).name);
  }
  expect(names).toEqual(["1", "2", "3"]);
});

test.each([
  ["/v1/events/evt_none", { status: 404, code: "resource_missing", param: "id", message: "No such event: 'evt_none'" }],
  ["/v1/events?ending_before=evt_none", { status: 400, code: "resource_missing", param: "ending_before" }],
  ["/v1/events?type=customer.created&types[]=customer.deleted", { status: 400, param: "type" }],
  [`/v1/events?${"types[]=customer.created&".repeat(21)}`, { status: 400, param: "types" }],
  ["/v1/events?object=customer", { status: 400, code: "parameter_unknown", param: "object" }],
])("%s is refused", async (path, error) => {
  const sandbox = await start();
  expect(await errorOf(call(sandbox, "GET", path))).toMatchObject(error);
});

test("no request creates or deletes an event", async () => {
  const sandbox = await start();
  expect((await call(sandbox, "POST", "/v1/events", { form: "type=customer.created" })).status).toBe(404);
  expect((await call(sandbox, "DELETE", "/v1/events/evt_none")).status).toBe(404);
});
