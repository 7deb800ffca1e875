// Every type of objects by the same operations, as HubSpot's own SDK calls them.

import { FilterOperatorEnum } from "@hubspot/api-client/lib/codegen/crm/objects/models/Filter.js";
import { describe, expect, test } from "vitest";
import { call, idAt, sdk, start } from "./hubspot-support.js";

const car = {
  name: "cars",
  properties: [
    { name: "model", type: "string" },
    { name: "mileage", type: "number" },
  ],
  requiredProperties: ["model"],
} as const;

/** A sandbox with a unique property in every type, and one custom object. */
async function everyType() {
  const sandbox = await start();
  sandbox.defineObject(car);
  for (const { type } of types) sandbox.defineProperty(type, { name: "our_ref", type: "string", hasUniqueValue: true });
  return sandbox;
}

const types = [
  { type: "contacts", row: { firstname: "Ada" }, change: { city: "Paris" } },
  { type: "companies", row: { name: "Engines" }, change: { city: "Paris" } },
  { type: "deals", row: { dealname: "One", dealstage: "contractsent" }, change: { amount: "12.50" } },
  { type: "tickets", row: { subject: "Help", hs_pipeline_stage: "1" }, change: { hs_ticket_priority: "HIGH" } },
  { type: "products", row: { name: "Wheel" }, change: { price: "9" } },
  { type: "line_items", row: { name: "Wheels", quantity: "4" }, change: { price: "9" } },
  { type: "p62515_cars", row: { model: "T" }, change: { mileage: "100" } },
  { type: "2-101", row: { model: "T" }, change: { mileage: "100" } },
] as const;

describe.each(types)("$type", ({ type, row, change }) => {
  test("are created, read, changed and archived one at a time", async () => {
    const sandbox = await everyType();
    const { basicApi } = sdk(sandbox).crm.objects;
    const { id } = await basicApi.create(type, { properties: row, associations: [] });
    const changed = await basicApi.update(type, id, { properties: change });
    expect(changed.properties).toMatchObject(change);
    const asked = [...Object.keys(row), ...Object.keys(change)];
    const read = await basicApi.getById(type, id, asked);
    expect(read.properties).toMatchObject({ ...row, ...change, hs_object_id: id });
    expect((await basicApi.getPage(type)).results.map((one) => one.id)).toEqual([id]);
    await basicApi.archive(type, id);
    expect((await basicApi.getPage(type)).results).toEqual([]);
    const archived = await basicApi.getPage(type, 100, undefined, asked, undefined, undefined, true);
    expect(archived.results).toMatchObject([{ id, archived: true, properties: { ...row, ...change } }]);
  });

  test("are created, read, changed and archived in batches", async () => {
    const sandbox = await everyType();
    const { batchApi } = sdk(sandbox).crm.objects;
    const inputs = ["0", "1"].map((objectWriteTraceId) => ({ properties: row, associations: [], objectWriteTraceId }));
    const created = await batchApi.create(type, { inputs });
    const ids = created.results.map(({ id }) => ({ id }));
    expect(ids).toHaveLength(2);
    await batchApi.update(type, { inputs: ids.map(({ id }) => ({ id, properties: change })) });
    const properties = Object.keys(change);
    const read = await batchApi.read(type, { inputs: ids, properties, propertiesWithHistory: [] });
    expect(read.results.map((one) => one.properties)).toMatchObject([change, change]);
    await expect(batchApi.archive(type, { inputs: ids })).resolves.toBeUndefined();
    expect(sandbox.records(type).map(({ archived }) => archived)).toEqual([true, true]);
  });

  test("are upserted by a property that an admin has made unique", async () => {
    const sandbox = await everyType();
    const { batchApi } = sdk(sandbox).crm.objects;
    const id = idAt(sandbox.seed(type, [{ ...row, our_ref: "A" }]));
    const upserted = await batchApi.upsert(type, {
      inputs: ["A", "B"].map((ref) => ({
        id: ref,
        idProperty: "our_ref",
        objectWriteTraceId: ref,
        properties: { ...row, ...change },
      })),
    });
    const rows = new Map(upserted.results.map((result) => [result.objectWriteTraceId, result]));
    expect(rows.get("A")).toMatchObject({ id, _new: false });
    expect(rows.get("B")).toMatchObject({ _new: true, properties: { our_ref: "B" } });
    expect(sandbox.records(type)).toMatchObject([{ properties: change }, { properties: change }]);
  });

  test("are searched for by when they were changed, the archived left out", async () => {
    const sandbox = await everyType();
    const [gone, id] = sandbox.seed(type, [row, row]);
    sandbox.archive(type, String(gone));
    const propertyName = type === "contacts" ? "lastmodifieddate" : "hs_lastmodifieddate";
    const filters = [{ propertyName, operator: FilterOperatorEnum.Gte, value: "0" }];
    const found = await sdk(sandbox).crm.objects.searchApi.doSearch(type, {
      filterGroups: [{ filters }],
      sorts: [propertyName],
    });
    expect(found).toMatchObject({ total: 1, results: [{ id, properties: { [propertyName]: expect.any(String) } }] });
  });

  test("have definitions of what HubSpot sets itself", async () => {
    const sandbox = await everyType();
    const definition = await sdk(sandbox).crm.properties.coreApi.getByName(type, "hs_object_id");
    expect(definition).toMatchObject({ type: "number", modificationMetadata: { readOnlyValue: true } });
  });
});

