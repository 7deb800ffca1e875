// Who is let in and how often, which paths there are, and what the log keeps.

import { ApiException } from "@hubspot/api-client/lib/codegen/crm/contacts/apis/exception.js";
import { expect, test } from "vitest";
import { RateWindow } from "../../packages/sandbox/src/hubspot/rate-window.js";
import { startHubspotSandbox } from "../../packages/sandbox/src/hubspot/server.js";
import { call, people, sdk, start, token } from "./hubspot-support.js";

const contacts = "/crm/v3/objects/contacts";

test("another token is refused, and none at all", async () => {
  const sandbox = await start();
  const page = sdk(sandbox, "pat-na1-other").crm.contacts.basicApi.getPage();
  await expect(page).rejects.toMatchObject({ code: 401, body: { category: "INVALID_AUTHENTICATION" } });
  expect((await fetch(`${sandbox.url}${contacts}`)).status).toBe(401);
});

test("a sandbox without a token of its own takes any", async () => {
  const sandbox = await startHubspotSandbox();
  await expect(sdk(sandbox, "whatever").crm.contacts.basicApi.getPage()).resolves.toBeDefined();
  await sandbox.close();
});

test("the SDK sees the rate limit as an exception with its headers, and nothing is applied", async () => {
  const sandbox = await start({ rate: { calls: 2, perMs: 60_000 } });
  const { basicApi } = sdk(sandbox).crm.contacts;
  await basicApi.getPage();
  await basicApi.getPage();
  const refused = await basicApi
    .create({ properties: { city: "Paris" }, associations: [] })
    .catch((cause: unknown) => cause);
  expect(refused).toBeInstanceOf(ApiException);
  expect(refused).toMatchObject({
    code: 429,
    body: { status: "error", errorType: "RATE_LIMIT", policyName: "TEN_SECONDLY_ROLLING" },
    headers: {
      "x-hubspot-ratelimit-max": "2",
      "x-hubspot-ratelimit-remaining": "0",
      "x-hubspot-ratelimit-interval-milliseconds": "60000",
      "x-hubspot-ratelimit-daily": "250000",
      "x-hubspot-ratelimit-daily-remaining": "249998",
    },
  });
  expect(sandbox.records("contacts")).toEqual([]);
});

test("the window slides: a call is forgotten when its time is up", () => {
  const window = new RateWindow(2, 1000);
  expect([0, 400, 900, 1000, 1399, 1400].map((atMs) => window.admit(atMs))).toEqual([
    true,
    true,
    false,
    true,
    false,
    true,
  ]);
});

test("every answer but a search tells what is left", async () => {
  const sandbox = await start();
  const list = await call(sandbox, "GET", contacts);
  expect(list.headers.get("x-hubspot-ratelimit-remaining")).toBe("99");
  const search = await call(sandbox, "POST", `${contacts}/search`, {});
  expect(search.headers.get("x-hubspot-ratelimit-remaining")).toBeNull();
});

test("searches have a limit of their own, without headers, and other calls go on", async () => {
  const sandbox = await start({ searchRate: { calls: 2, perMs: 60_000 } });
  const { searchApi, basicApi } = sdk(sandbox).crm.contacts;
  await searchApi.doSearch({});
  await sdk(sandbox).crm.deals.searchApi.doSearch({});
  const refused = await searchApi.doSearch({}).catch((cause: unknown) => cause);
  expect(refused).toMatchObject({
    code: 429,
    body: { message: "You have reached your secondly limit.", errorType: "RATE_LIMIT", policyName: "SECONDLY" },
  });
  expect(refused).not.toHaveProperty(["headers", "x-hubspot-ratelimit-remaining"]);
  await expect(basicApi.getPage()).resolves.toBeDefined();
});

test.each([
  ["GET", "/crm/v3/nothing/contacts", 404],
  ["GET", "/crm/v3/schemas/contacts", 404],
  ["GET", "/crm-object-schemas/v3/schemas/contacts/more", 404],
  ["DELETE", "/crm-object-schemas/v3/schemas/contacts", 405],
  ["GET", "/crm/v4/associations/contacts", 404],
  ["GET", "/crm/v4/associations/contacts/companies", 404],
  ["POST", "/crm/v4/associations/contacts/companies/batch/forget", 404],
  ["GET", "/crm/v4/associations/contacts/companies/batch/read", 405],
  ["GET", "/crm/v4/associations/planes/companies/labels", 400],
  ["GET", "/crm/v4/associations/contacts/planes/labels", 400],
  ["GET", "/crm/v4/objects/contacts/501/friends/companies", 404],
  ["GET", "/crm/v4/objects/contacts/501/associations/companies/502/more", 404],
  ["PUT", "/crm/v4/objects/contacts/501/associations/default/companies", 404],
  ["POST", "/crm/v4/objects/contacts/501/associations/companies", 405],
  ["GET", "/crm/v3/objects/contacts/501/associations/companies/502", 404],
  ["POST", "/crm/v3/properties/planes", 400],
  ["POST", "/crm/v3/properties/contacts/city", 405],
  ["GET", "/crm/v3/properties/contacts/city/more", 404],
  ["GET", "/crm/v4/objects/contacts", 404],
  ["GET", "/", 404],
  ["POST", `${contacts}/batch/forget`, 404],
  ["POST", `${contacts}/batch/read/more`, 404],
  ["GET", "/crm/v3/objects/widgets", 400],
  ["PUT", `${contacts}/501`, 405],
  ["GET", `${contacts}/batch/create`, 405],
  ["DELETE", "/crm/v3/properties/contacts", 405],
])("%s %s is answered with %i in HubSpot's shape", async (method, path, status) => {
  const sandbox = await start();
  const answer = await call(sandbox, method, path);
  expect(answer.status).toBe(status);
  expect(await answer.json()).toMatchObject({
    status: "error",
    message: expect.any(String),
    category: expect.any(String),
    correlationId: expect.any(String),
  });
});

test.each([
  ["no body", undefined],
  ["a body that is no JSON", '{"properties":'],
  ["a body without properties", {}],
  ["a body that is no object", "[]"],
])("a create with %s is a 400", async (_, body) => {
  const sandbox = await start();
  const answer = await call(sandbox, "POST", contacts, body);
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({ category: "VALIDATION_ERROR" });
});

test("HubSpot's number for a type does as well as its name", async () => {
  const sandbox = await start();
  sandbox.seed("contacts", people(1));
  const answer = await call(sandbox, "GET", "/crm/v3/objects/0-1");
  expect(await answer.json()).toMatchObject({ results: [{ properties: { email: "p0@example.com" } }] });
});

test("the log tells what was called, how many rows it brought and what came back, and never the token", async () => {
  const sandbox = await start();
  await call(sandbox, "POST", `${contacts}/batch/create`, { inputs: people(3).map((properties) => ({ properties })) });
  await call(sandbox, "GET", `${contacts}?limit=2`);
  await call(sandbox, "GET", `${contacts}/90001`);
  expect(sandbox.log).toMatchObject([
    { n: 1, method: "POST", path: `${contacts}/batch/create`, status: 201, rows: 3, batch: true, answered: true },
    { n: 2, method: "GET", path: contacts, query: "limit=2", rows: 0, batch: false },
    { n: 3, path: `${contacts}/90001`, status: 404, rows: 1 },
  ]);
  expect(sandbox.log[0]?.requestBody).toContain("p2@example.com");
  expect(sandbox.log[0]?.responseBody).toContain('"status":"COMPLETE"');
  expect(JSON.stringify(sandbox.log)).not.toContain(token);
  sandbox.clearLog();
  expect(sandbox.log).toEqual([]);
});
