// Associations in batches, from one type of objects to another, as HubSpot's own SDK sees them.

import { ApiException } from "@hubspot/api-client/lib/codegen/crm/associations/v4/apis/exception.js";
import { AssociationSpecAssociationCategoryEnum } from "@hubspot/api-client/lib/codegen/crm/associations/v4/models/AssociationSpec.js";
import { BatchResponseLabelsBetweenObjectPairWithErrors } from "@hubspot/api-client/lib/codegen/crm/associations/v4/models/BatchResponseLabelsBetweenObjectPairWithErrors.js";
import { BatchResponsePublicAssociationMultiWithLabelWithErrors } from "@hubspot/api-client/lib/codegen/crm/associations/v4/models/BatchResponsePublicAssociationMultiWithLabelWithErrors.js";
import { expect, test } from "vitest";
import { call, idAt, people, sdk, start } from "./hubspot-support.js";

const { HubspotDefined, UserDefined } = AssociationSpecAssociationCategoryEnum;
const path = "/crm/v4/associations/contacts/companies";

function hubspots(...ids: readonly number[]) {
  return ids.map((associationTypeId) => ({ associationCategory: HubspotDefined, associationTypeId }));
}

function pair(from: string, to: string, ...ids: readonly number[]) {
  return { _from: { id: from }, to: { id: to }, types: hubspots(...ids) };
}

/** Two contacts and two companies. */
async function portal() {
  const sandbox = await start();
  const [ada = "", grace = ""] = sandbox.seed("contacts", people(2));
  const [engines = "", compilers = ""] = sandbox.seed("companies", [{ name: "Engines" }, { name: "Compilers" }]);
  const { batchApi, schema } = sdk(sandbox).crm.associations.v4;
  /** Whom a batch read finds, with the ids of how. */
  const others = async (from: string, to: string, id: string) => {
    const { results } = await batchApi.getPage(from, to, { inputs: [{ id }] });
    return results.flatMap((result) =>
      result.to.map(({ toObjectId, associationTypes }) => ({
        id: String(toObjectId),
        types: associationTypes.map(({ typeId }) => typeId).toSorted((a, b) => a - b),
      })),
    );
  };
  return { sandbox, batchApi, schema, others, ada, grace, engines, compilers };
}

test("a labelled association comes with the unlabelled one, and is seen from both sides", async () => {
  const { batchApi, others, ada, engines } = await portal();
  const created = await batchApi.create("contacts", "companies", { inputs: [pair(ada, engines, 1)] });
  expect(created).toMatchObject({
    status: "COMPLETE",
    results: [
      {
        fromObjectTypeId: "0-1",
        fromObjectId: Number(ada),
        toObjectTypeId: "0-2",
        toObjectId: Number(engines),
        labels: ["Primary"],
      },
    ],
  });
  expect(await others("contacts", "companies", ada)).toEqual([{ id: engines, types: [1, 279] }]);
  expect(await others("company", "0-1", engines)).toEqual([{ id: ada, types: [2, 280] }]);
});

test("the first company is the primary one unasked, and there is never more than one", async () => {
  const { batchApi, others, ada, engines, compilers } = await portal();
  await batchApi.create("contacts", "companies", { inputs: [pair(ada, engines, 279), pair(ada, compilers, 279)] });
  expect(await others("contacts", "companies", ada)).toEqual([
    { id: engines, types: [1, 279] },
    { id: compilers, types: [279] },
  ]);
  await batchApi.create("companies", "contacts", { inputs: [pair(compilers, ada, 2)] });
  expect(await others("contacts", "companies", ada)).toEqual([
    { id: engines, types: [279] },
    { id: compilers, types: [1, 279] },
  ]);
});

test("rows whose records are missing are errors beside the others", async () => {
  const { batchApi, others, ada, grace, engines } = await portal();
  const created = await batchApi.create("contacts", "companies", {
    inputs: [pair(ada, engines, 279), pair("90001", engines, 279), pair(grace, "90002", 279)],
  });
  expect(created).toBeInstanceOf(BatchResponseLabelsBetweenObjectPairWithErrors);
  const error = { status: "error", category: "VALIDATION_ERROR", message: "One or more associations are invalid" };
  expect(created).toMatchObject({
    numErrors: 2,
    results: [{ fromObjectId: Number(ada) }],
    errors: [
      {
        ...error,
        context: {
          INVALID_OBJECT_IDS: ["CONTACT=90001 is not valid"],
          objectId: ["90001"],
          objectType: ["CONTACT"],
          fromObjectId: ["90001"],
          toObjectId: [engines],
        },
      },
      { ...error, context: { INVALID_OBJECT_IDS: ["COMPANY=90002 is not valid"], fromObjectId: [grace] } },
    ],
  });
  expect(await others("contacts", "companies", ada)).toHaveLength(1);
});

