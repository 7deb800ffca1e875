// The writes of one statement: INSERT, UPDATE and DELETE become calls, and RETURNING has what the API made of the rows.

import pg from "pg";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type Stack, startStack } from "../support/stack.js";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({
    seed: [
      { email: "ada@example.com", firstname: "Ada", lastname: "Lovelace", annualrevenue: "100" },
      { email: "bob@example.com", firstname: "Bob", lastname: "Stone" },
    ],
  });
  await stack.admin.query("create table public.account (id int primary key, contact text, name text)");
  await stack.admin.query("grant all on public.account to app");
  await stack.admin.query("insert into public.account values (1, '501', 'Acme'), (2, '502', 'Bolt')");
});
afterAll(() => stack.close());
beforeEach(() => stack.sandbox.clearLog());

test("P3: INSERT … RETURNING gives the API's id, its computed fields and its spelling", async () => {
  const client = await stack.client();
  const { rows, rowCount, command } = await client.query(
    "insert into hubspot.contacts (email, firstname) values ('  Eve@Example.COM ', 'Eve') returning id, email, hs_email_domain, hs_full_name_or_email",
  );
  expect({ rowCount, command }).toEqual({ rowCount: 1, command: "INSERT" });
  expect(rows).toEqual([
    {
      id: expect.stringMatching(/^\d+$/),
      email: "eve@example.com",
      hs_email_domain: "example.com",
      hs_full_name_or_email: "Eve",
    },
  ]);
  const [row] = rows;
  expect(stack.sandbox.records("contacts").find(({ id }) => id === row.id)?.properties["email"]).toBe(
    "eve@example.com",
  );
  expect((await stack.admin.query("select email from hubspot.contacts where id = $1", [row.id])).rows).toEqual([
    { email: "eve@example.com" },
  ]);
});

test("P1: many rows are one batch call, and RETURNING keeps their order though the API shuffles", async () => {
  const client = await stack.client();
  const names = Array.from({ length: 40 }, (_, i) => `row${String(i).padStart(2, "0")}`);
  const values = names.map((_, i) => `($${i + 1} || '@batch.example', $${i + 1})`).join(", ");
  const { rows } = await client.query(
    `insert into hubspot.contacts (email, firstname) values ${values} returning firstname, id`,
    names,
  );
  expect(rows.map(({ firstname }) => firstname)).toEqual(names);
  expect(new Set(rows.map(({ id }) => id)).size).toBe(40);
  expect(stack.writes()).toEqual(["POST /crm/v3/objects/contacts/batch/create"]);
});

test("P2: SET and WHERE are Postgres's own: expressions, joins and sub-selects", async () => {
  const client = await stack.client();
  const { rows } = await client.query(
    `update hubspot.contacts c set company = a.name || ' Ltd', annualrevenue = coalesce(annualrevenue, 0) * 2 + 1
     from public.account a where a.contact = c.id and c.email in (select 'ada@example.com' union select 'bob@example.com')
     returning c.email, c.company, c.annualrevenue, a.id as account`,
  );
  expect(rows.toSorted((a, b) => a.account - b.account)).toEqual([
    { email: "ada@example.com", company: "Acme Ltd", annualrevenue: "201", account: 1 },
    { email: "bob@example.com", company: "Bolt Ltd", annualrevenue: "1", account: 2 },
  ]);
  expect(stack.writes()).toEqual(["POST /crm/v3/objects/contacts/batch/update"]);
});

test("P1: an UPDATE sends only what differs, and nothing at all when nothing does", async () => {
  const client = await stack.client();
  await client.query(
    "update hubspot.contacts set firstname = 'Ada', lastname = 'King' where email = 'ada@example.com'",
  );
  expect(stack.writes()).toEqual(["PATCH /crm/v3/objects/contacts/501"]);
  expect(stack.sandbox.log.find(({ method }) => method === "PATCH")?.requestBody).toBe(
    '{"properties":{"lastname":"King"}}',
  );
  stack.sandbox.clearLog();
  const same = await client.query(
    "update hubspot.contacts set lastname = lastname where email = 'ada@example.com' returning lastname",
  );
  expect(same.rows).toEqual([{ lastname: "King" }]);
  expect((await client.query("update hubspot.contacts set lastname = 'x' where false")).rowCount).toBe(0);
  const noted = await stack.admin.query(
    "select from throughline.applied a where not exists (select from throughline.journal j where j.id = a.call)",
  );
  expect(noted.rowCount).toBe(0);
  expect(stack.writes()).toEqual([]);
});

test("P3: DELETE … RETURNING gives the row that went, here and there", async () => {
  const client = await stack.client();
  await client.query("insert into hubspot.contacts (email) values ('gone1@example.com'), ('gone2@example.com')");
  stack.sandbox.clearLog();
  const { rows, rowCount } = await client.query(
    "delete from hubspot.contacts where email like 'gone%' returning email",
  );
  expect(rowCount).toBe(2);
  expect(rows.map(({ email }) => email).toSorted()).toEqual(["gone1@example.com", "gone2@example.com"]);
  expect(stack.writes()).toEqual(["POST /crm/v3/objects/contacts/batch/archive"]);
  expect((await client.query("select from hubspot.contacts where email like 'gone%'")).rowCount).toBe(0);
  expect(stack.sandbox.records("contacts").filter(({ archived }) => archived)).toHaveLength(2);
});

