// Properties that come, change and go while the API is in use.

import {
  type PropertyCreate,
  PropertyCreateFieldTypeEnum,
  PropertyCreateTypeEnum,
} from "@hubspot/api-client/lib/codegen/crm/properties/models/PropertyCreate.js";
import {
  PropertyUpdateFieldTypeEnum,
  PropertyUpdateTypeEnum,
} from "@hubspot/api-client/lib/codegen/crm/properties/models/PropertyUpdate.js";
import { expect, test } from "vitest";
import { call, idAt, sdk, start } from "./hubspot-support.js";

const colour: PropertyCreate = {
  name: "colour",
  label: "Colour",
  type: PropertyCreateTypeEnum.Enumeration,
  fieldType: PropertyCreateFieldTypeEnum.Select,
  groupName: "dealinformation",
  description: "What it looks like",
  displayOrder: 3,
  formField: true,
  hasUniqueValue: false,
  hidden: false,
  options: ["red", "blue"].map((value) => ({ value, label: value, hidden: false })),
};

const deal = { dealname: "One", dealstage: "closedwon" };

test("a property that is created is in the list and can be written", async () => {
  const sandbox = await start();
  const { coreApi } = sdk(sandbox).crm.properties;
  const created = await coreApi.create("deals", colour);
  expect(created).toMatchObject({
    ...colour,
    options: [{ value: "red" }, { value: "blue" }],
    archived: false,
    calculated: false,
    modificationMetadata: { archivable: true, readOnlyDefinition: false, readOnlyValue: false },
  });
  const { results } = await coreApi.getAll("deals");
  expect(results.find(({ name }) => name === "colour")).toEqual(created);
  const properties = { ...deal, colour: "red" };
  await expect(sdk(sandbox).crm.deals.basicApi.create({ properties, associations: [] })).resolves.toMatchObject({
    properties: { colour: "red" },
  });
});

test.each([
  ["string", "textarea", "a\nb"],
  ["string", "html", "<b>x</b>"],
  ["number", "number", "1.5"],
  ["bool", "booleancheckbox", "true"],
  ["date", "date", "2026-06-30"],
  ["datetime", "date", "2026-06-30T12:00:00.000Z"],
  ["enumeration", "radio", "red"],
  ["enumeration", "checkbox", "red;blue"],
])("a %s shown as %s is defined so and keeps %j", async (type, fieldType, value) => {
  const sandbox = await start();
  const { options, groupName } = colour;
  const definition = { name: "extra", label: "Extra", groupName, type, fieldType, options };
  const created = await call(sandbox, "POST", "/crm/v3/properties/deals", definition);
  expect(created.status).toBe(201);
  expect(await created.json()).toMatchObject({ type, fieldType });
  const id = idAt(sandbox.seed("deals", [{ ...deal, extra: value }]));
  const read = await sdk(sandbox).crm.deals.basicApi.getById(id, ["extra"]);
  expect(read.properties).toMatchObject({ extra: value });
});

test("a property that is there already is a conflict", async () => {
  const sandbox = await start();
  const create = () => sdk(sandbox).crm.properties.coreApi.create("deals", colour);
  await create();
  await expect(create()).rejects.toMatchObject({ code: 409, body: { category: "OBJECT_ALREADY_EXISTS" } });
});

test.each([
  ["no group", { groupName: undefined }],
  ["no label", { label: undefined }],
  ["capitals in its name", { name: "Colour" }],
  ["a type that there is not", { type: "colour" }],
  ["a field type that does not fit", { fieldType: "number" }],
  ["no options", { options: [] }],
])("a property with %s is refused", async (_, wrong) => {
  const sandbox = await start();
  const answer = await call(sandbox, "POST", "/crm/v3/properties/deals", { ...colour, ...wrong });
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({ status: "error", category: "VALIDATION_ERROR" });
});

