// The batch operations, as HubSpot's own SDK sees them: what is written, what is refused, and how the rows are told apart.

import { BatchResponseSimplePublicObjectWithErrors } from "@hubspot/api-client/lib/codegen/crm/contacts/models/BatchResponseSimplePublicObjectWithErrors.js";
import { BatchResponseSimplePublicUpsertObjectWithErrors } from "@hubspot/api-client/lib/codegen/crm/contacts/models/BatchResponseSimplePublicUpsertObjectWithErrors.js";
import { expect, test } from "vitest";
import { call, idAt, people, sdk, start } from "./hubspot-support.js";

const batch = "/crm/v3/objects/contacts/batch";

/** The rows as inputs of a batch create, traced by their numbers. */
function traced(rows: readonly Record<string, string>[]) {
  return rows.map((properties, at) => ({ properties, associations: [], objectWriteTraceId: String(at) }));
}

test("a batch answers in an order of its own, and the trace ids tell the rows", async () => {
  const sandbox = await start();
  const { batchApi } = sdk(sandbox).crm.contacts;
  const created = await batchApi.create({ inputs: traced(people(20)) });
  const traces = created.results.map(({ objectWriteTraceId }) => Number(objectWriteTraceId));
  expect(traces).not.toEqual(traces.toSorted((a, b) => a - b));
  expect(traces.toSorted((a, b) => a - b)).toEqual([...Array(20).keys()]);
  for (const { objectWriteTraceId, properties } of created.results) {
    expect(properties).toMatchObject({ email: `p${objectWriteTraceId}@example.com` });
  }
});

test("the same seed gives the same ids and the same order", async () => {
  const orderOf = async (seed: number) => {
    const sandbox = await start({ seed });
    const created = await sdk(sandbox).crm.contacts.batchApi.create({ inputs: traced(people(10)) });
    return created.results.map(({ id }) => id);
  };
  expect(await orderOf(3)).toEqual(await orderOf(3));
  expect(await orderOf(3)).not.toEqual(await orderOf(4));
});

test("a traced create writes the good rows and says of each other what is wrong with it", async () => {
  const sandbox = await start();
  const id = idAt(sandbox.seed("contacts", [{ email: "ada@example.com" }]));
  const created = await sdk(sandbox).crm.contacts.batchApi.create({
    inputs: traced([
      { email: "new@example.com" },
      { email: "ada@example.com" },
      { email: "nonsense", lifecyclestage: "boss" },
      { email: "NEW@example.com" },
    ]),
  });
  expect(created).toBeInstanceOf(BatchResponseSimplePublicObjectWithErrors);
  expect(created).toMatchObject({
    status: "COMPLETE",
    numErrors: 3,
    results: [{ objectWriteTraceId: "0", properties: { email: "new@example.com" } }],
    errors: [
      {
        status: "error",
        category: "CONFLICT",
        message: `Contact already exists. Existing ID: ${id}`,
        context: { objectWriteTraceId: ["1"] },
      },
      {
        category: "VALIDATION_ERROR",
        message: expect.stringContaining("Property values were not valid"),
        context: { objectWriteTraceId: ["2"], propertyName: ["email", "lifecyclestage"] },
        errors: [{ code: "INVALID_EMAIL" }, { code: "INVALID_OPTION" }],
      },
      { category: "CONFLICT", context: { objectWriteTraceId: ["3"] } },
    ],
  });
  expect(sandbox.records("contacts")).toHaveLength(2);
});

test("a traced batch in which every row fails is still a 207", async () => {
  const sandbox = await start();
  const answer = await call(sandbox, "POST", `${batch}/create`, { inputs: traced([{ email: "nonsense" }]) });
  expect(answer.status).toBe(207);
  expect(await answer.json()).toMatchObject({ results: [], numErrors: 1 });
});

test("an untraced create with a conflict writes nothing", async () => {
  const sandbox = await start();
  const id = idAt(sandbox.seed("contacts", [{ email: "ada@example.com" }]));
  const inputs = [{ email: "new@example.com" }, { email: "ada@example.com" }];
  const create = sdk(sandbox).crm.contacts.batchApi.create({
    inputs: inputs.map((properties) => ({ properties, associations: [] })),
  });
  const message = `Contact already exists. Existing ID: ${id}`;
  await expect(create).rejects.toMatchObject({ code: 409, body: { category: "CONFLICT", message } });
  expect(sandbox.records("contacts")).toHaveLength(1);
  await expect(
    sdk(sandbox).crm.contacts.basicApi.create({ properties: { email: "new@example.com" }, associations: [] }),
  ).resolves.toBeDefined();
});

