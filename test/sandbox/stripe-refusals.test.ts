// What is refused: each error in Stripe's shape, and as the class that Stripe's SDK makes of it.

import { Stripe } from "stripe";
import { expect, test } from "vitest";
import { call, errorOf, idAt, rejection, sdk, start } from "./stripe-support.js";

const long = (length: number) => "x".repeat(length);
const tooManyKeys = Array.from({ length: 51 }, (_, at) => `metadata[k${at}]=v`).join("&");

test("a refusal has Stripe's whole shape", async () => {
  const sandbox = await start();
  const answer = await call(sandbox, "POST", "/v1/customers", { form: "shoe_size=44" });
  expect(answer.status).toBe(400);
  expect(await answer.json()).toEqual({
    error: {
      type: "invalid_request_error",
      code: "parameter_unknown",
      param: "shoe_size",
      message: "Received unknown parameter: shoe_size",
      doc_url: "https://stripe.com/docs/error-codes/parameter-unknown",
      request_log_url: expect.stringContaining(`/logs/${answer.headers.get("request-id")}`),
    },
  });
});

test("the SDK makes a StripeInvalidRequestError of it, with all that is in it", async () => {
  const sandbox = await start();
  const refused = await rejection(sdk(sandbox).customers.create({ email: "nonsense" }));
  expect(refused).toBeInstanceOf(Stripe.errors.StripeInvalidRequestError);
  expect(refused).toMatchObject({
    type: "StripeInvalidRequestError",
    rawType: "invalid_request_error",
    statusCode: 400,
    code: "email_invalid",
    param: "email",
    message: "Invalid email address: nonsense",
    doc_url: "https://stripe.com/docs/error-codes/email-invalid",
    requestId: expect.stringMatching(/^req_[0-9A-Za-z]{14}$/),
  });
});