test("a value of a unique property that another record has is refused, and names both", async () => {
  const sandbox = await everyType();
  const { basicApi, batchApi } = sdk(sandbox).crm.objects;
  const [first, second] = sandbox.seed("deals", [
    { dealname: "1", dealstage: "closedwon", our_ref: "A" },
    { dealname: "2", dealstage: "closedwon" },
  ]);
  const place =
    "PropertyValueCoordinates{portalId=62515, objectTypeId=ObjectTypeId{legacyObjectType=DEAL}, propertyName=our_ref, value=A}";
  const message = `Cannot set ${place} on ${second}. ${first} already has that value.`;
  const body = { category: "VALIDATION_ERROR", message };
  const properties = { our_ref: "A" };
  await expect(basicApi.update("deals", String(second), { properties })).rejects.toMatchObject({ code: 400, body });
  const traced = { inputs: [{ id: String(second), properties, objectWriteTraceId: "0" }] };
  expect(await batchApi.update("deals", traced)).toMatchObject({ results: [], errors: [body] });
  const create = basicApi.create("2-101", { properties: { model: "T", our_ref: "A" }, associations: [] });
  await expect(create).resolves.toBeDefined();
  const again = basicApi.create("2-101", { properties: { model: "T", our_ref: "A" }, associations: [] });
  await expect(again).rejects.toMatchObject({
    code: 400,
    body: { message: expect.stringMatching(/ObjectTypeId\{innerId=101\}.*already has that value\.$/) },
  });
});

test("an upsert by a property that is not unique is refused", async () => {
  const sandbox = await start();
  const inputs = [{ id: "One", idProperty: "dealname", properties: { dealstage: "closedwon" } }];
  await expect(sdk(sandbox).crm.deals.batchApi.upsert({ inputs })).rejects.toMatchObject({
    code: 400,
    body: { message: "Unable to perform update/upsert by non-unique 0-3 property dealname" },
  });
});

test("a create without what the type requires says which, alone and in a traced batch", async () => {
  const sandbox = await start();
  const { basicApi, batchApi } = sdk(sandbox).crm.tickets;
  const message = "Error creating TICKET. Some required properties were not set.";
  const incomplete = { category: "VALIDATION_ERROR", message, context: { properties: ["hs_pipeline_stage"] } };
  const properties = { subject: "Help" };
  await expect(basicApi.create({ properties, associations: [] })).rejects.toMatchObject({
    code: 400,
    body: incomplete,
  });
  const batch = await batchApi.create({ inputs: [{ properties, associations: [], objectWriteTraceId: "7" }] });
  expect(batch).toMatchObject({
    results: [],
    errors: [{ ...incomplete, context: { properties: ["hs_pipeline_stage"], objectWriteTraceId: ["7"] } }],
  });
  await expect(batchApi.create({ inputs: [{ properties, associations: [] }] })).rejects.toMatchObject({ code: 400 });
});

test("a deal gets the pipeline it does not name, and what follows from its stage", async () => {
  const sandbox = await start();
  const { id } = await sdk(sandbox).crm.deals.basicApi.create({
    properties: { dealname: "One", dealstage: "contractsent", amount: "200" },
    associations: [],
  });
  const computed = ["pipeline", "hs_is_closed", "hs_deal_stage_probability", "hs_projected_amount"];
  const { properties } = await sdk(sandbox).crm.deals.basicApi.getById(id, computed);
  expect(properties).toMatchObject({
    pipeline: "default",
    hs_is_closed: "false",
    hs_deal_stage_probability: "0.9",
    hs_projected_amount: "180",
  });
  sandbox.edit("deals", id, { dealstage: "closedwon" });
  expect(sandbox.records("deals")).toMatchObject([{ properties: { hs_is_closed: "true", hs_is_closed_won: "true" } }]);
});

test("a stage that no pipeline has is refused, though the definition lists none", async () => {
  const sandbox = await start();
  const definition = await sdk(sandbox).crm.properties.coreApi.getByName("deals", "dealstage");
  expect(definition).toMatchObject({ type: "enumeration", externalOptions: true, options: [] });
  const properties = { dealname: "One", dealstage: "dreaming" };
  await expect(sdk(sandbox).crm.deals.basicApi.create({ properties, associations: [] })).rejects.toMatchObject({
    code: 400,
    body: { errors: [{ code: "INVALID_OPTION", context: { propertyName: ["dealstage"] } }] },
  });
});

test("a ticket is closed when its stage is", async () => {
  const sandbox = await start();
  const [id] = sandbox.seed("tickets", [
    { subject: "Help", hs_pipeline_stage: "4", hs_ticket_category: "BILLING_ISSUE" },
  ]);
  expect(sandbox.records("tickets")).toMatchObject([{ properties: { hs_is_closed: "true", hs_ticket_id: id } }]);
});

test("a line item's net price follows its price, quantity and discounts, and can't be written", async () => {
  const sandbox = await start();
  const { basicApi } = sdk(sandbox).crm.lineItems;
  const item = { name: "Wheels", quantity: "3", price: "10", hs_discount_percentage: "10" };
  const created = await basicApi.create({ properties: item, associations: [] });
  expect(created.properties).toMatchObject({ amount: "27" });
  const written = basicApi.update(created.id, { properties: { amount: "1" } });
  await expect(written).rejects.toMatchObject({ code: 400, body: { errors: [{ code: "READ_ONLY_VALUE" }] } });
});

test.each(["deal", "0-3", "line_item", "0-8", "p_cars", "p62515_cars", "2-101"])(
  "%s is a name of a type, in paths",
  async (name) => {
    const sandbox = await everyType();
    expect((await call(sandbox, "GET", `/crm/v3/objects/${name}`)).status).toBe(200);
  },
);

test("the bare name of a custom object is none", async () => {
  const sandbox = await everyType();
  await expect(sdk(sandbox).crm.objects.basicApi.getPage("cars")).rejects.toMatchObject({
    code: 400,
    body: { message: "Unable to infer object type from: cars" },
  });
});
