// One contact at a time, and the list of all, as HubSpot's own SDK sees them.

import { ApiException } from "@hubspot/api-client/lib/codegen/crm/contacts/apis/exception.js";
import { expect, test } from "vitest";
import { call, idAt, people, sdk, start } from "./hubspot-support.js";

const contacts = "/crm/v3/objects/contacts";

test("a created contact gets the first id of its seed, and its email in the form in which HubSpot keeps it", async () => {
  const sandbox = await start();
  const created = await sdk(sandbox).crm.contacts.basicApi.create({
    properties: { email: " Ada@Example.COM ", firstname: "Ada" },
    associations: [],
  });
  expect(created.id).toBe("7501");
  expect(created.properties).toMatchObject({ email: "ada@example.com" });
  expect(created.createdAt).toBeInstanceOf(Date);
});

test("a create answers what was written, the defaults that have a value and what HubSpot computed, and nothing else", async () => {
  const sandbox = await start();
  const created = await sdk(sandbox).crm.contacts.basicApi.create({
    properties: { email: "ada@example.com", phone: "+44 1" },
    associations: [],
  });
  expect(Object.keys(created.properties)).toEqual([
    "createdate",
    "email",
    "hs_email_domain",
    "hs_full_name_or_email",
    "hs_object_id",
    "lastmodifieddate",
    "phone",
  ]);
  expect(created.properties).toMatchObject({ hs_email_domain: "example.com" });
});

test("a create says where the record is", async () => {
  const sandbox = await start();
  const answer = await call(sandbox, "POST", contacts, { properties: { firstname: "Ada" } });
  expect(answer.status).toBe(201);
  expect(answer.headers.get("location")).toBe(`${sandbox.url}${contacts}/7501`);
});

test("a read gives the default properties, null where there is no value", async () => {
  const sandbox = await start();
  const id = idAt(sandbox.seed("contacts", [{ email: "ada@example.com", city: "London" }]));
  const read = await sdk(sandbox).crm.contacts.basicApi.getById(id);
  expect(Object.keys(read.properties)).toEqual([
    "createdate",
    "email",
    "firstname",
    "hs_object_id",
    "lastmodifieddate",
    "lastname",
  ]);
  expect(read.properties).toMatchObject({ lastname: null });
});

test("a read that asks gets what it asked for beside id and times, unknown names left out", async () => {
  const sandbox = await start();
  const id = idAt(sandbox.seed("contacts", [{ city: "London" }]));
  const read = await sdk(sandbox).crm.contacts.basicApi.getById(id, ["city", "zip", "shoe_size"]);
  expect(Object.keys(read.properties)).toEqual(["city", "createdate", "hs_object_id", "lastmodifieddate", "zip"]);
  expect(read.properties).toMatchObject({ city: "London", zip: null, hs_object_id: id });
});

test("a contact is found and changed by its email, whatever the case", async () => {
  const sandbox = await start();
  const id = idAt(sandbox.seed("contacts", [{ email: "ada@example.com" }]));
  const { basicApi } = sdk(sandbox).crm.contacts;
  const read = await basicApi.getById("ADA@example.com", undefined, undefined, undefined, undefined, "email");
  expect(read.id).toBe(id);
  const updated = await basicApi.update("Ada@Example.com", { properties: { firstname: "Ada" } }, "email");
  expect(updated.id).toBe(id);
});

test("an idProperty that is not unique is refused", async () => {
  const sandbox = await start();
  const read = sdk(sandbox).crm.contacts.basicApi.getById("Ada", [], [], [], false, "firstname");
  await expect(read).rejects.toMatchObject({ code: 400, body: { category: "VALIDATION_ERROR" } });
});

test("an update answers what it wrote and what was computed from it, moves the time and leaves the rest alone", async () => {
  const sandbox = await start();
  const id = idAt(sandbox.seed("contacts", [{ firstname: "Ada", city: "London", zip: "N1" }]));
  const { updatedAt: before } = await sdk(sandbox).crm.contacts.basicApi.getById(id);
  const updated = await sdk(sandbox).crm.contacts.basicApi.update(id, { properties: { city: "Paris", lastname: "L" } });
  expect(updated.properties).toMatchObject({ city: "Paris", hs_full_name_or_email: "Ada L" });
  expect(updated.properties).not.toHaveProperty("zip");
  expect(updated.updatedAt.getTime()).toBeGreaterThan(before.getTime());
  expect(updated.properties).toMatchObject({ lastmodifieddate: updated.updatedAt.toISOString() });
  expect(sandbox.records("contacts")).toMatchObject([{ properties: { city: "Paris", zip: "N1" } }]);
});

test("an empty string clears a property, and what was computed from it", async () => {
  const sandbox = await start();
  const id = idAt(sandbox.seed("contacts", [{ email: "ada@example.com" }]));
  const updated = await sdk(sandbox).crm.contacts.basicApi.update(id, { properties: { email: "" } });
  expect(updated.properties).toMatchObject({ email: null, hs_email_domain: null, hs_full_name_or_email: null });
});

