// Each fault by bare HTTP: what is answered, and what has happened all the same.

import { Stripe } from "stripe";
import { expect, test, vi } from "vitest";
import { type Fault, faultNames, parseFault } from "../../packages/sandbox/src/stripe/fault.js";
import { call, errorOf, idAt, rejection, sdk, start } from "./stripe-support.js";

const customers = "/v1/customers";
const ada = { form: "name=Ada&phone=1" };

test.each([
  { kind: "rate-limit", error: { status: 429, code: "rate_limit" }, type: Stripe.errors.StripeRateLimitError },
  { kind: "lock-timeout", error: { status: 429, code: "lock_timeout" }, type: Stripe.errors.StripeRateLimitError },
  { kind: "unauthorized", error: { status: 401 }, type: Stripe.errors.StripeAuthenticationError },
  { kind: "forbidden", error: { status: 403 }, type: Stripe.errors.StripePermissionError },
  { kind: "unavailable", error: { status: 503, type: "api_error" }, type: Stripe.errors.StripeAPIError },
] as const)("$kind is answered before anything is applied, once", async ({ kind, error, type }) => {
  const sandbox = await start({ faults: [{ kind, times: 2 }] });
  expect(await errorOf(call(sandbox, "POST", customers, ada))).toMatchObject(error);
  expect(await rejection(sdk(sandbox).customers.create({ name: "Ada" }))).toBeInstanceOf(type);
  expect(sandbox.records("customers")).toEqual([]);
  expect((await call(sandbox, "POST", customers, ada)).status).toBe(200);
});

test("only a rate limit names the limit that was met", async () => {
  const sandbox = await start({ faults: [{ kind: "rate-limit", retryAfterS: 3 }, { kind: "lock-timeout" }] });
  const limited = await call(sandbox, "GET", customers);
  expect(limited.headers.get("stripe-rate-limited-reason")).toBe("global-rate");
  expect(limited.headers.get("retry-after")).toBe("3");
  expect((await call(sandbox, "GET", customers)).headers.get("stripe-rate-limited-reason")).toBeNull();
});

test("error-after-apply answers 500 to a write that has happened", async () => {
  const sandbox = await start({ faults: [{ kind: "error-after-apply" }] });
  expect(await errorOf(call(sandbox, "POST", customers, ada))).toMatchObject({ status: 500, type: "api_error" });
  expect(sandbox.records("customers")).toHaveLength(1);
});

test.each([
  { kind: "hang-up-before", stored: 0 },
  { kind: "hang-up-after", stored: 1 },
] as const)("$kind breaks the connection with $stored customers stored", async ({ kind, stored }) => {
  const sandbox = await start({ faults: [{ kind }] });
  await expect(call(sandbox, "POST", customers, ada)).rejects.toThrow();
  expect(sandbox.records("customers")).toHaveLength(stored);
  expect(sandbox.log).toMatchObject([{ status: 0, answered: false, responseBody: "" }]);
});

test("a connection that is broken twice is the SDK's StripeConnectionError", async () => {
  const sandbox = await start({ faults: [{ kind: "hang-up-before", times: 2 }] });
  const lost = await rejection(sdk(sandbox).customers.create({ name: "Ada" }));
  expect(lost).toBeInstanceOf(Stripe.errors.StripeConnectionError);
});

test.each([
  { kind: "hang-before", stored: 0 },
  { kind: "hang", stored: 1 },
] as const)("$kind never answers, with $stored customers stored", async ({ kind, stored }) => {
  const sandbox = await start({ faults: [{ kind }] });
  const waiting = new AbortController();
  const answer = call(sandbox, "POST", customers, { ...ada, signal: waiting.signal });
  await vi.waitFor(() => expect(sandbox.log).toHaveLength(1), { interval: 1 });
  expect(sandbox.log).toMatchObject([{ status: 0, answered: false }]);
  expect(sandbox.records("customers")).toHaveLength(stored);
  waiting.abort();
  await expect(answer).rejects.toThrow();
});