test("an untraced create with invalid values names the values of all the rows and writes nothing", async () => {
  const sandbox = await start();
  const inputs = [{ email: "fine@example.com" }, { email: "nonsense" }, { shoe_size: "44" }];
  const create = sdk(sandbox).crm.contacts.batchApi.create({
    inputs: inputs.map((properties) => ({ properties, associations: [] })),
  });
  const errors = [{ code: "INVALID_EMAIL" }, { code: "PROPERTY_DOESNT_EXIST" }];
  await expect(create).rejects.toMatchObject({ code: 400, body: { category: "VALIDATION_ERROR", errors } });
  expect(sandbox.records("contacts")).toEqual([]);
});

test("a batch update changes each row by its id", async () => {
  const sandbox = await start();
  const ids = sandbox.seed("contacts", people(3));
  const updated = await sdk(sandbox).crm.contacts.batchApi.update({
    inputs: ids.map((id, at) => ({ id, properties: { city: `City ${at}` } })),
  });
  expect(updated.results).toHaveLength(3);
  expect(sandbox.records("contacts").map(({ properties: { city } }) => city)).toEqual(["City 0", "City 1", "City 2"]);
});

test("an id that is missing from a traced update is an error of its row alone", async () => {
  const sandbox = await start();
  const ids = sandbox.seed("contacts", people(2));
  sandbox.archive("contacts", idAt(ids, 1));
  const inputs = [...ids, "90002"].map((id, at) => ({
    id,
    properties: { city: "Paris" },
    objectWriteTraceId: String(at),
  }));
  const updated = await sdk(sandbox).crm.contacts.batchApi.update({ inputs });
  expect(updated).toMatchObject({
    results: [{ id: idAt(ids), objectWriteTraceId: "0" }],
    numErrors: 2,
    errors: [
      {
        category: "OBJECT_NOT_FOUND",
        message: "Could not get some CONTACT objects, they may be deleted or not exist. Check that ids are valid.",
        context: { ids: [idAt(ids, 1)], objectWriteTraceId: ["1"] },
      },
      { category: "OBJECT_NOT_FOUND", context: { ids: ["90002"], objectWriteTraceId: ["2"] } },
    ],
  });
});

test("ids that are missing from an untraced update are named together, and the others are written", async () => {
  const sandbox = await start();
  const id = idAt(sandbox.seed("contacts", people(1)));
  const updated = await sdk(sandbox).crm.contacts.batchApi.update({
    inputs: ["90001", id, "90002"].map((one) => ({ id: one, properties: { city: "Paris" } })),
  });
  expect(updated).toBeInstanceOf(BatchResponseSimplePublicObjectWithErrors);
  expect(updated).toMatchObject({ results: [{ id }], errors: [{ context: { ids: ["90001", "90002"] } }] });
  expect(sandbox.records("contacts")).toMatchObject([{ properties: { city: "Paris" } }]);
});

test("an untraced update with an invalid value changes nothing", async () => {
  const sandbox = await start();
  const ids = sandbox.seed("contacts", people(2));
  const update = sdk(sandbox).crm.contacts.batchApi.update({
    inputs: ids.map((id, at) => ({ id, properties: at === 0 ? { city: "Paris" } : { opted_in: "perhaps" } })),
  });
  await expect(update).rejects.toMatchObject({ code: 400, body: { errors: [{ code: "INVALID_BOOLEAN" }] } });
  expect(sandbox.records("contacts")).toMatchObject([{ properties: { city: null } }, {}]);
});

test("an id that comes twice refuses the whole update, traced or not", async () => {
  const sandbox = await start();
  const id = idAt(sandbox.seed("contacts", people(1)));
  const inputs = ["1", "2"].map((objectWriteTraceId) => ({ id, properties: { city: "Paris" }, objectWriteTraceId }));
  await expect(sdk(sandbox).crm.contacts.batchApi.update({ inputs })).rejects.toMatchObject({
    code: 400,
    body: {
      category: "VALIDATION_ERROR",
      message: `Duplicate IDs found in batch input: [${id}]. IDs must be unique`,
    },
  });
});

test("an upsert by email updates whom it finds, creates whom it doesn't, and says which", async () => {
  const sandbox = await start();
  const id = idAt(sandbox.seed("contacts", [{ email: "ada@example.com", city: "London" }]));
  const upserted = await sdk(sandbox).crm.contacts.batchApi.upsert({
    inputs: ["Ada@Example.com", "grace@example.com"].map((email, at) => ({
      id: email,
      idProperty: "email",
      objectWriteTraceId: String(at),
      properties: { firstname: "New" },
    })),
  });
  const rows = new Map(upserted.results.map((result) => [result.objectWriteTraceId, result]));
  expect(rows.get("0")).toMatchObject({ id, _new: false });
  expect(rows.get("1")).toMatchObject({ _new: true, properties: { email: "grace@example.com" } });
  expect(sandbox.records("contacts")).toMatchObject([
    { id, properties: { city: "London", firstname: "New" } },
    { properties: { email: "grace@example.com" } },
  ]);
});

