// One customer at a time, as Stripe's own SDK sees it.

import { expect, test } from "vitest";
import { call, idAt, sdk, start } from "./stripe-support.js";

test("a customer that is created with nothing has every field, empty", async () => {
  const sandbox = await start();
  const before = Math.floor(Date.now() / 1000);
  const created = await sdk(sandbox).customers.create();
  expect(created).toEqual({
    id: expect.stringMatching(/^cus_[0-9A-Za-z]{14}$/),
    object: "customer",
    address: null,
    balance: 0,
    created: expect.any(Number),
    currency: null,
    customer_account: null,
    default_source: null,
    delinquent: false,
    description: null,
    discount: null,
    email: null,
    invoice_prefix: expect.stringMatching(/^[0-9A-Z]{8}$/),
    invoice_settings: { custom_fields: null, default_payment_method: null, footer: null, rendering_options: null },
    livemode: false,
    metadata: {},
    name: null,
    next_invoice_sequence: 1,
    phone: null,
    preferred_locales: [],
    shipping: null,
    tax_exempt: "none",
    test_clock: null,
  });
  expect(created.created).toBeGreaterThanOrEqual(before);
  expect(created.created).toBeLessThanOrEqual(Date.now() / 1000);
});

test("the same seed gives the same ids, another seed others, and reading changes none", async () => {
  const ids = async (seed: number, reads: number) => {
    const sandbox = await start({ seed });
    for (let read = 0; read < reads; read += 1) await call(sandbox, "GET", "/v1/customers");
    const { customers } = sdk(sandbox);
    return [(await customers.create()).id, (await customers.create()).id];
  };
  const first = await ids(1, 0);
  expect(await ids(1, 3)).toEqual(first);
  expect(await ids(2, 0)).not.toEqual(first);
});

test("what is written comes back, nested objects whole", async () => {
  const sandbox = await start();
  const created = await sdk(sandbox).customers.create({
    email: "a+b@c.co",
    name: "Ada & Söhne",
    phone: "+44 1",
    description: "first = best",
    address: { line1: "1 Main", city: "Berlin" },
    shipping: { name: "Ada", address: { line1: "x y" } },
    preferred_locales: ["en", "de"],
    invoice_settings: { footer: "Thanks" },
    tax_exempt: "reverse",
    metadata: { tier: "gold", "with space": "1" },
  });
  const nowhere = { city: null, country: null, line1: null, line2: null, postal_code: null, state: null };
  expect(created).toMatchObject({
    email: "a+b@c.co",
    name: "Ada & Söhne",
    phone: "+44 1",
    description: "first = best",
    address: { ...nowhere, line1: "1 Main", city: "Berlin" },
    shipping: { name: "Ada", phone: null, address: { ...nowhere, line1: "x y" } },
    preferred_locales: ["en", "de"],
    invoice_settings: { footer: "Thanks", custom_fields: null },
    tax_exempt: "reverse",
    metadata: { tier: "gold", "with space": "1" },
  });
  expect(await sdk(sandbox).customers.retrieve(created.id)).toEqual(created);
});

test("an update changes what it names and nothing else, down to the keys of objects", async () => {
  const sandbox = await start();
  const id = idAt(sandbox.seed("customers", [{ name: "Ada", phone: "1", address: { city: "Berlin", country: "DE" } }]));
  const updated = await sdk(sandbox).customers.update(id, { name: "Eve", address: { city: "Paris" } });
  expect(updated).toMatchObject({ id, name: "Eve", phone: "1", address: { city: "Paris", country: "DE" } });
});

test("metadata is merged: a key with an empty string goes, the others stay, and empty metadata clears all", async () => {
  const sandbox = await start();
  const { customers } = sdk(sandbox);
  const { id } = await customers.create({ metadata: { a: "1", b: "2" } });
  const merged = await customers.update(id, { metadata: { a: "", c: "3" } });
  expect(merged.metadata).toEqual({ b: "2", c: "3" });
  const untouched = await customers.update(id, { name: "Ada" });
  expect(untouched.metadata).toEqual({ b: "2", c: "3" });
  const cleared = await customers.update(id, { metadata: "" });
  expect(cleared.metadata).toEqual({});
});

test("a metadata key that means something to JavaScript is a key like any other", async () => {
  const sandbox = await start();
  const answer = await call(sandbox, "POST", "/v1/customers", { form: "metadata[constructor]=1&metadata[toString]=2" });
  expect(await answer.json()).toMatchObject({ metadata: { constructor: "1", toString: "2" } });
});

test("an empty string clears a field, and null from the SDK is one", async () => {
  const sandbox = await start();
  const full = { name: "Ada", email: "ada@example.com", phone: "1", description: "d", address: { city: "Berlin" } };
  const id = idAt(sandbox.seed("customers", [{ ...full, tax_exempt: "exempt", preferred_locales: ["en"] }]));
  const form = "name=&email=&phone=&description=&address=&tax_exempt=&preferred_locales=";
  const answer = await call(sandbox, "POST", `/v1/customers/${id}`, { form });
  expect(await answer.json()).toMatchObject({
    name: null,
    email: null,
    phone: null,
    description: null,
    address: null,
    tax_exempt: "none",
    preferred_locales: [],
  });
});

test("a balance brings the account's currency with it, and keeps it", async () => {
  const sandbox = await start();
  const { customers } = sdk(sandbox);
  const created = await customers.create({ balance: -250 });
  expect(created).toMatchObject({ balance: -250, currency: "usd" });
  expect(await customers.update(created.id, { balance: 0 })).toMatchObject({ balance: 0, currency: "usd" });
});

test("a deleted customer leaves a stub that can be read and is in no list", async () => {
  const sandbox = await start();
  const [kept, gone] = sandbox.seed("customers", [{ name: "Ada" }, { name: "Eve" }]);
  const { customers } = sdk(sandbox);
  const stub = { id: gone, object: "customer", deleted: true };
  expect(await customers.del(gone ?? "")).toEqual(stub);
  expect(await customers.retrieve(gone ?? "")).toEqual(stub);
  expect((await customers.list()).data.map(({ id }) => id)).toEqual([kept]);
  expect(sandbox.records("customers")).toMatchObject([{ id: kept, name: "Ada" }, stub]);
});

test("a deleted customer can be neither changed nor deleted again", async () => {
  const sandbox = await start();
  const id = idAt(sandbox.seed("customers", [{}]));
  sandbox.delete("customers", id);
  const { customers } = sdk(sandbox);
  const missing = { statusCode: 404, code: "resource_missing", param: "id", message: `No such customer: '${id}'` };
  await expect(customers.update(id, { name: "Ada" })).rejects.toMatchObject(missing);
  await expect(customers.del(id)).rejects.toMatchObject(missing);
});

test("what people do in the dashboard is not in the log, and has to make sense", async () => {
  const sandbox = await start();
  const id = idAt(sandbox.seed("customers", [{ name: "Ada", metadata: { tier: "gold" } }]));
  sandbox.edit("customers", id, { name: null, metadata: { tier: "tin" } });
  expect(sandbox.records("customers")).toMatchObject([{ id, name: null, metadata: { tier: "tin" } }]);
  expect(sandbox.log).toEqual([]);
  expect(() => sandbox.seed("customers", [{ shoe_size: 44 }])).toThrow(/unknown parameter: shoe_size/);
  expect(() => sandbox.edit("customers", "cus_none", {})).toThrow(/No such customer/);
  expect(() => sandbox.delete("prices", "price_none")).toThrow(/Unrecognized request URL/);
});