test("an email that another contact has is a conflict that names the other, until that one is archived", async () => {
  const sandbox = await start();
  const id = idAt(sandbox.seed("contacts", [{ email: "ada@example.com" }]));
  const { basicApi } = sdk(sandbox).crm.contacts;
  const create = () => basicApi.create({ properties: { email: "ADA@example.com" }, associations: [] });
  const refused = await create().catch((cause: unknown) => cause);
  expect(refused).toBeInstanceOf(ApiException);
  expect(refused).toMatchObject({
    code: 409,
    body: {
      status: "error",
      category: "CONFLICT",
      message: `Contact already exists. Existing ID: ${id}`,
      correlationId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    },
  });
  await basicApi.archive(id);
  await expect(create()).resolves.toMatchObject({ properties: { email: "ada@example.com" } });
});

test("a contact keeps its own email when it is written again", async () => {
  const sandbox = await start();
  const [first, second] = sandbox.seed("contacts", people(2));
  const { basicApi } = sdk(sandbox).crm.contacts;
  await expect(basicApi.update(String(first), { properties: { email: "p0@example.com" } })).resolves.toBeDefined();
  await expect(basicApi.update(String(second), { properties: { email: "p0@example.com" } })).rejects.toMatchObject({
    code: 409,
  });
});

test("an archived contact is gone for everything but a read that asks for the archived", async () => {
  const sandbox = await start();
  const id = idAt(sandbox.seed("contacts", people(1)));
  const { basicApi } = sdk(sandbox).crm.contacts;
  await basicApi.archive(id);
  const missing = { code: 404, body: { category: "OBJECT_NOT_FOUND", message: "resource not found" } };
  await expect(basicApi.getById(id)).rejects.toMatchObject(missing);
  await expect(basicApi.update(id, { properties: { city: "Paris" } })).rejects.toMatchObject(missing);
  const archived = await basicApi.getById(id, undefined, undefined, undefined, true);
  expect(archived).toMatchObject({ id, archived: true });
  expect(archived.archivedAt).toBeInstanceOf(Date);
});

test("archiving what is not there is no error", async () => {
  const sandbox = await start();
  await expect(sdk(sandbox).crm.contacts.basicApi.archive("999")).resolves.toBeUndefined();
});

test("an id that is no number is told so", async () => {
  const sandbox = await start();
  const read = sdk(sandbox).crm.contacts.basicApi.getById("ada");
  const context = { id: ["ada"] };
  await expect(read).rejects.toMatchObject({ code: 404, body: { category: "OBJECT_NOT_FOUND", context } });
});

test("the SDK's pager walks all the pages, in the order of ids", async () => {
  const sandbox = await start();
  const ids = sandbox.seed("contacts", people(35));
  const all = await sdk(sandbox).crm.contacts.getAll(10, undefined, ["firstname"]);
  expect(all.map(({ id }) => id)).toEqual(ids);
  expect(sandbox.log).toHaveLength(4);
});

test("a page links to the next one, which begins after the last record even when that has gone", async () => {
  const sandbox = await start();
  const ids = sandbox.seed("contacts", people(3));
  const { basicApi } = sdk(sandbox).crm.contacts;
  const page = await basicApi.getPage(2, undefined, ["city"]);
  const after = page.paging?.next?.after;
  expect(page.paging?.next?.link).toBe(`${sandbox.url}${contacts}?limit=2&properties=city&after=${after}`);
  sandbox.archive("contacts", idAt(ids, 1));
  const rest = await basicApi.getPage(2, after);
  expect(rest.results.map(({ id }) => id)).toEqual([idAt(ids, 2)]);
  expect(rest.paging).toBeUndefined();
});

test("the list of the archived holds nothing else", async () => {
  const sandbox = await start();
  const ids = sandbox.seed("contacts", people(3));
  sandbox.archive("contacts", idAt(ids, 1));
  const { basicApi } = sdk(sandbox).crm.contacts;
  const page = await basicApi.getPage(100, undefined, undefined, undefined, undefined, true);
  expect(page.results.map(({ id, archived }) => ({ id, archived }))).toEqual([{ id: idAt(ids, 1), archived: true }]);
});

test("a page of more than a hundred is refused", async () => {
  const sandbox = await start();
  await expect(sdk(sandbox).crm.contacts.basicApi.getPage(101)).rejects.toMatchObject({ code: 400 });
});

test("what somebody else edits and archives upstream is seen by the next read, and leaves no trace in the log", async () => {
  const sandbox = await start();
  const ids = sandbox.seed("contacts", people(2));
  sandbox.edit("contacts", idAt(ids), { firstname: "Grace" });
  sandbox.archive("contacts", idAt(ids, 1));
  expect(sandbox.log).toEqual([]);
  const page = await sdk(sandbox).crm.contacts.basicApi.getPage();
  expect(page.results).toMatchObject([{ properties: { firstname: "Grace" } }]);
  expect(sandbox.records("contacts").map(({ archived }) => archived)).toEqual([false, true]);
});

test("companies are served by the same routes, their ids from the same counter", async () => {
  const sandbox = await start();
  sandbox.seed("contacts", people(1));
  const { basicApi } = sdk(sandbox).crm.companies;
  const created = await basicApi.create({ properties: { name: "Analytical Engines" }, associations: [] });
  expect(created.id).toBe("7502");
  const read = await basicApi.getById(created.id);
  expect(Object.keys(read.properties)).toEqual(["createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"]);
});