test("a traced upsert with a bad row is a multi-status with the good one in it", async () => {
  const sandbox = await start();
  const upserted = await sdk(sandbox).crm.contacts.batchApi.upsert({
    inputs: ["nonsense", "ada@example.com"].map((email, at) => ({
      id: email,
      idProperty: "email",
      objectWriteTraceId: String(at),
      properties: {},
    })),
  });
  expect(upserted).toBeInstanceOf(BatchResponseSimplePublicUpsertObjectWithErrors);
  expect(upserted).toMatchObject({
    results: [{ objectWriteTraceId: "1", _new: true }],
    errors: [{ category: "VALIDATION_ERROR", context: { objectWriteTraceId: ["0"], propertyName: ["email"] } }],
  });
});

test("one email in two cases is one id for an upsert", async () => {
  const sandbox = await start();
  const inputs = ["ada@example.com", "ADA@example.com"].map((id) => ({ id, idProperty: "email", properties: {} }));
  await expect(sdk(sandbox).crm.contacts.batchApi.upsert({ inputs })).rejects.toMatchObject({
    code: 400,
    body: { message: "Duplicate IDs found in batch input: [ada@example.com]. IDs must be unique" },
  });
});

test("an upsert by record id can't create", async () => {
  const sandbox = await start();
  const inputs = [{ id: "90001", properties: { city: "Paris" }, objectWriteTraceId: "0" }];
  await expect(sdk(sandbox).crm.contacts.batchApi.upsert({ inputs })).resolves.toMatchObject({
    results: [],
    errors: [{ category: "OBJECT_NOT_FOUND" }],
  });
});

test("a batch read gives whom it finds and names all the missing in one error", async () => {
  const sandbox = await start();
  const ids = sandbox.seed("contacts", people(2));
  const read = await sdk(sandbox).crm.contacts.batchApi.read({
    inputs: [...ids, "90001", "90002"].map((id) => ({ id })),
    properties: ["firstname", "zip"],
    propertiesWithHistory: [],
  });
  expect(read).toBeInstanceOf(BatchResponseSimplePublicObjectWithErrors);
  expect(read).toMatchObject({ numErrors: 1, errors: [{ context: { ids: ["90001", "90002"] } }] });
  const names = read.results.map(({ properties: { firstname } }) => firstname);
  expect(names.toSorted()).toEqual(["Person 0", "Person 1"]);
  expect(read.results[0]?.properties).toMatchObject({ zip: null });
});

test("a batch read goes by email when it is told to, and finds archived records only when it is told to", async () => {
  const sandbox = await start();
  const ids = sandbox.seed("contacts", people(2));
  const { batchApi } = sdk(sandbox).crm.contacts;
  const named = { properties: [], propertiesWithHistory: [] };
  const byEmail = await batchApi.read({ ...named, idProperty: "email", inputs: [{ id: "P1@example.com" }] });
  expect(byEmail.results.map(({ id }) => id)).toEqual([idAt(ids, 1)]);
  sandbox.archive("contacts", idAt(ids));
  const archived = await batchApi.read({ ...named, inputs: ids.map((id) => ({ id })) }, true);
  expect(archived.results.map(({ id }) => id)).toEqual([idAt(ids)]);
});

test("a batch archive answers nothing, and minds no missing id", async () => {
  const sandbox = await start();
  const ids = sandbox.seed("contacts", people(2));
  const archive = sdk(sandbox).crm.contacts.batchApi.archive({ inputs: [...ids, "90001"].map((id) => ({ id })) });
  await expect(archive).resolves.toBeUndefined();
  expect(sandbox.records("contacts").map(({ archived }) => archived)).toEqual([true, true]);
});

test.each(["create", "read", "update", "upsert", "archive"])(
  "a batch %s takes a hundred inputs and no more",
  async (verb) => {
    const sandbox = await start();
    const inputs = (count: number) =>
      people(count).map((properties, at) => ({ id: String(at), properties, objectWriteTraceId: String(at) }));
    const full = await call(sandbox, "POST", `${batch}/${verb}`, { inputs: inputs(100) });
    expect(full.status).toBeLessThan(300);
    const over = await call(sandbox, "POST", `${batch}/${verb}`, { inputs: inputs(101) });
    expect(over.status).toBe(400);
    expect(await over.json()).toMatchObject({ category: "VALIDATION_ERROR" });
  },
);
