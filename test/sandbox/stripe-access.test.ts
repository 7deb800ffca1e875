// Who is let in and how often, which paths there are, how bodies are read, and what the log keeps.

import { Stripe } from "stripe";
import { expect, test } from "vitest";
import { startSandbox } from "../../packages/sandbox/src/index.js";
import { readForm } from "../../packages/sandbox/src/stripe/form.js";
import { call, errorOf, rejection, sdk, start, token } from "./stripe-support.js";

const customers = "/v1/customers";

test("another key is refused as a StripeAuthenticationError that does not repeat it", async () => {
  const sandbox = await start();
  const refused = await rejection(sdk(sandbox, "sk_test_wrong0123456789").customers.list());
  expect(refused).toBeInstanceOf(Stripe.errors.StripeAuthenticationError);
  expect(refused).toMatchObject({
    statusCode: 401,
    rawType: "invalid_request_error",
    message: "Invalid API Key provided: sk_test_***********6789",
  });
});

test("no key at all is told how to send one", async () => {
  const sandbox = await start();
  const answer = await fetch(`${sandbox.url}${customers}`);
  expect(answer.headers.get("www-authenticate")).toBe('Basic realm="Stripe"');
  expect(await errorOf(answer)).toMatchObject({
    status: 401,
    message: expect.stringMatching(/^You did not provide an API key/),
  });
});

test("a key is also let in as the user of Basic", async () => {
  const sandbox = await start();
  const basic = (user: string) => ({ headers: { Authorization: `Basic ${btoa(`${user}:`)}` } });
  expect((await call(sandbox, "GET", customers, basic(token))).status).toBe(200);
  expect((await call(sandbox, "GET", customers, basic("sk_test_other"))).status).toBe(401);
});

test("the sandbox of the command line takes any key, and its faults by name", async () => {
  const sandbox = await startSandbox("stripe", { port: 0, seed: 1, faults: ["unavailable:1"] });
  expect((await call(sandbox, "GET", customers)).status).toBe(503);
  const headers = { Authorization: "Bearer whatever" };
  expect((await call(sandbox, "GET", customers, { headers })).status).toBe(200);
  await sandbox.close();
});

test("the SDK sees the rate limit as a StripeRateLimitError, and nothing is applied", async () => {
  const sandbox = await start({ rate: { calls: 2, perMs: 600_000 } });
  const stripe = sdk(sandbox);
  await stripe.customers.list();
  await stripe.customers.list();
  const refused = await rejection(stripe.customers.create({ name: "Ada" }));
  expect(refused).toBeInstanceOf(Stripe.errors.StripeRateLimitError);
  expect(refused).toMatchObject({
    statusCode: 429,
    code: "rate_limit",
    headers: { "stripe-rate-limited-reason": "global-rate" },
  });
  expect(sandbox.records("customers")).toEqual([]);
});

test("every answer has an id of its own and the version that was asked for, or the account's", async () => {
  const sandbox = await start();
  const first = await call(sandbox, "GET", customers, { headers: { "Stripe-Version": "2020-08-27" } });
  const second = await call(sandbox, "GET", "/nothing");
  expect(first.headers.get("request-id")).toMatch(/^req_[0-9A-Za-z]{14}$/);
  expect(second.headers.get("request-id")).not.toBe(first.headers.get("request-id"));
  expect(first.headers.get("stripe-version")).toBe("2020-08-27");
  expect(second.headers.get("stripe-version")).toBe("2026-10-28.endive");
  expect((await call(sandbox, "GET", customers, { headers: { "Stripe-Version": "newest" } })).status).toBe(400);
  const page = await sdk(sandbox).customers.list();
  expect(page.lastResponse).toMatchObject({ apiVersion: "2026-10-28.endive", requestId: expect.any(String) });
});

