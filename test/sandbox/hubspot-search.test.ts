// What a search finds, in which order, and where it ends.

import { FilterOperatorEnum } from "@hubspot/api-client/lib/codegen/crm/contacts/models/Filter.js";
import { expect, test } from "vitest";
import { call, idAt, people, sdk, start } from "./hubspot-support.js";

const path = "/crm/v3/objects/contacts/search";

const rows = [
  { email: "ada@example.com", firstname: "Ada", annualrevenue: "900", renewal_date: "2026-01-31" },
  { email: "grace@example.com", firstname: "Grace", annualrevenue: "1000.5", renewal_date: "2026-02-28" },
  { email: "alan@example.com", firstname: "Alan", lifecyclestage: "lead" },
];

const has = { propertyName: "email", operator: "HAS_PROPERTY" };

/** The first names that one filter finds. */
async function found(operator: FilterOperatorEnum, propertyName: string, values: readonly string[] = []) {
  const sandbox = await start();
  sandbox.seed("contacts", rows);
  const [value, highValue] = values;
  const listed = operator === FilterOperatorEnum.In || operator === FilterOperatorEnum.NotIn;
  const operands = { ...(value === undefined ? {} : { value }), ...(highValue === undefined ? {} : { highValue }) };
  const filter = listed ? { values: [...values] } : operands;
  const answer = await sdk(sandbox).crm.contacts.searchApi.doSearch({
    filterGroups: [{ filters: [{ propertyName, operator, ...filter }] }],
  });
  expect(answer.total).toBe(answer.results.length);
  return answer.results.map(({ properties: { firstname } }) => firstname);
}

test.each([
  { operator: FilterOperatorEnum.Eq, property: "email", values: ["ADA@example.com"], names: ["Ada"] },
  { operator: FilterOperatorEnum.Eq, property: "annualrevenue", values: ["900.0"], names: ["Ada"] },
  { operator: FilterOperatorEnum.Gt, property: "annualrevenue", values: ["900"], names: ["Grace"] },
  { operator: FilterOperatorEnum.Gte, property: "annualrevenue", values: ["900"], names: ["Ada", "Grace"] },
  { operator: FilterOperatorEnum.Lt, property: "annualrevenue", values: ["1000.5"], names: ["Ada"] },
  { operator: FilterOperatorEnum.Lte, property: "renewal_date", values: ["2026-01-31"], names: ["Ada"] },
  { operator: FilterOperatorEnum.In, property: "firstname", values: ["ada", "alan"], names: ["Ada", "Alan"] },
  { operator: FilterOperatorEnum.In, property: "firstname", values: ["Ada"], names: [] },
  { operator: FilterOperatorEnum.In, property: "annualrevenue", values: ["900.0", "1"], names: ["Ada"] },
  { operator: FilterOperatorEnum.NotIn, property: "firstname", values: ["ada", "alan"], names: ["Grace"] },
  { operator: FilterOperatorEnum.NotIn, property: "lifecyclestage", values: ["customer"], names: ["Alan"] },
  { operator: FilterOperatorEnum.Neq, property: "annualrevenue", values: ["900"], names: ["Grace"] },
  { operator: FilterOperatorEnum.Between, property: "annualrevenue", values: ["900", "1000"], names: ["Ada"] },
  {
    operator: FilterOperatorEnum.Between,
    property: "renewal_date",
    values: ["2026-01-31", "2026-02-28"],
    names: ["Ada", "Grace"],
  },
  { operator: FilterOperatorEnum.HasProperty, property: "lifecyclestage", values: [], names: ["Alan"] },
  { operator: FilterOperatorEnum.NotHasProperty, property: "annualrevenue", values: [], names: ["Alan"] },
  { operator: FilterOperatorEnum.ContainsToken, property: "email", values: ["ADA"], names: ["Ada"] },
  { operator: FilterOperatorEnum.ContainsToken, property: "email", values: ["gra"], names: [] },
  { operator: FilterOperatorEnum.ContainsToken, property: "email", values: ["gra*"], names: ["Grace"] },
  { operator: FilterOperatorEnum.ContainsToken, property: "email", values: ["a*@example.com"], names: ["Ada", "Alan"] },
  { operator: FilterOperatorEnum.NotContainsToken, property: "email", values: ["a*@*"], names: ["Grace"] },
])("$operator $values on $property finds $names", async ({ operator, property, values, names }) => {
  expect(await found(operator, property, values)).toEqual(names);
});

test("a query finds the beginnings of words in the properties that stand for a record", async () => {
  const sandbox = await start();
  sandbox.seed("contacts", [...rows, { firstname: "Adam", city: "Graceland" }]);
  const { searchApi } = sdk(sandbox).crm.contacts;
  const names = async (query: string) =>
    (await searchApi.doSearch({ query })).results.map(({ properties: { firstname } }) => firstname);
  expect(await names("ada")).toEqual(["Ada", "Adam"]);
  expect(await names("Grace exam")).toEqual(["Grace"]);
});