test("every type goes to the API and comes back: date, timestamptz, boolean, numeric, text[]", async () => {
  const client = await stack.client();
  const { rows } = await client.query(
    `insert into hubspot.contacts (email, renewal_date, last_visit, opted_in, annualrevenue, interests)
     values ('types@example.com', '2026-02-28', '2026-03-01 12:30:00+02', true, 1500.50,
       (select array_agg(o) from unnest((select array['product', 'events'])) o))
     returning renewal_date::text, last_visit at time zone 'UTC' as visit, opted_in, annualrevenue, interests, id`,
  );
  expect(rows[0]).toMatchObject({
    renewal_date: "2026-02-28",
    opted_in: true,
    annualrevenue: "1500.50",
    interests: ["product", "events"],
  });
  const cleared = await client.query(
    "update hubspot.contacts set renewal_date = null, last_visit = null, opted_in = null, annualrevenue = null, interests = null where id = $1 returning renewal_date, last_visit, opted_in, annualrevenue, interests",
    [rows[0].id],
  );
  expect(cleared.rows).toEqual([
    { renewal_date: null, last_visit: null, opted_in: null, annualrevenue: null, interests: null },
  ]);
});

test("P5: types, NOT NULL, CHECK, unique and privileges fail before the call, with Postgres's own words", async () => {
  const client = await stack.client();
  const refused = async (sql: string) =>
    client.query(sql).then(
      () => "accepted",
      (cause) => `${cause.code} ${cause.column ?? ""}`.trim(),
    );
  expect(await refused("insert into hubspot.contacts (email, renewal_date) values ('a@b.example', 'soon')")).toBe(
    "22007",
  );
  expect(await refused("insert into hubspot.contacts (email) values ('ada@example.com')")).toBe("23505");
  expect(await refused("insert into hubspot.contacts (id, email) values ('7', 'k@example.com')")).toBe("428C9 id");
  expect(await refused("insert into hubspot.contacts (email, hs_object_id) values ('k@example.com', '7')")).toBe(
    "428C9 hs_object_id",
  );
  expect(await refused("update hubspot.contacts set createdate = now() where email = 'ada@example.com'")).toBe(
    "428C9 createdate",
  );
  expect(await refused("update hubspot.contacts set id = '9' where email = 'ada@example.com'")).toBe("428C9 id");
  expect(
    await refused("insert into hubspot.contacts (email, lifecyclestage) values ('k@example.com', 'nonsense')"),
  ).toBe("23514 lifecyclestage");
  expect(await refused("insert into hubspot.contacts (email) values (1/0)")).toBe("22012");
  expect(await refused("insert into hubspot.contacts (nonsense) values (1)")).toBe("42703");
  expect(stack.writes()).toEqual([]);
});

test("an ORM may set every column, to NULL, to DEFAULT or to its present value", async () => {
  const client = await stack.client();
  const { rows } = await client.query(
    "insert into hubspot.contacts (id, email, createdate, firstname, hs_object_id) values (default, 'orm@example.com', default, null, null) returning id, firstname",
  );
  expect(rows[0].firstname).toBeNull();
  const body = stack.sandbox.log.find(({ method }) => method === "POST")?.requestBody;
  expect(body).toBe('{"properties":{"email":"orm@example.com","firstname":""}}');
});

test("P1: a statement of more rows than one call takes is refused at the first row too many, before anything is sent", async () => {
  const client = await stack.client();
  const error = await client
    .query("insert into hubspot.contacts (email) select n || '@many.example' from generate_series(1, 10000) n")
    .then(
      () => undefined,
      (cause) => cause,
    );
  expect(error).toMatchObject({
    code: "54000",
    schema: "hubspot",
    table: "contacts",
    where: undefined,
    routine: undefined,
  });
  expect(error.message).toContain("at least 101 rows");
  expect(error.hint).toContain("at most 100 rows");
  expect(stack.sandbox.log).toEqual([]);
});

test("local columns are the user's own: kept by a call, changed without one", async () => {
  await stack.admin.query("alter table hubspot.contacts add column note text default 'new'");
  const { migrateAll } = await import("../../src/app/migrate.js");
  await migrateAll(stack.opened, { dryRun: false });
  const client = await stack.client();
  const inserted = await client.query(
    "insert into hubspot.contacts (email, note) values ('local@example.com', 'mine') returning note",
  );
  expect(inserted.rows).toEqual([{ note: "mine" }]);
  stack.sandbox.clearLog();
  const updated = await client.query(
    "update hubspot.contacts set note = note || '!' where email = 'local@example.com' returning note",
  );
  expect(updated.rows).toEqual([{ note: "mine!" }]);
  expect(stack.writes()).toEqual([]);
  const both = await client.query(
    "update hubspot.contacts set note = 'both', firstname = 'Lo' where email = 'local@example.com' returning note, firstname",
  );
  expect(both.rows).toEqual([{ note: "both", firstname: "Lo" }]);
  expect(stack.writes()).toHaveLength(1);
});

test.each(["off", "FALSE", "no", "0", "f"])(
  "P9: replication=%s asks for an ordinary session, whose writes are calls",
  async (replication) => {
    const url = new URL(stack.opened.config.postgres.url);
    const options = {
      host: "127.0.0.1",
      port: stack.port,
      user: "app",
      password: "app",
      database: url.pathname.slice(1),
    };
    const client = new pg.Client({ ...options, replication } as pg.ClientConfig);
    await client.connect();
    const { rows } = await client.query("insert into hubspot.contacts (email) values ($1) returning email", [
      `Replica-${replication}@example.com`,
    ]);
    expect(rows).toEqual([{ email: `replica-${replication.toLowerCase()}@example.com` }]);
    await client.end();
  },
);
