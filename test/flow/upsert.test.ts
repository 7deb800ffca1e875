// INSERT … ON CONFLICT DO UPDATE that inserts some rows and updates others: one upsert call, where the API has one.

import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { refused } from "../support/answers.js";
import { untilTrue } from "../support/sessions.js";
import { type Stack, startStack } from "../support/stack.js";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({
    seed: [
      { email: "ada@a.example", firstname: "Ada", city: "London" },
      { email: "bob@a.example", firstname: "Bob" },
    ],
  });
});
afterAll(() => stack.close());
beforeEach(() => stack.sandbox.clearLog());

const upsert = (values: string) =>
  `insert into hubspot.contacts (email, firstname) values ${values}
   on conflict (email) do update set firstname = excluded.firstname returning email, firstname, city, (xmax = 0) as inserted`;

test("P1: an upsert of new and existing rows is one call, and RETURNING tells which is which", async () => {
  const client = await stack.client();
  const { rows } = await client.query(
    upsert("('new@a.example', 'New'), ('ada@a.example', 'Augusta'), ('newer@a.example', 'Newer')"),
  );
  expect(rows).toEqual([
    { email: "new@a.example", firstname: "New", city: null, inserted: true },
    { email: "ada@a.example", firstname: "Augusta", city: "London", inserted: false },
    { email: "newer@a.example", firstname: "Newer", city: null, inserted: true },
  ]);
  expect(stack.writes()).toEqual(["POST /crm/v3/objects/contacts/batch/upsert"]);
  const { rows: noted } = await stack.admin.query(
    "select verb, state, row_count, cardinality(keys) as keys from throughline.journal",
  );
  expect(noted).toEqual([{ verb: "upsert", state: "accepted", row_count: 3, keys: 3 }]);
  expect(
    stack.sandbox.records("contacts").filter(({ properties }) => properties["email"] === "ada@a.example"),
  ).toHaveLength(1);
});

test("a row that the mirror does not have yet, but upstream has, is changed there and comes here", async () => {
  const [id] = stack.sandbox.seed("contacts", [{ email: "late@a.example", firstname: "Late", city: "Rome" }]);
  const client = await stack.client();
  const { rows } = await client.query(upsert("('late@a.example', 'Later'), ('bob@a.example', 'Robert')"));
  expect(rows.map(({ inserted: _, ...row }) => row)).toEqual([
    { email: "late@a.example", firstname: "Later", city: "Rome" },
    { email: "bob@a.example", firstname: "Robert", city: null },
  ]);
  expect((await client.query("select id from hubspot.contacts where email = 'late@a.example'")).rows).toEqual([{ id }]);
});

test("P4: a refused row does not keep the other rows out of the mirror", async () => {
  const client = await stack.client();
  const mixed = client.query(upsert("('no address', 'x'), ('bob@a.example', 'Bobby')"));
  expect(await refused(mixed)).toMatchObject({ code: "TL001", message: "hubspot: 1 of 2 rows were accepted" });
  expect((await client.query("select firstname from hubspot.contacts where email = 'bob@a.example'")).rows).toEqual([
    { firstname: "Bobby" },
  ]);
});

const refusals: readonly (readonly [string, string])[] = [
  [
    "the column that identifies them changes",
    "insert into hubspot.contacts (email, firstname) values ('x@a.example', 'X'), ('bob@a.example', 'B') on conflict (email) do update set email = 'other@a.example'",
  ],
  [
    "MERGE names no column",
    "merge into hubspot.contacts c using (values ('y@a.example'), ('bob@a.example')) v(email) on c.email = v.email when matched then update set firstname = 'Z' when not matched then insert (email) values (v.email)",
  ],
];

test.each(refusals)("an upsert that the API can't express is refused before anything is sent: %s", async (_, sql) => {
  const client = await stack.client();
  const { rows } = await client.query("select current_setting('server_version_num')::int as version");
  if (sql.startsWith("merge") && rows[0].version < 150000) return;
  expect(await refused(client.query(sql))).toMatchObject({ code: "0A000" });
  expect(stack.writes()).toEqual([]);
});

test("P6, P7: an upsert of unknown outcome is settled by the column that identifies its rows", async () => {
  const other = await startStack({ timeoutMs: 200, seed: [{ email: "ada@a.example", firstname: "Ada" }] });
  try {
    const client = await other.client();
    other.sandbox.fault({ kind: "hang-up-after", on: { path: "*/batch/upsert" } });
    const unknown = client.query(upsert("('new@a.example', 'New'), ('ada@a.example', 'Augusta')"));
    expect(await refused(unknown)).toMatchObject({ code: "TL007" });
    await untilTrue(other.admin, "not exists (select from throughline.journal where closed_at is null)");
    const { rows } = await other.admin.query("select verb, state from throughline.journal");
    expect(rows).toEqual([{ verb: "upsert", state: "accepted" }]);
    const mirrored = await client.query("select email, firstname from hubspot.contacts order by email");
    expect(mirrored.rows).toEqual([
      { email: "ada@a.example", firstname: "Augusta" },
      { email: "new@a.example", firstname: "New" },
    ]);
    expect(other.writes()).toHaveLength(1);
  } finally {
    await other.close();
  }
});