test("a change of a definition leaves the rest of it and all values as they were", async () => {
  const sandbox = await start();
  const { coreApi } = sdk(sandbox).crm.properties;
  const before = await coreApi.create("deals", colour);
  sandbox.seed("deals", [{ ...deal, colour: "red" }]);
  const options = [{ value: "green", label: "Green", hidden: false }];
  const relabelled = await coreApi.update("deals", "colour", { label: "Tint", options });
  expect(relabelled).toMatchObject({ ...before, label: "Tint", options: [{ value: "green", label: "Green" }] });
  expect(sandbox.records("deals")).toMatchObject([{ properties: { colour: "red" } }]);
  const type = PropertyUpdateTypeEnum.String;
  const retyped = await coreApi.update("deals", "colour", { type, fieldType: PropertyUpdateFieldTypeEnum.Text });
  expect(retyped).toMatchObject({ type: "string", fieldType: "text", label: "Tint", options: [] });
});

test("a property that is archived can't be written any more, and comes back with its values", async () => {
  const sandbox = await start();
  const { coreApi } = sdk(sandbox).crm.properties;
  await coreApi.create("deals", colour);
  const id = idAt(sandbox.seed("deals", [{ ...deal, colour: "red" }]));
  await expect(coreApi.archive("deals", "colour")).resolves.toBeUndefined();
  const write = sdk(sandbox).crm.deals.basicApi.update(id, { properties: { colour: "blue" } });
  await expect(write).rejects.toMatchObject({ code: 400, body: { errors: [{ code: "PROPERTY_DOESNT_EXIST" }] } });
  const read = await sdk(sandbox).crm.deals.basicApi.getById(id, ["colour"]);
  expect(read.properties).not.toHaveProperty("colour");
  await expect(coreApi.getByName("deals", "colour")).rejects.toMatchObject({ code: 404 });
  const archived = await coreApi.getAll("deals", true);
  expect(archived.results).toMatchObject([{ name: "colour", archived: true, archivedAt: expect.any(Date) }]);
  expect(await coreApi.getByName("deals", "colour", true)).toEqual(archived.results[0]);
  await coreApi.create("deals", colour);
  expect(sandbox.records("deals")).toMatchObject([{ properties: { colour: "red" } }]);
});

test("what HubSpot defines is neither changed nor archived, and what is unknown is not found", async () => {
  const sandbox = await start();
  const { coreApi } = sdk(sandbox).crm.properties;
  await expect(coreApi.update("deals", "amount", { label: "Sum" })).rejects.toMatchObject({ code: 400 });
  await expect(coreApi.archive("deals", "amount")).rejects.toMatchObject({ code: 400 });
  await expect(coreApi.update("deals", "colour", { label: "Tint" })).rejects.toMatchObject({ code: 404 });
  await expect(coreApi.archive("deals", "colour")).rejects.toMatchObject({ code: 404 });
  await expect(coreApi.getByName("deals", "colour", true)).rejects.toMatchObject({ code: 404 });
});

test("an admin's changes are seen by the next call and leave no trace in the log", async () => {
  const sandbox = await start();
  sandbox.defineProperty("contacts", { name: "shoe_size", type: "number" });
  sandbox.seed("contacts", [{ shoe_size: "44" }]);
  sandbox.defineProperty("contacts", { name: "shoe_size", type: "string" });
  const { coreApi } = sdk(sandbox).crm.properties;
  expect(await coreApi.getByName("contacts", "shoe_size")).toMatchObject({ type: "string", label: "shoe_size" });
  sandbox.archiveProperty("contacts", "shoe_size");
  await expect(coreApi.getByName("contacts", "shoe_size")).rejects.toMatchObject({ code: 404 });
  expect(sandbox.log).toHaveLength(2);
});

test("an admin who asks for nonsense is told so at once", async () => {
  const sandbox = await start();
  expect(() => sandbox.defineProperty("contacts", { name: "x", type: "enumeration" })).toThrow(/needs options/);
  expect(() => sandbox.archiveProperty("contacts", "x")).toThrow(/no property x/);
  expect(() => sandbox.seed("cars", [{}])).toThrow(/no objects called cars/);
  expect(() => sandbox.seed("deals", [{}])).toThrow(/dealname/);
});
