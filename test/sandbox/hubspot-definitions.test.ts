// What discovery can learn of the properties.

import { expect, test } from "vitest";
import { sdk, start } from "./hubspot-support.js";

async function definitions() {
  const sandbox = await start();
  const { results } = await sdk(sandbox).crm.properties.coreApi.getAll("contacts");
  return new Map(results.map((property) => [property.name, property]));
}

test("every type of value has a definition that a mirror can tell by its type and field type", async () => {
  const all = await definitions();
  const types = ["firstname", "phone", "annualrevenue", "opted_in", "renewal_date", "last_visit"].map((name) => {
    const property = all.get(name);
    return `${property?.type} ${property?.fieldType}`;
  });
  expect(types).toEqual([
    "string text",
    "string phonenumber",
    "number number",
    "bool booleancheckbox",
    "date date",
    "datetime date",
  ]);
});

test("an enumeration lists its options; one whose options live elsewhere lists none and says so", async () => {
  const all = await definitions();
  expect(all.get("lifecyclestage")).toMatchObject({ type: "enumeration", externalOptions: false });
  expect(all.get("lifecyclestage")?.options.map(({ value }) => value)).toContain("marketingqualifiedlead");
  expect(all.get("interests")).toMatchObject({ type: "enumeration", fieldType: "checkbox" });
  expect(all.get("hubspot_owner_id")).toMatchObject({
    externalOptions: true,
    options: [],
    referencedObjectType: "OWNER",
  });
});

test("read-only properties say so, and computed ones as well", async () => {
  const all = await definitions();
  expect(all.get("createdate")).toMatchObject({ calculated: false, modificationMetadata: { readOnlyValue: true } });
  expect(all.get("hs_email_domain")).toMatchObject({ calculated: true, modificationMetadata: { readOnlyValue: true } });
  expect(all.get("city")).toMatchObject({ calculated: false, modificationMetadata: { readOnlyValue: false } });
  const custom = { archivable: true, readOnlyDefinition: false };
  expect(all.get("renewal_date")).toMatchObject({ modificationMetadata: custom });
});

test("the email is the one unique property of a contact", async () => {
  const unique = [...(await definitions()).values()].filter(({ hasUniqueValue }) => hasUniqueValue);
  expect(unique.map(({ name }) => name)).toEqual(["email"]);
});

test("one definition is the same as in the list, and an unknown one is not found", async () => {
  const sandbox = await start();
  const { coreApi } = sdk(sandbox).crm.properties;
  const { results } = await coreApi.getAll("companies");
  expect(await coreApi.getByName("companies", "domain")).toEqual(results.find(({ name }) => name === "domain"));
  await expect(coreApi.getByName("companies", "shoe_size")).rejects.toMatchObject({
    code: 404,
    body: { category: "OBJECT_NOT_FOUND" },
  });
});
