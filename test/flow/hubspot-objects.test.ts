// HubSpot as a whole: every object type, custom objects by discovery, and associations as tables; two accounts in one config.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type HubspotSandbox, startHubspotSandbox } from "../../packages/sandbox/src/hubspot/server.js";
import { migrateAll } from "../../src/app/migrate.js";
import { open, readConfig } from "../../src/app/open.js";
import { refused } from "../support/answers.js";
import { makeDatabase, type TestDatabase } from "../support/database.js";
import { type ServedStack, serveStack } from "../support/served-stack.js";

const folder = mkdtempSync(join(tmpdir(), "throughline-hubspot-"));
const config = `
listen: { address: 127.0.0.1:0 }
postgres: { url: "\${DATABASE_URL}", connections: 4, grant: { app: [select, insert, update, delete] } }
apis:
  hubspot:
    base: \${MAIN}
    token: \${TOKEN}
    tables: [contacts, companies, deals, tickets, products, line_items, cars, contacts_companies, deals_contacts]
  hubspot_eu:
    connector: hubspot
    base: \${EU}
    token: \${EU_TOKEN}
    tables: [contacts]
log: { level: error }
`;

let database: TestDatabase;
let main: HubspotSandbox;
let eu: HubspotSandbox;
let stack: ServedStack;
beforeAll(async () => {
  const rate = { calls: 10_000, perMs: 10_000 };
  main = await startHubspotSandbox({ seed: 0, rate, token: "main" });
  eu = await startHubspotSandbox({ seed: 7, rate, token: "eu" });
  main.defineObject({
    name: "cars",
    requiredProperties: ["vin"],
    properties: [
      { name: "vin", label: "VIN", type: "string", fieldType: "text", hasUniqueValue: true },
      { name: "doors", label: "Doors", type: "number", fieldType: "number" },
    ],
  });
  const path = join(folder, "throughline.yaml");
  writeFileSync(path, config);
  database = await makeDatabase();
  const env = {
    DATABASE_URL: database.urlOf("throughline"),
    MAIN: main.url,
    EU: eu.url,
    TOKEN: "main",
    EU_TOKEN: "eu",
  };
  const opened = open(readConfig(path, env));
  await migrateAll(opened, { dryRun: false });
  stack = await serveStack(database, opened, true);
});
afterAll(async () => {
  await stack.close();
  await main.close();
  await eu.close();
  await database.drop();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  main.clearLog();
  eu.clearLog();
});

const writes = (sandbox: HubspotSandbox) =>
  sandbox.log
    .filter(({ method, path }) => method !== "GET" && !path.endsWith("/batch/read"))
    .map(({ method, path }) => `${method} ${path}`);

const created: readonly (readonly [string, string, object])[] = [
  [
    "companies",
    "insert into hubspot.companies (name, domain) values ('Analytical', 'a.example') returning name, domain",
    { name: "Analytical", domain: "a.example" },
  ],
  [
    "deals",
    "insert into hubspot.deals (dealname, dealstage, amount) values ('engine', 'appointmentscheduled', 1500.50) returning dealname, amount",
    { dealname: "engine", amount: "1500.50" },
  ],
  [
    "tickets",
    "insert into hubspot.tickets (subject, hs_pipeline_stage) values ('it stops', '1') returning subject",
    { subject: "it stops" },
  ],
  [
    "products",
    "insert into hubspot.products (name, price) values ('cog', 2.5) returning name, price",
    { name: "cog", price: "2.5" },
  ],
  [
    "line_items",
    "insert into hubspot.line_items (name, quantity) values ('cogs', 3) returning name, quantity",
    { name: "cogs", quantity: "3" },
  ],
  ["2-101", "insert into hubspot.cars (vin, doors) values ('V1', 4) returning vin, doors", { vin: "V1", doors: "4" }],
];

test.each(created)("P3: a record of %s is created, changed and deleted, each by one call", async (type, sql, row) => {
  const client = await stack.client();
  const made = await client.query(sql.replace("returning", "returning id,"));
  const [{ id, ...rest }] = made.rows;
  expect(rest).toEqual(row);
  const table = /into (\S+)/.exec(sql)?.[1] ?? "";
  const [column] = Object.keys(row);
  const changed = await client.query(`update ${table} set ${column} = 'other' where id = $1 returning ${column}`, [id]);
  expect(changed.rows).toEqual([{ [column ?? ""]: "other" }]);
  await client.query(`delete from ${table} where id = $1`, [id]);
  expect(writes(main)).toEqual([
    `POST /crm/v3/objects/${type}`,
    `PATCH /crm/v3/objects/${type}/${id}`,
    `DELETE /crm/v3/objects/${type}/${id}`,
  ]);
});

test("P5: a missing value that a custom object requires is refused before anything is sent", async () => {
  const client = await stack.client();
  expect(await refused(client.query("insert into hubspot.cars (doors) values (2)"))).toMatchObject({
    code: "23502",
    schema: "hubspot",
    table: "cars",
    column: "vin",
  });
  expect(main.log).toEqual([]);
});

test("associations are rows: made, found by a pull, deleted", async () => {
  const client = await stack.client();
  const contact = (await client.query("insert into hubspot.contacts (email) values ('ada@a.example') returning id"))
    .rows[0].id;
  const company = (await client.query("insert into hubspot.companies (name) values ('A') returning id")).rows[0].id;
  main.clearLog();
  const made = await client.query(
    "insert into hubspot.contacts_companies (from_id, to_id) values ($1, $2) returning *",
    [contact, company],
  );
  expect(made.rows).toEqual([{ from_id: contact, to_id: company }]);
  expect(writes(main)).toEqual(["POST /crm/v4/associations/contacts/companies/batch/associate/default"]);
  await stack.pull();
  const pairs = "select * from hubspot.contacts_companies";
  expect((await client.query(pairs)).rows).toEqual(made.rows);
  expect(
    (
      await client.query(
        "select c.email, o.name from hubspot.contacts c join hubspot.contacts_companies a on a.from_id = c.id join hubspot.companies o on o.id = a.to_id",
      )
    ).rows,
  ).toEqual([{ email: "ada@a.example", name: "A" }]);
  await client.query("delete from hubspot.contacts_companies where from_id = $1", [contact]);
  expect((await client.query(pairs)).rows).toEqual([]);
  await stack.pull();
  expect((await client.query(pairs)).rows).toEqual([]);
});

test("two accounts of one API are two schemas, each with its own token", async () => {
  const client = await stack.client();
  await client.query("insert into hubspot_eu.contacts (email) values ('grace@eu.example')");
  expect(writes(eu)).toEqual(["POST /crm/v3/objects/contacts"]);
  expect(writes(main)).toEqual([]);
  expect(eu.records("contacts").map(({ properties }) => properties["email"])).toEqual(["grace@eu.example"]);
});