test("filters of a group must all match, of several groups one", async () => {
  const sandbox = await start();
  sandbox.seed("contacts", rows);
  const eq = (propertyName: string, value: string) => ({ propertyName, operator: FilterOperatorEnum.Eq, value });
  const answer = await sdk(sandbox).crm.contacts.searchApi.doSearch({
    filterGroups: [
      { filters: [eq("firstname", "Ada"), eq("annualrevenue", "1000.5")] },
      { filters: [eq("firstname", "Alan")] },
    ],
  });
  expect(answer.results).toMatchObject([{ properties: { firstname: "Alan" } }]);
});

test("changes since a time come oldest first, over as many pages as they fill", async () => {
  const sandbox = await start();
  const ids = sandbox.seed("contacts", people(5));
  const { basicApi, searchApi } = sdk(sandbox).crm.contacts;
  const since = (await basicApi.getById(idAt(ids))).createdAt.getTime();
  sandbox.edit("contacts", idAt(ids), { city: "Paris" });
  const seen: { readonly id: string; readonly updatedAt: Date }[] = [];
  for (let after: string | undefined = "0"; after !== undefined; ) {
    const page = await searchApi.doSearch({ ...changedSince(since), sorts: ["lastmodifieddate"], limit: 2, after });
    expect(page.total).toBe(5);
    seen.push(...page.results);
    after = page.paging?.next?.after;
  }
  expect(seen.map(({ id }) => id).toSorted()).toEqual(ids);
  const times = seen.map(({ updatedAt }) => updatedAt.getTime());
  expect(times).toEqual(times.toSorted((a, b) => a - b));
});

test("a search takes sorts as objects and after as a number, as HubSpot's guide writes them", async () => {
  const sandbox = await start();
  const ids = sandbox.seed("contacts", people(3));
  const sorts = [{ propertyName: "email", direction: "DESCENDING" }];
  const answer = await call(sandbox, "POST", path, {
    ...changedSince(0),
    sorts,
    limit: 2,
    after: 1,
    properties: ["zip"],
  });
  expect(await answer.json()).toMatchObject({ results: [{ id: idAt(ids, 1) }, { id: idAt(ids) }] });
});

function changedSince(ms: number) {
  const operator = FilterOperatorEnum.Gte;
  return { filterGroups: [{ filters: [{ propertyName: "lastmodifieddate", operator, value: String(ms) }] }] };
}

test("a search sorts either way by name, without a value last and ids breaking ties", async () => {
  const sandbox = await start();
  const [ada, grace, alan] = sandbox.seed("contacts", rows);
  const { searchApi } = sdk(sandbox).crm.contacts;
  const order = async (sorts: string[]) => (await searchApi.doSearch({ sorts })).results.map(({ id }) => id);
  expect(await order(["annualrevenue"])).toEqual([ada, grace, alan]);
  expect(await order(["-annualrevenue"])).toEqual([grace, ada, alan]);
  expect(await order(["country"])).toEqual([ada, grace, alan]);
});

test("a search never finds the archived", async () => {
  const sandbox = await start();
  const ids = sandbox.seed("contacts", people(2));
  sandbox.archive("contacts", idAt(ids));
  const answer = await sdk(sandbox).crm.contacts.searchApi.doSearch({});
  expect(answer.results.map(({ id }) => id)).toEqual([idAt(ids, 1)]);
});

test("a search ends at the ten thousandth result, however many there are", async () => {
  const sandbox = await start();
  sandbox.seed("contacts", people(10_001));
  const { searchApi } = sdk(sandbox).crm.contacts;
  const last = await searchApi.doSearch({ limit: 200, after: "9800" });
  expect(last).toMatchObject({ total: 10_001, paging: { next: { after: "10000" } } });
  const beyond = searchApi.doSearch({ limit: 200, after: "10000" });
  await expect(beyond).rejects.toMatchObject({ code: 400, body: { category: "VALIDATION_ERROR" } });
});

test.each([
  ["a page of more than two hundred", { limit: 201 }],
  [
    "a property that does not exist",
    { filterGroups: [{ filters: [{ propertyName: "x", operator: "HAS_PROPERTY" }] }] },
  ],
  ["an operator that does not exist", { filterGroups: [{ filters: [{ propertyName: "zip", operator: "LIKE" }] }] }],
  [
    "a time that is none",
    { filterGroups: [{ filters: [{ propertyName: "createdate", operator: "GT", value: "now" }] }] },
  ],
  ["a list without values", { filterGroups: [{ filters: [{ propertyName: "zip", operator: "IN" }] }] }],
  ["half a range", { filterGroups: [{ filters: [{ propertyName: "zip", operator: "BETWEEN", value: "1" }] }] }],
  ["six groups", { filterGroups: Array(6).fill({ filters: [has] }) }],
  ["seven filters in a group", { filterGroups: [{ filters: Array(7).fill(has) }] }],
  ["nineteen filters", { filterGroups: Array(4).fill({ filters: Array(5).fill(has) }) }],
])("a search refuses %s", async (_, body) => {
  const sandbox = await start();
  const answer = await call(sandbox, "POST", path, body);
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({ status: "error", category: "VALIDATION_ERROR" });
});
