// The associations of one record: made, listed and ended alone, made with the record, and read along with it.

import { AssociationSpecAssociationCategoryEnum } from "@hubspot/api-client/lib/codegen/crm/objects/models/AssociationSpec.js";
import { expect, test } from "vitest";
import { call, idAt, people, sdk, start } from "./hubspot-support.js";

const associationCategory = AssociationSpecAssociationCategoryEnum.HubspotDefined;
const dealToContact = [{ associationCategory, associationTypeId: 3 }];
const deal = { dealname: "One", dealstage: "closedwon" };

/** A contact, a company and a deal. */
async function portal() {
  const sandbox = await start();
  const contact = idAt(sandbox.seed("contacts", people(1)));
  const company = idAt(sandbox.seed("companies", [{ name: "Engines" }]));
  const dealId = idAt(sandbox.seed("deals", [deal]));
  return { sandbox, contact, company, dealId, client: sdk(sandbox).crm };
}

test("a pair is associated, listed and separated", async () => {
  const { client, contact, dealId } = await portal();
  const { basicApi } = client.associations.v4;
  const made = await basicApi.create("deals", dealId, "contacts", contact, dealToContact);
  expect(made).toMatchObject({ fromObjectTypeId: "0-3", toObjectTypeId: "0-1", labels: [] });
  const page = await basicApi.getPage("deal", dealId, "contact");
  expect(page.results).toMatchObject([{ toObjectId: Number(contact), associationTypes: [{ typeId: 3, label: null }] }]);
  expect(page.paging).toBeUndefined();
  for (let times = 0; times < 2; times++) {
    await expect(basicApi.archive("contacts", contact, "deals", dealId)).resolves.toBeUndefined();
  }
  expect((await basicApi.getPage("deals", dealId, "contacts")).results).toEqual([]);
});

test("a pair is associated plainly, without a word about how", async () => {
  const { client, contact, company } = await portal();
  const { basicApi } = client.associations.v4;
  const { results } = await basicApi.createDefault("contact", contact, "company", company);
  const typeIds = results.map(({ associationSpec }) => associationSpec.associationTypeId);
  expect(typeIds.toSorted((a, b) => a - b)).toEqual([279, 280]);
});

test.each([
  ["a record that is not there", "90001", dealToContact, /^One or more associations are invalid$/],
  ["a kind that is not there", undefined, [{ associationCategory, associationTypeId: 999 }], /are invalid$/],
  ["the other direction", undefined, [{ associationCategory, associationTypeId: 4 }], /expected: 0-1/],
  ["no kind", undefined, [], /required fields were not set: \[types\]/],
])("an association with %s is refused", async (_, to, types, message) => {
  const { client, contact, dealId } = await portal();
  const create = client.associations.v4.basicApi.create("deals", dealId, "contacts", to ?? contact, types);
  const body = { category: "VALIDATION_ERROR", message: expect.stringMatching(message) };
  await expect(create).rejects.toMatchObject({ code: 400, body });
});

test("a plain association with what is not there, or of types that have none, is refused", async () => {
  const { sandbox, client, contact } = await portal();
  const wheel = idAt(sandbox.seed("products", [{ name: "Wheel" }]));
  const { basicApi } = client.associations.v4;
  const missing = basicApi.createDefault("contacts", contact, "companies", "90001");
  await expect(missing).rejects.toMatchObject({ code: 400, body: { context: { objectId: ["90001"] } } });
  await expect(basicApi.createDefault("contacts", contact, "products", wheel)).rejects.toMatchObject({ code: 400 });
});

test("the list of a record's others comes in pages", async () => {
  const { sandbox, client, company } = await portal();
  const ids = sandbox.seed("contacts", [{}, {}, {}]);
  for (const id of ids) sandbox.associate("contacts", id, "companies", company);
  const { basicApi } = client.associations.v4;
  const first = await basicApi.getPage("companies", company, "contacts", undefined, 2);
  const after = first.paging?.next?.after;
  const path = `/crm/v4/objects/companies/${company}/associations/contacts`;
  expect(first.paging?.next?.link).toBe(`${sandbox.url}${path}?after=${after}`);
  const rest = await basicApi.getPage("companies", company, "contacts", after, 2);
  const found = [...first.results, ...rest.results].map(({ toObjectId }) => String(toObjectId));
  expect(found).toEqual(ids);
  await expect(basicApi.getPage("companies", company, "contacts", undefined, 501)).rejects.toMatchObject({ code: 400 });
  await expect(basicApi.getPage("companies", "90001", "contacts")).rejects.toMatchObject({ code: 404 });
});

test("a create makes the associations it asks for", async () => {
  const { client, contact, company } = await portal();
  const associations = [
    { to: { id: contact }, types: dealToContact },
    { to: { id: company }, types: [{ associationCategory, associationTypeId: 5 }] },
  ];
  const { id } = await client.deals.basicApi.create({ properties: deal, associations });
  const read = await client.deals.basicApi.getById(id, undefined, undefined, ["contacts", "companies"]);
  expect(read.associations).toMatchObject({
    contacts: { results: [{ id: contact, type: "deal_to_contact" }] },
    companies: {
      results: [
        { id: company, type: "deal_to_company_unlabeled" },
        { id: company, type: "deal_to_company" },
      ],
    },
  });
});

