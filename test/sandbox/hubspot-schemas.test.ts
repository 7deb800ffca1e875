// Custom objects: how one is made, what its schema tells, and that its rules hold for its records.

import type { ObjectSchemaEgg } from "@hubspot/api-client/lib/codegen/crm/schemas/models/ObjectSchemaEgg.js";
import { ObjectTypePropertyCreateTypeEnum } from "@hubspot/api-client/lib/codegen/crm/schemas/models/ObjectTypePropertyCreate.js";
import { expect, test } from "vitest";
import { call, idAt, sdk, start } from "./hubspot-support.js";

const path = "/crm-object-schemas/v3/schemas";

const car: ObjectSchemaEgg = {
  name: "cars",
  labels: { singular: "Car", plural: "Cars" },
  primaryDisplayProperty: "model",
  secondaryDisplayProperties: ["vin"],
  searchableProperties: ["model", "vin"],
  requiredProperties: ["model", "vin"],
  associatedObjects: ["contacts", "0-3"],
  properties: [
    { name: "model", label: "Model", type: ObjectTypePropertyCreateTypeEnum.String, fieldType: "text" },
    {
      name: "vin",
      label: "VIN",
      type: ObjectTypePropertyCreateTypeEnum.String,
      fieldType: "text",
      hasUniqueValue: true,
    },
    { name: "built", label: "Built", type: ObjectTypePropertyCreateTypeEnum.Date, fieldType: "date" },
  ],
};

test("a schema gets a number and a full name, the properties HubSpot adds, and its associations", async () => {
  const sandbox = await start();
  const { coreApi } = sdk(sandbox).crm.schemas;
  const created = await coreApi.create(car);
  expect(created).toMatchObject({
    id: "101",
    objectTypeId: "2-101",
    fullyQualifiedName: "p62515_cars",
    name: "cars",
    labels: car.labels,
    requiredProperties: ["model", "vin"],
    searchableProperties: ["model", "vin"],
    primaryDisplayProperty: "model",
    secondaryDisplayProperties: ["vin"],
    archived: false,
    createdAt: expect.any(Date),
  });
  expect(created.properties.map(({ name, hasUniqueValue }) => `${name} ${hasUniqueValue}`)).toEqual([
    "model false",
    "vin true",
    "built false",
    "hubspot_owner_id false",
    "hs_object_id false",
    "hs_createdate false",
    "hs_lastmodifieddate false",
  ]);
  expect(created.associations.map(({ name }) => name)).toEqual([
    "cars_to_contact",
    "contact_to_cars",
    "cars_to_deal",
    "deal_to_cars",
  ]);
  expect((await coreApi.getAll()).results).toEqual([created]);
  for (const name of ["2-101", "p62515_cars", "p_cars"]) expect(await coreApi.getById(name)).toEqual(created);
});

test("HubSpot's own objects are not listed, and tell their schema when asked", async () => {
  const sandbox = await start();
  const { coreApi } = sdk(sandbox).crm.schemas;
  expect((await coreApi.getAll()).results).toEqual([]);
  const tickets = await coreApi.getById("tickets");
  expect(tickets).toMatchObject({
    objectTypeId: "0-5",
    fullyQualifiedName: "TICKET",
    requiredProperties: ["subject", "hs_pipeline_stage"],
    primaryDisplayProperty: "subject",
  });
  expect(tickets.associations.map(({ toObjectTypeId }) => toObjectTypeId)).toContain("0-1");
});

test("records of a custom object keep the rules of its schema", async () => {
  const sandbox = await start();
  await sdk(sandbox).crm.schemas.coreApi.create(car);
  const { basicApi } = sdk(sandbox).crm.objects;
  const incomplete = basicApi.create("2-101", { properties: { model: "T" }, associations: [] });
  await expect(incomplete).rejects.toMatchObject({
    code: 400,
    body: {
      message: "Error creating cars. Some required properties were not set.",
      context: { properties: ["vin"] },
    },
  });
  const made = await basicApi.create("p62515_cars", { properties: { model: "T", vin: "1" }, associations: [] });
  expect(Object.keys(made.properties)).toEqual([
    "hs_createdate",
    "hs_lastmodifieddate",
    "hs_object_id",
    "model",
    "vin",
  ]);
  const read = await basicApi.getById("2-101", made.id);
  expect(Object.keys(read.properties)).toEqual(["hs_createdate", "hs_lastmodifieddate", "hs_object_id"]);
  const byVin = await basicApi.getById("2-101", "1", ["model"], undefined, undefined, undefined, "vin");
  expect(byVin.id).toBe(made.id);
});

test("several custom objects have numbers of their own, and records from the one counter", async () => {
  const sandbox = await start();
  await sdk(sandbox).crm.schemas.coreApi.create(car);
  const boats = await sdk(sandbox).crm.schemas.coreApi.create({ ...car, name: "boats", associatedObjects: ["p_cars"] });
  expect(boats.objectTypeId).toBe("2-102");
  expect(boats.associations.map(({ name }) => name)).toEqual(["boats_to_cars", "cars_to_boats"]);
  const row = { model: "T", vin: "1" };
  expect([idAt(sandbox.seed("2-101", [row])), idAt(sandbox.seed("2-102", [row]))]).toEqual(["7501", "7502"]);
});

test.each([
  ["without labels", { labels: undefined }, 400],
  ["without properties", { properties: undefined }, 400],
  ["with a property that can't be", { properties: [{ name: "x", label: "X", type: "x", fieldType: "text" }] }, 400],
  ["that requires what it does not define", { requiredProperties: ["colour"] }, 400],
  ["associated with what is not there", { associatedObjects: ["planes"] }, 400],
  ["with no name for an object", { name: "my cars" }, 400],
  ["of a name that is taken", {}, 409],
])("a schema %s is refused", async (_, wrong, status) => {
  const sandbox = await start();
  await call(sandbox, "POST", path, car);
  const answer = await call(sandbox, "POST", path, { ...car, name: "cars", ...wrong });
  expect(answer.status).toBe(status);
  expect(await answer.json()).toMatchObject({ status: "error", correlationId: expect.any(String) });
  expect((await sdk(sandbox).crm.schemas.coreApi.getAll()).results).toHaveLength(1);
});

test("a schema that there is not can't be had", async () => {
  const sandbox = await start();
  const message = "Unable to infer object type from: 2-999";
  await expect(sdk(sandbox).crm.schemas.coreApi.getById("2-999")).rejects.toMatchObject({
    code: 400,
    body: { message },
  });
});

test("a custom object that an admin makes is there for the API", async () => {
  const sandbox = await start();
  const definition = { name: "cars", properties: [{ name: "model", type: "string" }] } as const;
  const typeId = sandbox.defineObject(definition);
  sandbox.seed(typeId, [{ model: "T" }]);
  expect((await sdk(sandbox).crm.schemas.coreApi.getAll()).results).toMatchObject([{ objectTypeId: typeId }]);
  expect(sandbox.log).toHaveLength(1);
  expect(() => sandbox.defineObject(definition)).toThrow(/a cars already/);
});
