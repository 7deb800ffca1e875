// What may be written into a property, how it reads back, and how it is refused.

import { expect, test } from "vitest";
import { call, idAt, sdk, start } from "./hubspot-support.js";

test.each([
  { property: "annualrevenue", written: "1500.00", kept: "1500.00" },
  { property: "renewal_date", written: "2026-06-30", kept: "2026-06-30" },
  { property: "renewal_date", written: "1782777600000", kept: "2026-06-30" },
  { property: "last_visit", written: "2026-06-30T14:00:00+02:00", kept: "2026-06-30T12:00:00.000Z" },
  { property: "last_visit", written: "1782820800123", kept: "2026-06-30T12:00:00.123Z" },
  { property: "opted_in", written: "true", kept: "true" },
  { property: "interests", written: "pricing;events", kept: "pricing;events" },
  { property: "lifecyclestage", written: "lead", kept: "lead" },
  { property: "hubspot_owner_id", written: "12345", kept: "12345" },
  { property: "date_of_birth", written: "in spring", kept: "in spring" },
])("$written in $property reads back as $kept", async ({ property, written, kept }) => {
  const sandbox = await start();
  const id = idAt(sandbox.seed("contacts", [{ [property]: written }]));
  const read = await sdk(sandbox).crm.contacts.basicApi.getById(id, [property]);
  expect(read.properties[property]).toBe(kept);
});

test.each([
  { property: "shoe_size", value: "44", code: "PROPERTY_DOESNT_EXIST" },
  { property: "hs_object_id", value: "1", code: "READ_ONLY_VALUE" },
  { property: "hs_email_domain", value: "example.com", code: "READ_ONLY_VALUE" },
  { property: "email", value: "ada@example", code: "INVALID_EMAIL" },
  { property: "annualrevenue", value: "a lot", code: "INVALID_INTEGER" },
  { property: "annualrevenue", value: "1.4e-14", code: "INVALID_INTEGER" },
  { property: "hubspot_owner_id", value: "ada", code: "INVALID_INTEGER" },
  { property: "lifecyclestage", value: "Lead", code: "INVALID_OPTION" },
  { property: "interests", value: "events;golf", code: "INVALID_OPTION" },
  { property: "opted_in", value: "yes", code: "INVALID_BOOLEAN" },
  { property: "renewal_date", value: "30/06/2026", code: "INVALID_DATE" },
  { property: "renewal_date", value: "2026-02-30", code: "INVALID_DATE" },
  { property: "renewal_date", value: "1782820800123", code: "INVALID_DATE" },
  { property: "renewal_date", value: "2026-06-30T00:00:00Z", code: "INVALID_DATE" },
  { property: "last_visit", value: "2026-06-30T12:00:00", code: "INVALID_DATE" },
  { property: "last_visit", value: "99999999999999999", code: "INVALID_DATE" },
])("$value in $property is refused with $code", async ({ property, value, code }) => {
  const sandbox = await start();
  const create = sdk(sandbox).crm.contacts.basicApi.create({ properties: { [property]: value }, associations: [] });
  await expect(create).rejects.toMatchObject({
    code: 400,
    body: { category: "VALIDATION_ERROR", errors: [{ code, context: { propertyName: [property] } }] },
  });
  expect(sandbox.records("contacts")).toEqual([]);
});

test("all that is wrong with a record comes in one answer, in the list and as JSON in the message", async () => {
  const sandbox = await start();
  const answer = await call(sandbox, "POST", "/crm/v3/objects/contacts", {
    properties: { email: "nonsense", shoe_size: "44", city: "Paris" },
  });
  const message = expect.stringMatching(
    /^Property values were not valid: \[\{"isValid":false,.*"error":"INVALID_EMAIL","name":"email",.*\}\]$/,
  );
  expect(await answer.json()).toEqual({
    status: "error",
    category: "VALIDATION_ERROR",
    message,
    correlationId: expect.any(String),
    errors: [
      {
        message: "Email address nonsense is invalid",
        code: "INVALID_EMAIL",
        context: { propertyName: ["email"] },
      },
      {
        message: 'Property "shoe_size" does not exist',
        code: "PROPERTY_DOESNT_EXIST",
        context: { propertyName: ["shoe_size"] },
      },
    ],
  });
});

test("numbers and booleans are taken for their text, null and objects are not", async () => {
  const sandbox = await start();
  const path = "/crm/v3/objects/contacts";
  const good = await call(sandbox, "POST", path, { properties: { annualrevenue: 12.5, opted_in: true } });
  expect(await good.json()).toMatchObject({ properties: { annualrevenue: "12.5", opted_in: "true" } });
  for (const properties of [{ city: null }, { city: {} }, "city", undefined]) {
    const bad = await call(sandbox, "POST", path, { properties });
    expect(bad.status).toBe(400);
  }
});