test("a create whose associations can't be creates nothing", async () => {
  const { sandbox, client, contact } = await portal();
  const { basicApi, batchApi } = client.deals;
  const associations = [{ to: { id: "90001" }, types: dealToContact }];
  const body = { category: "VALIDATION_ERROR", message: "One or more associations are invalid" };
  await expect(basicApi.create({ properties: deal, associations })).rejects.toMatchObject({ code: 400, body });
  const unknown = [{ to: { id: contact }, types: [{ associationCategory, associationTypeId: 999 }] }];
  await expect(basicApi.create({ properties: deal, associations: unknown })).rejects.toMatchObject({ code: 400, body });
  const inputs = [
    { properties: deal, associations: [] },
    { properties: deal, associations },
  ];
  await expect(batchApi.create({ inputs })).rejects.toMatchObject({ code: 400, body });
  expect(sandbox.records("deals")).toHaveLength(1);
});

test("a traced batch creates and associates each good row, and says why not of the others", async () => {
  const { sandbox, client, contact } = await portal();
  const input = (id: string) => ({
    properties: deal,
    objectWriteTraceId: id,
    associations: [{ to: { id }, types: dealToContact }],
  });
  const created = await client.deals.batchApi.create({ inputs: [input(contact), input("90001")] });
  expect(created).toMatchObject({
    results: [{ objectWriteTraceId: contact }],
    errors: [{ context: { INVALID_OBJECT_IDS: ["CONTACT=90001 is not valid"], objectWriteTraceId: ["90001"] } }],
  });
  const { results } = await client.associations.v4.basicApi.getPage("contacts", contact, "deals");
  expect(results.map(({ toObjectId }) => String(toObjectId))).toEqual([created.results[0]?.id]);
  expect(sandbox.records("deals")).toHaveLength(2);
});

test("a list reads associations along, and leaves out the types that a record has none of", async () => {
  const { sandbox, client, contact, dealId } = await portal();
  const item = idAt(sandbox.seed("line_items", [{ name: "Wheels" }]));
  sandbox.associate("deals", dealId, "line_items", item);
  sandbox.associate("deals", dealId, "contacts", contact);
  const other = idAt(sandbox.seed("deals", [deal]));
  const asked = ["line_items", "contacts", "tickets"];
  const { results } = await client.deals.basicApi.getPage(10, undefined, undefined, undefined, asked);
  expect(results.map(({ id, associations }) => ({ id, associations }))).toMatchObject([
    {
      id: dealId,
      associations: {
        "line items": { results: [{ id: item, type: "deal_to_line_item" }] },
        contacts: { results: [{ id: contact, type: "deal_to_contact" }] },
      },
    },
    { id: other, associations: undefined },
  ]);
  expect(Object.keys(results[0]?.associations ?? {})).toHaveLength(2);
});

test("a custom object goes by its full name beside a record, by its own in the kind of association", async () => {
  const { sandbox, client, contact } = await portal();
  const properties = [{ name: "model", type: "string" }] as const;
  const cars = sandbox.defineObject({ name: "cars", properties, associatedObjects: ["contacts"] });
  const car = idAt(sandbox.seed(cars, [{ model: "T" }]));
  sandbox.associate("contacts", contact, cars, car);
  const read = await client.contacts.basicApi.getById(contact, undefined, undefined, [cars]);
  expect(read.associations).toMatchObject({ p62515_cars: { results: [{ id: car, type: "contact_to_cars" }] } });
});

test("a read brings a hundred associations along, and says where the others are", async () => {
  const { sandbox, client, dealId } = await portal();
  const ids = sandbox.seed(
    "contacts",
    Array.from({ length: 101 }, () => ({})),
  );
  for (const id of ids) sandbox.associate("deals", dealId, "contacts", id);
  const read = await client.deals.basicApi.getById(dealId, undefined, undefined, ["contacts"]);
  const { results, paging } = read.associations?.["contacts"] ?? {};
  expect(results).toHaveLength(100);
  const next = await call(sandbox, "GET", paging?.next?.link?.slice(sandbox.url.length) ?? "");
  expect(await next.json()).toEqual({ results: [{ id: ids.at(-1), type: "deal_to_contact" }] });
});

test("associations of a type that is not there are refused, in a list and of one record", async () => {
  const { client, dealId } = await portal();
  const refused = { code: 400, body: { message: "Unable to infer object type from: planes" } };
  const { basicApi } = client.deals;
  await expect(basicApi.getById(dealId, [], [], ["planes"])).rejects.toMatchObject(refused);
  await expect(basicApi.getPage(10, undefined, [], [], ["planes"])).rejects.toMatchObject(refused);
});

test("an admin who associates what is not there is told so at once", async () => {
  const { sandbox, contact } = await portal();
  expect(() => sandbox.associate("contacts", contact, "deals", "90001")).toThrow(/can't associate/);
});
