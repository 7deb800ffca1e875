// Idempotency keys: what is kept, what is given again, and what is refused.

import { Stripe } from "stripe";
import { expect, test, vi } from "vitest";
import type { Answer } from "../../packages/sandbox/src/stripe/answer.js";
import { branchOf } from "../../packages/sandbox/src/stripe/form.js";
import { IdempotencyKeys } from "../../packages/sandbox/src/stripe/idempotency.js";
import type { ApiRequest } from "../../packages/sandbox/src/stripe/request.js";
import { call, errorOf, idAt, rejection, sdk, start } from "./stripe-support.js";

const k1 = { "Idempotency-Key": "k1" };
const ada = "name=Ada&metadata[a]=1";

test("the same key and parameters get the first answer again, marked, and nothing happens twice", async () => {
  const sandbox = await start();
  const first = await call(sandbox, "POST", "/v1/customers", { form: ada, headers: k1 });
  const again = await call(sandbox, "POST", "/v1/customers", { form: "metadata[a]=1&name=Ada", headers: k1 });
  expect(first.headers.get("idempotent-replayed")).toBeNull();
  expect(first.headers.get("original-request")).toBe(first.headers.get("request-id"));
  expect(again.headers.get("idempotent-replayed")).toBe("true");
  expect(again.headers.get("original-request")).toBe(first.headers.get("request-id"));
  expect(again.headers.get("request-id")).not.toBe(first.headers.get("request-id"));
  expect(again.headers.get("idempotency-key")).toBe("k1");
  expect(await again.json()).toEqual(await first.json());
  expect(sandbox.records("customers")).toHaveLength(1);
  expect(sandbox.log).toMatchObject([
    { idempotencyKey: "k1", replayed: false },
    { idempotencyKey: "k1", replayed: true },
  ]);
});

test("what is given again is what was answered then, whatever has happened since", async () => {
  const sandbox = await start();
  const { customers } = sdk(sandbox);
  const { id } = await customers.create({ name: "Ada" }, { idempotencyKey: "k1" });
  await customers.update(id, { name: "Eve" });
  expect(await customers.create({ name: "Ada" }, { idempotencyKey: "k1" })).toMatchObject({ id, name: "Ada" });
});

test("without a key of its own every write happens", async () => {
  const sandbox = await start();
  for (let n = 0; n < 2; n += 1) await call(sandbox, "POST", "/v1/customers", { form: ada });
  expect(sandbox.records("customers")).toHaveLength(2);
});

test("the same key with other parameters is the SDK's StripeIdempotencyError", async () => {
  const sandbox = await start();
  const { customers } = sdk(sandbox);
  await customers.create({ name: "Ada" }, { idempotencyKey: "k1" });
  const refused = await rejection(customers.create({ name: "Eve" }, { idempotencyKey: "k1" }));
  expect(refused).toBeInstanceOf(Stripe.errors.StripeIdempotencyError);
  expect(refused).toMatchObject({
    statusCode: 400,
    rawType: "idempotency_error",
    message: expect.stringContaining("can only be used with the same parameters they were first used with"),
  });
  expect(sandbox.records("customers")).toHaveLength(1);
});

test("the same key on another endpoint is refused, and says which", async () => {
  const sandbox = await start();
  await call(sandbox, "POST", "/v1/customers", { form: "name=Ada", headers: k1 });
  const error = await errorOf(call(sandbox, "POST", "/v1/products", { form: "name=Ada", headers: k1 }));
  expect(error).toMatchObject({
    status: 400,
    type: "idempotency_error",
    message: expect.stringContaining("('/v1/products' vs '/v1/customers')"),
  });
  expect(sandbox.records("products")).toEqual([]);
});

test("a refusal of the parameters is not kept: the key can be used for better ones", async () => {
  const sandbox = await start();
  const bad = await call(sandbox, "POST", "/v1/customers", { form: "email=nonsense", headers: k1 });
  expect(bad.status).toBe(400);
  const good = await call(sandbox, "POST", "/v1/customers", { form: "email=ada@example.com", headers: k1 });
  expect(good.status).toBe(200);
});

test("a refusal because of what is stored is kept, even when it would not be refused any more", async () => {
  const sandbox = await start();
  const id = idAt(sandbox.seed("products", [{ id: "tea", name: "Tea" }]));
  const twice = { form: "id=tea&name=Tea", headers: k1 };
  expect((await call(sandbox, "POST", "/v1/products", twice)).status).toBe(400);
  sandbox.delete("products", id);
  const again = await call(sandbox, "POST", "/v1/products", twice);
  expect(again.headers.get("idempotent-replayed")).toBe("true");
  expect(await errorOf(again)).toMatchObject({ status: 400, code: "resource_already_exists" });
});

