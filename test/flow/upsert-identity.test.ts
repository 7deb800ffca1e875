// An upsert changes only the records that its rows stand for, though the mirror is behind or a local column is meant.

import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { asAdmin } from "../../src/app/open.js";
import { addLocalColumn } from "../../src/mirror/local-column.js";
import { refused } from "../support/answers.js";
import { type EchoStack, startEchoStack } from "../support/echo-stack.js";
import { untilTrue } from "../support/sessions.js";
import { startStack } from "../support/stack.js";

const bob = { id: "r-bob", fields: { email: "bob@a.example", firstname: "Bob" } };
let stack: EchoStack;
beforeAll(async () => {
  stack = await startEchoStack("crm");
  await asAdmin(stack.opened, (admin) =>
    addLocalColumn(admin, { api: "crm", resource: "contacts", name: "note" }, "text"),
  );
  await stack.admin.query("create unique index on crm.contacts (note); grant create on schema public to app");
});
afterAll(() => stack.close());
beforeEach(async () => {
  stack.echo.reset([bob]);
  await stack.pull();
});
const fields = (id: string) => stack.echo.records().find((record) => record.id === id)?.fields;

test.each([
  ["a row that is there", "('bob@a.example', 'n2')", 1],
  ["a new row and one that is there", "('l@a.example', 'n1'), ('bob@a.example', 'n2')", 2],
])("P2: ON CONFLICT DO UPDATE of a local column alone is done: %s", async (_, values, count) => {
  const client = await stack.client();
  const { rowCount } = await client.query(
    `insert into crm.contacts (email, note) values ${values} on conflict (email) do update set note = excluded.note`,
  );
  const { rows } = await client.query("select note from crm.contacts where id = 'r-bob'");
  expect({ rowCount, rows }).toEqual({ rowCount: count, rows: [{ note: "n2" }] });
});

test("P2: an UPDATE by key beside an upsert writes to no other record", async () => {
  // In the API itself: Bob has a new address, and his old one is somebody else's.
  stack.echo.reset([
    { id: "r-bob", fields: { email: "bob@new.example", firstname: "Bob" } },
    { id: "r-eve", fields: { email: "bob@a.example", firstname: "Eve" } },
  ]);
  const client = await stack.client();
  await refused(
    client.query(
      `with u as (update crm.contacts set firstname = 'Robert' where id = 'r-bob' returning id)
       insert into crm.contacts (email) select 'n@a.example' from u on conflict (email) do update set firstname = 'x'`,
    ),
  );
  expect(fields("r-eve")).toEqual({ email: "bob@a.example", firstname: "Eve" });
});

test("P6: an upsert whose value has passed to another record keeps the row that had it, and its local columns", async () => {
  const client = await stack.client();
  await client.query("update crm.contacts set note = 'about Bob'");
  stack.echo.reset([
    { id: "r-bob", fields: { email: "bob@new.example", firstname: "Bob" } },
    { id: "r-eve", fields: { email: "bob@a.example", firstname: "Eve" } },
  ]);
  await refused(
    client.query(
      `insert into crm.contacts (email, firstname) values ('bob@a.example', 'X'), ('new@a.example', 'New')
       on conflict (email) do update set firstname = excluded.firstname`,
    ),
  );
  await stack.pull();
  const { rows } = await stack.admin.query("select id, note from crm.contacts where id like 'r-%' order by id");
  expect(rows).toEqual([
    { id: "r-bob", note: "about Bob" },
    { id: "r-eve", note: null },
  ]);
});

test("P2: ON CONFLICT of a view means the view's columns, not the mirror's of that name", async () => {
  const client = await stack.client();
  await client.query(
    "create view public.renamed as select id, note as email, email as mail, firstname from crm.contacts",
  );
  await client.query("update crm.contacts set note = 'b'");
  const carl = { id: "r-carl", fields: { email: "carl@a.example", firstname: "Carl" } };
  stack.echo.reset([bob, carl]);
  await refused(
    client.query(
      `insert into public.renamed (email, mail, firstname) values ('c', 'carl@a.example', 'Overwritten'), ('b', 'bob@a.example', 'Robert')
       on conflict (email) do update set firstname = excluded.firstname`,
    ),
  );
  expect(fields("r-carl")).toEqual(carl.fields);
});

test("P7: an unknown create is found accepted although an upsert has changed its record since", async () => {
  const other = await startStack({ timeoutMs: 700, seed: [{ email: "ada@a.example", firstname: "Ada" }] });
  try {
    const client = await other.client();
    other.sandbox.fault({ kind: "hang-up-after", on: { path: "*/contacts" } });
    const unknown = client.query("insert into hubspot.contacts (email) values ('new@a.example')");
    expect(await refused(unknown)).toMatchObject({ code: "TL007" });
    await client.query(
      `insert into hubspot.contacts (email, city) values ('new@a.example', 'Rome'), ('ada@a.example', 'Rome')
       on conflict (email) do update set city = excluded.city`,
    );
    await untilTrue(other.admin, "not exists (select from throughline.journal where closed_at is null)");
    const { rows } = await other.admin.query("select verb, state from throughline.journal order by intent_at");
    expect(rows).toEqual([
      { verb: "insert", state: "accepted" },
      { verb: "upsert", state: "accepted" },
    ]);
  } finally {
    await other.close();
  }
});
