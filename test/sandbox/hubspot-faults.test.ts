// Each fault by bare HTTP: what is answered, and what has happened all the same.

import { expect, test, vi } from "vitest";
import { type Fault, faultNames, parseFault } from "../../packages/sandbox/src/hubspot/fault.js";
import { call, idAt, people, sdk, start } from "./hubspot-support.js";

const contacts = "/crm/v3/objects/contacts";
const ada = { properties: { email: "ada@example.com", city: "London" } };

test.each([
  { kind: "rate-limit", status: 429, body: { policyName: "TEN_SECONDLY_ROLLING" } },
  { kind: "daily-limit", status: 429, body: { policyName: "DAILY" } },
  { kind: "unauthorized", status: 401, body: { category: "INVALID_AUTHENTICATION" } },
  { kind: "forbidden", status: 403, body: { category: "MISSING_SCOPES" } },
  { kind: "unavailable", status: 503, body: { status: "error" } },
] as const)("$kind answers $status before anything is applied, once", async ({ kind, status, body }) => {
  const sandbox = await start({ faults: [{ kind }] });
  const struck = await call(sandbox, "POST", contacts, ada);
  expect(struck.status).toBe(status);
  expect(await struck.json()).toMatchObject(body);
  expect(sandbox.records("contacts")).toEqual([]);
  expect((await call(sandbox, "POST", contacts, ada)).status).toBe(201);
});

test("the headers of a limit that a fault has used up say so", async () => {
  const sandbox = await start({ faults: [{ kind: "rate-limit", retryAfterS: 3 }, { kind: "daily-limit" }] });
  const rolling = await call(sandbox, "GET", contacts);
  expect(rolling.headers.get("retry-after")).toBe("3");
  expect(rolling.headers.get("x-hubspot-ratelimit-remaining")).toBe("0");
  const daily = await call(sandbox, "GET", contacts);
  expect(daily.headers.get("x-hubspot-ratelimit-daily-remaining")).toBe("0");
});

test("error-after-apply answers 500 to a write that has happened, so that trying again is a conflict", async () => {
  const sandbox = await start({ faults: [{ kind: "error-after-apply" }] });
  expect((await call(sandbox, "POST", contacts, ada)).status).toBe(500);
  expect(sandbox.records("contacts")).toHaveLength(1);
  expect((await call(sandbox, "POST", contacts, ada)).status).toBe(409);
});

test.each([
  { kind: "hang-up-before", stored: 0 },
  { kind: "hang-up-after", stored: 1 },
] as const)("$kind breaks the connection with $stored record stored", async ({ kind, stored }) => {
  const sandbox = await start({ faults: [{ kind }] });
  await expect(call(sandbox, "POST", contacts, ada)).rejects.toThrow();
  expect(sandbox.records("contacts")).toHaveLength(stored);
  expect(sandbox.log).toMatchObject([{ status: 0, answered: false, responseBody: "" }]);
});

test.each([
  { kind: "hang-before", stored: 0 },
  { kind: "hang", stored: 1 },
] as const)("$kind never answers, with $stored record stored", async ({ kind, stored }) => {
  const sandbox = await start({ faults: [{ kind }] });
  const waiting = new AbortController();
  const answer = call(sandbox, "POST", contacts, ada, waiting.signal);
  await vi.waitFor(() => expect(sandbox.log).toHaveLength(1), { interval: 1 });
  expect(sandbox.log).toMatchObject([{ status: 0, answered: false }]);
  expect(sandbox.records("contacts")).toHaveLength(stored);
  waiting.abort();
  await expect(answer).rejects.toThrow();
});

test("closing the sandbox ends a request that hangs", async () => {
  const sandbox = await start({ faults: [{ kind: "hang" }] });
  const answer = expect(call(sandbox, "GET", contacts)).rejects.toThrow();
  await vi.waitFor(() => expect(sandbox.log).toHaveLength(1), { interval: 1 });
  await sandbox.close();
  await answer;
});

test("slow answers as always, later", async () => {
  const sandbox = await start({ faults: [{ kind: "slow", ms: 30 }] });
  const began = performance.now();
  expect((await call(sandbox, "POST", contacts, ada)).status).toBe(201);
  expect(performance.now() - began).toBeGreaterThanOrEqual(25);
});