test("a 500 is kept with its key, and so is the change that was made", async () => {
  const sandbox = await start({ faults: [{ kind: "error-after-apply" }] });
  const { customers } = sdk(sandbox);
  for (let n = 0; n < 2; n += 1) {
    const failed = await rejection(customers.create({ name: "Ada" }, { idempotencyKey: "k1" }));
    expect(failed).toBeInstanceOf(Stripe.errors.StripeAPIError);
    expect(failed).toMatchObject({ statusCode: 500 });
  }
  expect(sandbox.log).toMatchObject([{ replayed: false }, { replayed: true }]);
  expect(sandbox.records("customers")).toHaveLength(1);
});

test.each(["hang-up-after", "hang"] as const)("after %s the key tells what became of the request", async (kind) => {
  const sandbox = await start({ faults: [{ kind }] });
  const waiting = new AbortController();
  const lost = call(sandbox, "POST", "/v1/customers", { form: ada, headers: k1, signal: waiting.signal });
  const ended = expect(lost).rejects.toThrow();
  await vi.waitFor(() => expect(sandbox.log).toHaveLength(1), { interval: 1 });
  waiting.abort();
  await ended;
  const answer = await call(sandbox, "POST", "/v1/customers", { form: ada, headers: k1 });
  expect(answer.headers.get("idempotent-replayed")).toBe("true");
  expect(await answer.json()).toMatchObject({ name: "Ada" });
  expect(sandbox.records("customers")).toHaveLength(1);
});

test("the SDK tries again by itself after a hang-up, and its key makes one customer of it", async () => {
  const sandbox = await start({ faults: [{ kind: "hang-up-after" }] });
  const created = await sdk(sandbox).customers.create({ name: "Ada" });
  expect(sandbox.records("customers")).toMatchObject([{ id: created.id }]);
  expect(sandbox.log).toMatchObject([{ answered: false }, { answered: true, replayed: true }]);
});

test("a key is in use until its request is answered", async () => {
  const sandbox = await start({ faults: [{ kind: "slow", ms: 600_000 }] });
  const waiting = new AbortController();
  const slow = call(sandbox, "POST", "/v1/customers", { form: ada, headers: k1, signal: waiting.signal });
  const ended = expect(slow).rejects.toThrow();
  await vi.waitFor(() => expect(sandbox.log).toHaveLength(1), { interval: 1 });
  const second = call(sandbox, "POST", "/v1/customers", { form: ada, headers: k1 });
  expect(await errorOf(second)).toMatchObject({
    status: 409,
    type: "invalid_request_error",
    code: "idempotency_key_in_use",
  });
  const other = await call(sandbox, "POST", "/v1/customers", { form: ada, headers: { "Idempotency-Key": "k2" } });
  expect(other.status).toBe(200);
  waiting.abort();
  await ended;
  await vi.waitFor(
    async () => {
      const answer = await call(sandbox, "POST", "/v1/customers", { form: ada, headers: k1 });
      expect(answer.headers.get("idempotent-replayed")).toBe("true");
    },
    { interval: 1 },
  );
});

test("reading and deleting know no keys", async () => {
  const sandbox = await start();
  const [a = "", b = ""] = sandbox.seed("customers", [{}, {}]);
  for (const id of [a, b]) {
    const answer = await call(sandbox, "DELETE", `/v1/customers/${id}`, { headers: k1 });
    expect(await answer.json()).toMatchObject({ id, deleted: true });
    expect(answer.headers.get("idempotency-key")).toBeNull();
  }
});

test("a key of more than 255 characters is refused", async () => {
  const sandbox = await start();
  const headers = { "Idempotency-Key": "k".repeat(256) };
  expect((await call(sandbox, "POST", "/v1/customers", { form: ada, headers })).status).toBe(400);
});

test("a key is forgotten after a day", () => {
  const keys = new IdempotencyKeys();
  const answerAt = (atMs: number, name: string): Answer => {
    return keys.answer(request(atMs), () => ({ status: 200, body: { name }, kept: true }));
  };
  const day = 24 * 60 * 60 * 1000;
  expect(answerAt(0, "first").body).toEqual({ name: "first" });
  expect(answerAt(day - 1, "second").body).toEqual({ name: "first" });
  expect(answerAt(day, "third").body).toEqual({ name: "third" });
});

function request(atMs: number): ApiRequest {
  return {
    id: "req_1",
    method: "POST",
    path: "/v1/customers",
    query: "",
    params: branchOf({ name: "Ada" }),
    otherEncoding: false,
    authorization: undefined,
    idempotencyKey: "k1",
    version: undefined,
    atMs,
  };
}
