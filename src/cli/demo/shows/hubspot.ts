// The demo of HubSpot: contacts, what is computed, batches, and what is refused by whom.

import { startSandbox } from "@throughline/sandbox";
import type { Scene, Show } from "../show.js";

const config = `postgres:
  url: \${DATABASE_URL}
  grant: {app: [select, insert, update, delete]}
apis:
  hubspot:
    base: http://127.0.0.1:\${SANDBOX_PORT}      # the sandbox; leave it out for the real one
    token: \${HUBSPOT_TOKEN}
    tables: [contacts]
log: {level: warn}
`;

const people = [
  { email: "ada@analytical.example", firstname: "Ada", lastname: "Lovelace", city: "London" },
  { email: "charles@analytical.example", firstname: "Charles", lastname: "Babbage", city: "London" },
  { email: "grace@navy.example", firstname: "Grace", lastname: "Hopper", city: "Arlington" },
  { email: "alan@bletchley.example", firstname: "Alan", lastname: "Turing", city: "Bletchley" },
];

const ownTables = `
  create table account (domain text primary key, name text not null, discount numeric not null);
  insert into account values ('analytical.example', 'Analytical Engines', 0.1), ('navy.example', 'US Navy', 0.2);
  create table invoice (contact text not null, amount numeric not null);
  grant select, insert, update, delete on account, invoice to app;`;

const scenes: readonly Scene[] = [
  {
    title: "An INSERT is one API call, and RETURNING gives HubSpot's row: its id, its spelling, its computed fields",
    statements: [
      `insert into hubspot.contacts (email, firstname, lastname)
values ('Katherine@NASA.example', 'Katherine', 'Johnson')
returning id, email, hs_full_name_or_email, createdate is not null as created`,
    ],
  },
  {
    title: "Three rows are one batch call; HubSpot answers in any order, RETURNING in yours",
    statements: [
      `insert into hubspot.contacts (email, firstname)
values ('one@batch.example', 'One'), ('two@batch.example', 'Two'), ('three@batch.example', 'Three')
returning firstname, id`,
    ],
  },
  {
    title: "SET and WHERE are Postgres's own: an expression, a function, a join with your table",
    statements: [
      `update hubspot.contacts c
set company = upper(a.name), annualrevenue = round(1000 * (1 - a.discount))
from account a
where split_part(c.email, '@', 2) = a.domain
returning c.firstname, c.company, c.annualrevenue, a.discount`,
    ],
  },
  {
    title: "DELETE archives upstream, and returns what went",
    statements: [
      "delete from hubspot.contacts where email like '%@batch.example' and firstname <> 'One' returning email",
    ],
  },
  {
    title: "What HubSpot refuses is a Postgres error: SQLSTATE, column, HubSpot's words",
    statements: ["insert into hubspot.contacts (email) values ('not an address')"],
  },
  {
    title: "101 rows are more than one call takes: refused before anything is sent",
    statements: ["insert into hubspot.contacts (email) select n || '@many.example' from generate_series(1, 101) n"],
  },
  {
    title: "A duplicate that Postgres sees is refused before anything is sent",
    statements: ["insert into hubspot.contacts (email) values ('ada@analytical.example')"],
  },
  {
    title: "A ROLLBACK can't undo what HubSpot accepted: the row stays, and you are told",
    statements: [
      "begin",
      "insert into hubspot.contacts (email, firstname) values ('annie@nasa.example', 'Annie') returning id",
      "insert into invoice values ('annie@nasa.example', 100)",
      "rollback",
      `select c.email, (select count(*) from invoice) as invoices
from hubspot.contacts c where c.email = 'annie@nasa.example'`,
    ],
  },
  {
    title: "Reads are local SQL: a mirror joins your own tables, with no request at all",
    statements: [
      `select a.name, count(*) as people, string_agg(c.firstname, ', ' order by c.firstname) as names
from hubspot.contacts c join account a on a.domain = split_part(c.email, '@', 2)
group by a.name order by a.name`,
    ],
  },
  {
    title: "A column that HubSpot computes is read-only: refused before anything is sent",
    statements: ["update hubspot.contacts set createdate = now() where email = 'ada@analytical.example'"],
  },
];

export const hubspot: Show = {
  api: "hubspot",
  vendor: "HubSpot",
  product: "HubSpot's CRM",
  credential: "token",
  config,
  env: { HUBSPOT_TOKEN: "pat-demo" },
  ownTables,
  startSandbox: async () => {
    const sandbox = await startSandbox("hubspot");
    sandbox.seed("contacts", people);
    return sandbox;
  },
  scenes,
};