test.each([
  ["GET", "/"],
  ["GET", "/v1/invoices"],
  ["GET", "/v2/customers"],
  ["GET", "/v1/customers/search"],
  ["GET", "/v1/customers/cus_1/sources"],
  ["DELETE", "/v1/customers"],
  ["PATCH", "/v1/customers/cus_1"],
  ["PUT", "/v1/customers/cus_1"],
])("%s %s is no URL that Stripe knows", async (method, path) => {
  const sandbox = await start();
  expect(await errorOf(call(sandbox, method, path))).toMatchObject({
    status: 404,
    type: "invalid_request_error",
    message: `Unrecognized request URL (${method}: ${path}). Please see https://stripe.com/docs or we can help at https://support.stripe.com/.`,
  });
});

test("a body of JSON is refused, and nothing is written", async () => {
  const sandbox = await start();
  const headers = { "Content-Type": "application/json" };
  const answer = call(sandbox, "POST", customers, { form: '{"name":"Ada"}', headers });
  expect(await errorOf(answer)).toMatchObject({ status: 400, message: expect.stringContaining("content type") });
  expect(sandbox.records("customers")).toEqual([]);
});

test("parameters of a write may stand in the query, and the body wins", async () => {
  const sandbox = await start();
  await call(sandbox, "POST", `${customers}?name=Eve&phone=1`, { form: "name=Ada" });
  expect(sandbox.records("customers")).toMatchObject([{ name: "Ada", phone: "1" }]);
});

test.each([
  ["a=1&b=x%20y&c=x+y", { a: "1", b: "x y", c: "x y" }],
  ["a[b][c]=1&a[b][d]=2&a[e]=3", { a: { b: { c: "1", d: "2" }, e: "3" } }],
  ["a[]=1&a[]=2", { a: { 0: "1", 1: "2" } }],
  ["a[0][n]=1&a[1][n]=2", { a: { 0: { n: "1" }, 1: { n: "2" } } }],
  ["a=", { a: "" }],
  ["a", { a: "" }],
  ["a=1&a=2", { a: "2" }],
  ["a=1&a[b]=2", { a: { b: "2" } }],
  ["a[b=1&a]b[=2&[]=3", { "a[b": "1", "a]b[": "2", "[]": "3" }],
  ["metadata[a.b%20c]=%C3%A4%26%3D", { metadata: { "a.b c": "ä&=" } }],
  ["", {}],
])("the form %s is read as a tree", (form, tree) => {
  expect(plain(readForm(form))).toEqual(tree);
});

test("the log tells what was called, for how many objects and with what answer, and never the key", async () => {
  const sandbox = await start();
  const headers = { "Idempotency-Key": "k1" };
  const created = await call(sandbox, "POST", customers, { form: "email=ada@example.com", headers });
  const { id } = Object(await created.json());
  await call(sandbox, "GET", `${customers}?limit=2`);
  await call(sandbox, "GET", `${customers}/${id}`);
  await call(sandbox, "GET", "/v1/events/evt_none");
  await call(sandbox, "GET", customers, { headers: { Authorization: "Bearer sk_test_wrong0123456789" } });
  expect(sandbox.log).toMatchObject([
    { n: 1, method: "POST", path: customers, query: "", status: 200, rows: 1, idempotencyKey: "k1", answered: true },
    { n: 2, method: "GET", path: customers, query: "limit=2", status: 200, rows: 0, idempotencyKey: undefined },
    { n: 3, path: `${customers}/${id}`, status: 200, rows: 1 },
    { n: 4, path: "/v1/events/evt_none", status: 404, rows: 0 },
    { n: 5, status: 401 },
  ]);
  expect(sandbox.log[0]?.requestBody).toBe("email=ada@example.com");
  expect(sandbox.log[0]?.responseBody).toContain(id);
  expect(sandbox.log[0]?.requestId).toBe(created.headers.get("request-id"));
  expect(JSON.stringify(sandbox.log)).not.toMatch(new RegExp(`${token}|sk_test_wrong0123456789`));
  sandbox.clearLog();
  expect(sandbox.log).toEqual([]);
});

function plain(tree: ReturnType<typeof readForm>): object {
  return Object.fromEntries([...tree].map(([name, below]) => [name, typeof below === "string" ? below : plain(below)]));
}