test.each([
  { path: "customers", form: "a=1&b=2", code: "parameter_unknown", param: "a", message: /parameters: a, b$/ },
  { path: "customers", form: "address[planet]=mars", code: "parameter_unknown", param: "address[planet]" },
  { path: "customers", form: "created=1", code: "parameter_unknown", param: "created" },
  { path: "customers", form: "__proto__=1", code: "parameter_unknown", param: "__proto__" },
  { path: "customers", form: "email=a@b", code: "email_invalid", param: "email" },
  { path: "customers", form: "balance=", code: "parameter_invalid_empty", param: "balance" },
  { path: "customers", form: "balance=12.5", code: "parameter_invalid_integer", param: "balance" },
  { path: "customers", form: "balance=100000000", code: "amount_too_large", param: "balance" },
  { path: "customers", form: "balance=-100000000", code: "amount_too_small", param: "balance" },
  { path: "customers", form: "next_invoice_sequence=0", code: "parameter_invalid_integer" },
  { path: "customers", form: "invoice_prefix=abc", message: /1–12 uppercase letters or numbers/ },
  {
    path: "customers",
    form: `name=${long(257)}`,
    param: "name",
    message: /^Invalid string: xxx\.{3}xxx; must be at most 256/,
  },
  { path: "customers", form: "name[first]=Ada", param: "name", message: /^Invalid string: \{/ },
  { path: "customers", form: "address=here", param: "address", message: /^Invalid object$/ },
  { path: "customers", form: "metadata=here", param: "metadata", message: /^Invalid object$/ },
  { path: "customers", form: "metadata[a][b]=1", param: "metadata[a]", message: /^Invalid string/ },
  { path: "customers", form: `metadata[${long(41)}]=1`, param: "metadata", message: /up to 40 characters/ },
  { path: "customers", form: `metadata[a]=${long(501)}`, param: "metadata", message: /up to 500 characters/ },
  { path: "customers", form: tooManyKeys, param: "metadata", message: /you've set 51/ },
  { path: "customers", form: "preferred_locales=en", param: "preferred_locales", message: /^Invalid array$/ },
  {
    path: "customers",
    form: "tax_exempt=maybe",
    param: "tax_exempt",
    message: /must be one of none, exempt, or reverse$/,
  },
  { path: "customers", form: "expand[]=tax", message: /cannot be expanded \(tax\)/ },
  {
    path: "products",
    form: "active=true",
    code: "parameter_missing",
    param: "name",
    message: /^Missing required param: name\.$/,
  },
  {
    path: "products",
    form: "name=",
    code: "parameter_invalid_empty",
    param: "name",
    message: /however 'name' cannot be unset/,
  },
  { path: "products", form: "name=Tea&description=", code: "parameter_invalid_empty", param: "description" },
  { path: "products", form: "name=Tea&active=yes", param: "active", message: /^Invalid boolean: yes$/ },
  {
    path: "products",
    form: "name=Tea&package_dimensions[height]=1",
    code: "parameter_missing",
    param: "package_dimensions[length]",
  },
  { path: "products", form: `name=Tea${"&images[]=x".repeat(9)}`, param: "images", message: /maximum 8/ },
  { path: "products", form: "name=Tea&type=idea", param: "type", message: /must be one of good or service$/ },
  { path: "prices", form: "product_data[name]=Tea", code: "parameter_missing", param: "currency" },
  {
    path: "prices",
    form: "currency=xyz",
    param: "currency",
    message: /^Invalid currency: xyz\. Stripe currently supports these/,
  },
  { path: "prices", form: "currency=usd&unit_amount=5", message: /either `product` or `product_data`/ },
  { path: "prices", form: "currency=usd&product=prod_none&unit_amount=5", code: "resource_missing", param: "product" },
  {
    path: "prices",
    form: "currency=usd&product=a&product_data[name]=b",
    param: "product",
    message: /only specify one/,
  },
  { path: "prices", form: "currency=usd&product_data[name]=b", message: /require an `unit_amount` or/ },
  {
    path: "prices",
    form: "currency=usd&product_data[name]=b&unit_amount=1&unit_amount_decimal=1",
    param: "unit_amount",
  },
  { path: "prices", form: "currency=usd&unit_amount=a+lot", code: "parameter_invalid_integer", param: "unit_amount" },
  {
    path: "prices",
    form: "currency=usd&unit_amount=-1",
    code: "parameter_invalid_integer",
    message: /^Invalid non-negative integer$/,
  },
  { path: "prices", form: "currency=usd&unit_amount=100000000", code: "amount_too_large", param: "unit_amount" },
  {
    path: "prices",
    form: "currency=usd&unit_amount_decimal=1e3",
    param: "unit_amount_decimal",
    message: /^Invalid decimal: 1e3$/,
  },
  { path: "prices", form: "currency=usd&unit_amount_decimal=100000000", code: "amount_too_large" },
  {
    path: "prices",
    form: "currency=usd&recurring[interval_count]=2",
    code: "parameter_missing",
    param: "recurring[interval]",
  },
  { path: "prices", form: "currency=usd&recurring[interval]=eon", param: "recurring[interval]" },
  {
    path: "prices",
    form: "currency=usd&product_data[name]=b&unit_amount=1&recurring[interval]=day&recurring[usage_type]=metered",
    message: /backed by meters/,
  },
  { path: "prices", form: "currency=usd&billing_scheme=tiered", param: "billing_scheme", message: /must be per_unit$/ },
])("creating $path with $form is refused", async ({ path, form, code, param, message }) => {
  const sandbox = await start();
  const error = await errorOf(call(sandbox, "POST", `/v1/${path}`, { form }));
  expect(error).toMatchObject({ status: 400, type: "invalid_request_error", message: expect.any(String) });
  expect(Object(error).code).toBe(code);
  expect(error).toMatchObject({
    ...(param === undefined ? {} : { param }),
    ...(message === undefined ? {} : { message: expect.stringMatching(message) }),
  });
  expect([...sandbox.records("customers"), ...sandbox.records("products"), ...sandbox.records("prices")]).toEqual([]);
});

test.each([
  { path: "customers", object: "customer", param: "id" },
  { path: "products", object: "product", param: "id" },
  { path: "prices", object: "price", param: "price" },
])("no object of $path with an id is a 404 that names the path's $param", async ({ path, object, param }) => {
  const sandbox = await start();
  const missing = { status: 404, code: "resource_missing", param, message: `No such ${object}: 'no such'` };
  expect(await errorOf(call(sandbox, "GET", `/v1/${path}/no%20such`))).toMatchObject(missing);
  const update = call(sandbox, "POST", `/v1/${path}/no%20such`, { form: "metadata[a]=1" });
  expect(await errorOf(update)).toMatchObject(missing);
});

test.each(["customers", "products"] as const)("an id of %s that is taken is refused", async (resource) => {
  const sandbox = await start();
  sandbox.seed(resource, [{ id: "mine", ...(resource === "products" ? { name: "Tea" } : {}) }]);
  const error = await errorOf(call(sandbox, "POST", `/v1/${resource}`, { form: "id=mine&name=Cup" }));
  expect(error).toMatchObject({ status: 400, code: "resource_already_exists" });
  expect(sandbox.records(resource)).toHaveLength(1);
});

test("a product that a price would bring with it is refused like any other", async () => {
  const sandbox = await start();
  sandbox.seed("products", [{ id: "tea", name: "Tea" }]);
  const form = "currency=usd&unit_amount=5&product_data[id]=tea&product_data[name]=Tea";
  expect(await errorOf(call(sandbox, "POST", "/v1/prices", { form }))).toMatchObject({
    code: "resource_already_exists",
  });
});

test("an invoice prefix is one customer's, even after it was deleted", async () => {
  const sandbox = await start();
  const id = idAt(sandbox.seed("customers", [{ invoice_prefix: "TAKEN1" }]));
  sandbox.edit("customers", id, { invoice_prefix: "TAKEN1" });
  sandbox.delete("customers", id);
  const error = await errorOf(call(sandbox, "POST", "/v1/customers", { form: "invoice_prefix=TAKEN1" }));
  expect(error).toMatchObject({ status: 400, param: "invoice_prefix", message: expect.stringContaining(id) });
});

test("metadata that grows beyond 50 keys is refused, and nothing of the update is kept", async () => {
  const sandbox = await start();
  const full = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`k${at}`, "v"]));
  const id = idAt(sandbox.seed("customers", [{ metadata: full }]));
  const update = sdk(sandbox).customers.update(id, { name: "Ada", metadata: { more: "v" } });
  await expect(update).rejects.toMatchObject({ statusCode: 400, param: "metadata" });
  expect(sandbox.records("customers")).toMatchObject([{ name: null, metadata: full }]);
  await sdk(sandbox).customers.update(id, { metadata: { k0: "", more: "v" } });
});

test("reading and deleting take no parameters of their own", async () => {
  const sandbox = await start();
  const id = idAt(sandbox.seed("customers", [{}]));
  for (const method of ["GET", "DELETE"]) {
    const error = await errorOf(call(sandbox, method, `/v1/customers/${id}?name=Ada`));
    expect(error).toMatchObject({ status: 400, code: "parameter_unknown", param: "name" });
  }
});