test.each([
  ["no kind there is", UserDefined, 3, /associations are invalid/],
  ["the other direction", HubspotDefined, 280, /from object type 0-1 .* expected: 0-2. For definition 0-280/],
  ["another type at the end", HubspotDefined, 4, /to object type 0-2 .* expected: 0-3/],
])("a row with %s is an error of its own", async (_, associationCategory, associationTypeId, message) => {
  const { sandbox, ada, engines } = await portal();
  const types = [{ associationCategory, associationTypeId }];
  const inputs = [{ from: { id: ada }, to: { id: engines }, types }];
  const answer = await call(sandbox, "POST", `${path}/batch/create`, { inputs });
  expect(answer.status).toBe(207);
  expect(await answer.json()).toMatchObject({ results: [], errors: [{ message: expect.stringMatching(message) }] });
});

test("plain associations answer both of their directions", async () => {
  const { batchApi, others, ada, engines } = await portal();
  const inputs = [{ _from: { id: ada }, to: { id: engines } }];
  const { results } = await batchApi.createDefault("contacts", "companies", { inputs });
  const bySide = new Map(results.map((result) => [result._from.id, result]));
  expect(bySide.get(ada)).toMatchObject({ to: { id: engines }, associationSpec: hubspots(279)[0] });
  expect(bySide.get(engines)).toMatchObject({ to: { id: ada }, associationSpec: hubspots(280)[0] });
  expect(await others("contacts", "companies", ada)).toEqual([{ id: engines, types: [1, 279] }]);
});

test("plain associations that can't be are a multi-status, which the SDK takes for an exception", async () => {
  const { sandbox, batchApi, ada, engines } = await portal();
  const wheel = idAt(sandbox.seed("products", [{ name: "Wheel" }]));
  const impossible = batchApi.createDefault("contacts", "products", {
    inputs: [{ _from: { id: ada }, to: { id: wheel } }],
  });
  const refused = await impossible.catch((cause: unknown) => cause);
  expect(refused).toBeInstanceOf(ApiException);
  const message = "No default association exists between CONTACT and PRODUCT";
  expect(refused).toMatchObject({ code: 207 });
  const inputs = [
    { from: { id: ada }, to: { id: wheel } },
    { from: { id: ada }, to: { id: "90001" } },
  ];
  const products = await call(sandbox, "POST", "/crm/v4/associations/0-1/0-7/batch/associate/default", { inputs });
  expect(await products.json()).toMatchObject({
    numErrors: 2,
    errors: [{ message }, { context: { objectId: ["90001"] } }],
  });
  const half = { inputs: [{ from: { id: ada }, to: { id: engines } }, ...inputs.slice(1)] };
  const companies = await call(sandbox, "POST", `${path}/batch/associate/default`, half);
  expect(companies.status).toBe(207);
  expect(await companies.json()).toMatchObject({ results: [{}, {}], numErrors: 1 });
});

test("a batch read tells the labels, and names each record that has nothing associated", async () => {
  const { sandbox, batchApi, ada, grace, engines } = await portal();
  sandbox.associate("contacts", ada, "companies", engines);
  const read = await batchApi.getPage("contacts", "companies", { inputs: [{ id: grace }, { id: ada }] });
  expect(read).toBeInstanceOf(BatchResponsePublicAssociationMultiWithLabelWithErrors);
  expect(read).toMatchObject({
    numErrors: 1,
    results: [
      {
        _from: { id: ada },
        to: [
          {
            toObjectId: Number(engines),
            associationTypes: [
              { category: "HUBSPOT_DEFINED", typeId: 279, label: null },
              { category: "HUBSPOT_DEFINED", typeId: 1, label: "Primary" },
            ],
          },
        ],
      },
    ],
    errors: [
      {
        status: "error",
        category: "OBJECT_NOT_FOUND",
        subCategory: "crm.associations.NO_ASSOCIATIONS_FOUND",
        message: `No company is associated with contact ${grace}.`,
        context: { fromObjectId: [grace], fromObjectType: ["contact"], toObjectType: ["company"] },
      },
    ],
  });
});

test("a batch read gives five hundred of a record's others, and goes on where it is told to", async () => {
  const { sandbox, batchApi, ada, engines } = await portal();
  const ids = sandbox.seed(
    "contacts",
    people(502).map(({ firstname }) => ({ firstname })),
  );
  for (const id of ids) sandbox.associate("companies", engines, "contacts", id);
  sandbox.associate("contacts", ada, "companies", engines);
  const first = await batchApi.getPage("companies", "contacts", { inputs: [{ id: engines }] });
  const [page] = first.results;
  const after = page?.paging?.next?.after;
  expect(page?.to).toHaveLength(500);
  expect(after).toBe(String(page?.to.at(-1)?.toObjectId));
  const rest = await batchApi.getPage("companies", "contacts", { inputs: [{ id: engines, ...(after && { after }) }] });
  expect(rest.results).toMatchObject([{ _from: { id: engines }, to: [{}, {}, {}] }]);
  expect(rest.results[0]?.paging).toBeUndefined();
});

