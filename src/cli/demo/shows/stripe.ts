// The demo of Stripe: forms, idempotency keys, metadata that merges, one row a call, prices that are fixed.

import { startSandbox } from "@throughline/sandbox";
import type { Scene, Show } from "../show.js";

const config = `postgres:
  url: \${DATABASE_URL}
  grant: {app: [select, insert, update, delete]}
apis:
  stripe:
    base: http://127.0.0.1:\${SANDBOX_PORT}/v1   # the sandbox; leave it out for the real one
    key: \${STRIPE_KEY}
    tables: [customers, products, prices]
log: {level: warn}
`;

const customers = [
  { email: "ada@analytical.example", name: "Ada Lovelace", metadata: { plan: "trial", source: "fair" } },
  { email: "charles@analytical.example", name: "Charles Babbage" },
  { email: "grace@navy.example", name: "Grace Hopper" },
];

const ownTables = `
  create table tariff (product text primary key, pounds numeric not null);
  insert into tariff values ('Difference engine', 1499.50), ('Punched cards', 0.12);
  create table purchase (email text not null, item text not null, quantity integer not null);
  insert into purchase values ('ada@analytical.example', 'cards', 300), ('ada@analytical.example', 'engine', 1),
    ('grace@navy.example', 'cards', 1200);
  grant select, insert, update, delete on tariff, purchase to app;`;

const two = `insert into stripe.customers (name, email)
values ('Alan Turing', 'alan@bletchley.example'), ('Joan Clarke', 'joan@bletchley.example')
returning id, name`;

const scenes: readonly Scene[] = [
  {
    title:
      "An INSERT is one form with an idempotency key, and RETURNING gives Stripe's row: its id, its clock, its defaults",
    statements: [
      `insert into stripe.customers (email, name, address, preferred_locales)
values ('katherine@nasa.example', 'Katherine Johnson', '{"city": "Hampton", "country": "US"}', '{en,fr}')
returning id, created, balance, address ->> 'city' as city`,
    ],
  },
  {
    title: "Metadata is jsonb; Stripe merges what it is sent, so a key that the statement takes away is sent as empty",
    statements: [
      `update stripe.customers
set metadata = metadata - 'source' || '{"plan": "gold", "seats": "3"}'
where email = 'ada@analytical.example'
returning name, metadata`,
      `update stripe.customers
set metadata = metadata || '{"seats": null}'
where email = 'ada@analytical.example'
returning name, metadata`,
    ],
  },
  {
    title: "Stripe has no batch call: two rows are refused with nothing sent, unless you let them go one by one",
    statements: [two, "set throughline.chunk = on", two, "reset throughline.chunk"],
  },
  {
    title: "A price for a product, computed by Postgres from your own table",
    statements: [
      `insert into stripe.prices (product, currency, unit_amount, lookup_key)
select p.id, 'gbp', 100 * t.pounds, 'engine'
from stripe.products p join tariff t on t.product = p.name
where p.name = 'Difference engine'
returning id, unit_amount, unit_amount_decimal, type`,
    ],
  },
  {
    title: "A product that there is not: Stripe is asked for it, and the price is refused before it is sent",
    statements: ["insert into stripe.prices (product, currency, unit_amount) values ('prod_none', 'gbp', 100)"],
  },
  {
    title: "What a price costs is fixed, and no price is ever deleted: refused before anything is sent",
    statements: [
      "update stripe.prices set unit_amount = 99 where lookup_key = 'cards'",
      "delete from stripe.prices where lookup_key = 'cards'",
    ],
  },
  {
    title: "What Stripe refuses is a Postgres error: SQLSTATE, column, Stripe's words",
    statements: ["insert into stripe.customers (email) values ('not an address')"],
  },
  {
    title: "DELETE is Stripe's own DELETE, and returns who went",
    statements: ["delete from stripe.customers where email = 'charles@analytical.example' returning name, email"],
  },
  {
    title: "A ROLLBACK can't undo what Stripe accepted: the row stays, and you are told",
    statements: [
      "begin",
      "insert into stripe.customers (name, email) values ('Annie Easley', 'annie@nasa.example') returning id",
      "insert into purchase values ('annie@nasa.example', 'engine', 1)",
      "rollback",
      `select c.name, (select count(*) from purchase p where p.email = c.email) as purchases
from stripe.customers c where c.email = 'annie@nasa.example'`,
    ],
  },
  {
    title: "Reads are local SQL: two mirrors join your own table, with no request at all",
    statements: [
      `select c.name, sum(b.quantity) as items, round(sum(b.quantity * p.unit_amount) / 100, 2) as pounds
from stripe.customers c join purchase b using (email) join stripe.prices p on p.lookup_key = b.item
group by c.id order by c.name`,
    ],
  },
];

export const stripe: Show = {
  api: "stripe",
  vendor: "Stripe",
  product: "Stripe's API",
  credential: "key",
  config,
  env: { STRIPE_KEY: "sk_test_demo" },
  ownTables,
  startSandbox: async () => {
    const sandbox = await startSandbox("stripe");
    sandbox.seed("customers", customers);
    const [cards = "", engine = ""] = sandbox.seed("products", [
      { name: "Punched cards" },
      { name: "Difference engine" },
    ]);
    sandbox.seed("prices", [
      { product: cards, currency: "gbp", unit_amount: 12, lookup_key: "cards" },
      { product: engine, currency: "gbp", unit_amount: 4900, recurring: { interval: "month" }, lookup_key: "care" },
    ]);
    return sandbox;
  },
  scenes,
};