test("empty-ok is a 200 that has done nothing", async () => {
  const sandbox = await start({ faults: [{ kind: "empty-ok" }] });
  const answer = await call(sandbox, "POST", `${contacts}/batch/create`, { inputs: [ada] });
  expect(answer.status).toBe(200);
  expect(await answer.json()).toMatchObject({ status: "COMPLETE", results: [] });
  expect(sandbox.records("contacts")).toEqual([]);
});

test("bad-json applies and answers half of its JSON", async () => {
  const sandbox = await start({ faults: [{ kind: "bad-json" }] });
  const id = idAt(sandbox.seed("contacts", people(1)));
  const answer = await call(sandbox, "PATCH", `${contacts}/${id}`, { properties: { city: "Paris" } });
  expect(answer.status).toBe(200);
  await expect(answer.json()).rejects.toThrow(SyntaxError);
  expect(sandbox.records("contacts")).toMatchObject([{ properties: { city: "Paris" } }]);
});

test("drop-row applies a batch and leaves one row out of the answer", async () => {
  const sandbox = await start({ faults: [{ kind: "drop-row" }] });
  const created = await sdk(sandbox).crm.contacts.batchApi.create({
    inputs: people(3).map((properties) => ({ properties, associations: [] })),
  });
  expect(created.results).toHaveLength(2);
  expect(sandbox.records("contacts")).toHaveLength(3);
});

test("ignore-field changes all but the given property, in every row", async () => {
  const sandbox = await start({ faults: [{ kind: "ignore-field", property: "city" }] });
  const ids = sandbox.seed("contacts", people(2));
  const updated = await sdk(sandbox).crm.contacts.batchApi.update({
    inputs: ids.map((id) => ({ id, properties: { city: "Paris", zip: "75001" } })),
  });
  expect(updated.results).toMatchObject([{ properties: { zip: "75001" } }, { properties: { zip: "75001" } }]);
  expect(sandbox.records("contacts")).toMatchObject([{ properties: { city: null } }, { properties: { city: null } }]);
});

test("ignore-field without a property takes the first that is written", async () => {
  const sandbox = await start({ faults: [parseFault("ignore-field")] });
  const answer = await call(sandbox, "POST", contacts, { properties: { city: "Paris", zip: "75001" } });
  expect(answer.status).toBe(201);
  expect(sandbox.records("contacts")).toMatchObject([{ properties: { city: null, zip: "75001" } }]);
});

test("a fault strikes as often as it is told to, and only the requests it is aimed at", async () => {
  const sandbox = await start();
  sandbox.fault({ kind: "unavailable", times: 2, on: { method: "POST", path: "*/batch/*" } });
  const statuses = async () => {
    const list = await call(sandbox, "GET", contacts);
    const read = await call(sandbox, "POST", `${contacts}/batch/read`, { inputs: [] });
    return [list.status, read.status];
  };
  expect(await statuses()).toEqual([200, 503]);
  expect(await statuses()).toEqual([200, 503]);
  expect(await statuses()).toEqual([200, 200]);
});

test("a fault waits for a request that it can strike", async () => {
  const sandbox = await start({ faults: [{ kind: "drop-row" }] });
  sandbox.seed("contacts", people(2));
  const list = await sdk(sandbox).crm.contacts.basicApi.getPage();
  expect(list.results).toHaveLength(2);
  const inputs = sandbox.records("contacts").map(({ id }) => ({ id }));
  const read = await sdk(sandbox).crm.contacts.batchApi.read({ inputs, properties: [], propertiesWithHistory: [] });
  expect(read.results).toHaveLength(1);
});

test("several faults strike one after the other, until they are cleared", async () => {
  const sandbox = await start({ faults: [{ kind: "unavailable" }, { kind: "forbidden" }, { kind: "unavailable" }] });
  expect((await call(sandbox, "GET", contacts)).status).toBe(503);
  expect((await call(sandbox, "GET", contacts)).status).toBe(403);
  sandbox.clearFaults();
  expect((await call(sandbox, "GET", contacts)).status).toBe(200);
});

test("every name of a fault can be written on the command line, with how often", () => {
  const written: readonly Fault[] = faultNames.map((name) => parseFault(`${name}:3`));
  expect(written.map(({ kind, times }) => `${kind} ${times}`)).toEqual(faultNames.map((name) => `${name} 3`));
  expect(parseFault("slow")).toEqual({ kind: "slow", ms: 2000, times: 1 });
});

test.each(["explode", "slow:0", "slow:x", "slow:1:2", ""])(
  "%j on the command line is told what there is",
  (written) => {
    expect(() => parseFault(written)).toThrow(/NAME:TIMES.*drop-row/);
  },
);