test("closing the sandbox ends a request that hangs", async () => {
  const sandbox = await start({ faults: [{ kind: "hang" }] });
  const answer = expect(call(sandbox, "GET", customers)).rejects.toThrow();
  await vi.waitFor(() => expect(sandbox.log).toHaveLength(1), { interval: 1 });
  await sandbox.close();
  await answer;
});

test("slow answers as always, later", async () => {
  const sandbox = await start({ faults: [{ kind: "slow", ms: 30 }] });
  const began = performance.now();
  expect((await call(sandbox, "POST", customers, ada)).status).toBe(200);
  expect(performance.now() - began).toBeGreaterThanOrEqual(25);
});

test("bad-json applies and answers half of its JSON", async () => {
  const sandbox = await start({ faults: [{ kind: "bad-json", times: 2 }] });
  const answer = await call(sandbox, "POST", customers, ada);
  expect(answer.status).toBe(200);
  await expect(answer.json()).rejects.toThrow(SyntaxError);
  await expect(sdk(sandbox).customers.create({ name: "Ada" })).rejects.toThrow("Invalid JSON received");
  expect(sandbox.records("customers")).toHaveLength(2);
});

test("ignore-field changes all but the given parameter, and its key still knows the request", async () => {
  const sandbox = await start({ faults: [{ kind: "ignore-field", property: "phone" }] });
  const id = idAt(sandbox.seed("customers", [{ name: "Eve", phone: "0" }]));
  const sent = { ...ada, headers: { "Idempotency-Key": "k1" } };
  for (let n = 0; n < 2; n += 1) {
    const answer = await call(sandbox, "POST", `${customers}/${id}`, sent);
    expect(await answer.json()).toMatchObject({ name: "Ada", phone: "0" });
  }
  expect(sandbox.log).toMatchObject([{ replayed: false }, { replayed: true }]);
});

test("ignore-field waits for a request that writes something, and takes the first if it is told none", async () => {
  const sandbox = await start({ faults: [parseFault("ignore-field")] });
  await call(sandbox, "GET", `${customers}?limit=1`);
  await call(sandbox, "POST", customers, ada);
  expect(sandbox.records("customers")).toMatchObject([{ name: null, phone: "1" }]);
});

test("a fault strikes as often as it is told to, and only the requests it is aimed at", async () => {
  const sandbox = await start();
  sandbox.fault({ kind: "unavailable", times: 2, on: { method: "POST", path: "*/cus*" } });
  const statuses = async () => {
    const list = await call(sandbox, "GET", customers);
    const product = await call(sandbox, "POST", "/v1/products", { form: "name=Tea" });
    const customer = await call(sandbox, "POST", customers, ada);
    return [list.status, product.status, customer.status];
  };
  expect(await statuses()).toEqual([200, 200, 503]);
  expect(await statuses()).toEqual([200, 200, 503]);
  expect(await statuses()).toEqual([200, 200, 200]);
});

test("several faults strike one after the other, until they are cleared", async () => {
  const sandbox = await start({ faults: [{ kind: "unavailable" }, { kind: "forbidden" }, { kind: "unavailable" }] });
  expect((await call(sandbox, "GET", customers)).status).toBe(503);
  expect((await call(sandbox, "GET", customers)).status).toBe(403);
  sandbox.clearFaults();
  expect((await call(sandbox, "GET", customers)).status).toBe(200);
});

test("every name of a fault can be written on the command line, with how often", () => {
  const written: readonly Fault[] = faultNames.map((name) => parseFault(`${name}:3`));
  expect(written.map(({ kind, times }) => `${kind} ${times}`)).toEqual(faultNames.map((name) => `${name} 3`));
  expect(parseFault("slow")).toEqual({ kind: "slow", ms: 2000, times: 1 });
});

test.each(["explode", "drop-row", "slow:0", ""])("%j on the command line is told what there is", (written) => {
  expect(() => parseFault(written)).toThrow(/NAME:TIMES.*lock-timeout/);
});