test("a batch archive separates pairs, and minds none that are not associated", async () => {
  const { sandbox, batchApi, others, ada, grace, engines, compilers } = await portal();
  for (const id of [engines, compilers]) sandbox.associate("contacts", ada, "companies", id);
  sandbox.associate("contacts", grace, "companies", engines);
  const to = [engines, compilers, "90001"].map((id) => ({ id }));
  const archive = batchApi.archive("contacts", "companies", { inputs: [{ _from: { id: ada }, to }] });
  await expect(archive).resolves.toBeUndefined();
  expect(await others("contacts", "companies", ada)).toEqual([]);
  expect(await others("companies", "contacts", engines)).toEqual([{ id: grace, types: [2, 280] }]);
});

test("archiving a label leaves the pair associated", async () => {
  const { batchApi, others, ada, engines } = await portal();
  const inputs = [pair(ada, engines, 1)];
  await batchApi.create("contacts", "companies", { inputs });
  await expect(batchApi.archiveLabels("contacts", "companies", { inputs })).resolves.toBeUndefined();
  expect(await others("contacts", "companies", ada)).toEqual([{ id: engines, types: [279] }]);
  expect(await others("companies", "contacts", engines)).toEqual([{ id: ada, types: [280] }]);
  const unknown = batchApi.archiveLabels("contacts", "companies", { inputs: [pair(ada, engines, 999)] });
  await expect(unknown).rejects.toMatchObject({ code: 400, body: { message: "One or more associations are invalid" } });
});

test("a record that is archived loses its associations, on both sides", async () => {
  const { sandbox, others, ada, grace, engines } = await portal();
  for (const id of [ada, grace]) sandbox.associate("contacts", id, "companies", engines);
  await sdk(sandbox).crm.contacts.basicApi.archive(ada);
  expect(await others("companies", "contacts", engines)).toEqual([{ id: grace, types: [2, 280] }]);
  await sdk(sandbox).crm.companies.batchApi.archive({ inputs: [{ id: engines }] });
  expect(await others("contacts", "companies", grace)).toEqual([]);
});

test("labels are HubSpot's own and those that an admin makes, each with its other direction", async () => {
  const { batchApi, schema, others, ada, engines } = await portal();
  const before = await schema.definitionsApi.getAll("contacts", "companies");
  expect(before.results).toMatchObject([
    { category: "HUBSPOT_DEFINED", typeId: 279, label: null },
    { category: "HUBSPOT_DEFINED", typeId: 1, label: "Primary" },
  ]);
  const label = { label: "Billing contact", inverseLabel: "Billed company", name: "billing" };
  const made = await schema.definitionsApi.create("contacts", "companies", label);
  expect(made.results).toMatchObject([
    { category: "USER_DEFINED", typeId: 1, label: "Billing contact" },
    { category: "USER_DEFINED", typeId: 2, label: "Billed company" },
  ]);
  const back = await schema.definitionsApi.getAll("companies", "contacts");
  expect(back.results.map((one) => one.label)).toEqual([null, "Contact with Primary Company", "Billed company"]);
  const types = [{ associationCategory: UserDefined, associationTypeId: 1 }];
  await batchApi.create("contacts", "companies", { inputs: [{ ...pair(ada, engines), types }] });
  expect(await others("companies", "contacts", engines)).toEqual([{ id: ada, types: [2, 2, 280] }]);
});

test("a label that is there already is a conflict, and ten are the most", async () => {
  const { schema } = await portal();
  const create = (label: string) => schema.definitionsApi.create("deals", "contacts", { label, name: "x" });
  for (let at = 0; at < 10; at++) await create(`Label ${at}`);
  await expect(create("Label 3")).rejects.toMatchObject({ code: 409, body: { category: "CONFLICT" } });
  await expect(create("Label 10")).rejects.toMatchObject({ code: 400 });
});

test.each([
  ["create", 2000],
  ["associate/default", 2000],
  ["read", 1000],
  ["archive", 2000],
  ["labels/archive", 2000],
])("a batch %s takes %i inputs and no more", async (verb, most) => {
  const { sandbox } = await portal();
  const inputs = (count: number) =>
    Array.from({ length: count }, (_, at) => ({
      id: String(at),
      from: { id: String(at) },
      to: verb === "archive" ? [{ id: "1" }] : { id: "1" },
      types: hubspots(279),
    }));
  const full = await call(sandbox, "POST", `${path}/batch/${verb}`, { inputs: inputs(most) });
  expect(full.status).toBeLessThan(300);
  const over = await call(sandbox, "POST", `${path}/batch/${verb}`, { inputs: inputs(most + 1) });
  expect(over.status).toBe(400);
  expect(await over.json()).toMatchObject({ category: "VALIDATION_ERROR" });
});

test("a custom object is associated with those that its schema names", async () => {
  const { sandbox, batchApi, others, ada } = await portal();
  const properties = [{ name: "model", type: "string" }] as const;
  const cars = sandbox.defineObject({ name: "cars", properties, associatedObjects: ["contacts"] });
  const car = idAt(sandbox.seed(cars, [{ model: "T" }]));
  await batchApi.createDefault(cars, "contacts", { inputs: [{ _from: { id: car }, to: { id: ada } }] });
  expect(await others("contacts", "p62515_cars", ada)).toEqual([{ id: car, types: [2] }]);
});
