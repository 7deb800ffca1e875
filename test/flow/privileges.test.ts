// A write to a mirror needs the privileges that Postgres asks for, and no more.

import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type Stack, startStack } from "../support/stack.js";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({
    seed: [
      { email: "ada@example.com", firstname: "Ada", city: "London" },
      { email: "bob@example.com", firstname: "Bob", city: "Paris" },
    ],
  });
  await stack.admin.query("grant usage on schema hubspot to app_insert, app_delete, app_rows");
  await stack.admin.query("grant insert (email, firstname) on hubspot.contacts to app_insert");
  await stack.admin.query("grant delete on hubspot.contacts to app_delete");
  await stack.admin.query("grant select (email) on hubspot.contacts to app_delete");
  await stack.admin.query("grant select, insert, update, delete on hubspot.contacts to app_rows");
  await stack.admin.query("alter table hubspot.contacts enable row level security");
  await stack.admin.query(
    "create policy everything on hubspot.contacts to app, app_insert, app_delete using (true) with check (true)",
  );
  await stack.admin.query(
    "create policy london on hubspot.contacts to app_rows using (city = 'London') with check (city = 'London')",
  );
});
afterAll(() => stack.close());
beforeEach(() => stack.sandbox.clearLog());

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "ok",
    (cause: { code: string }) => cause.code,
  );

test("P2: a role that may only INSERT two columns writes these, and nothing else", async () => {
  const client = await stack.client("app_insert");
  expect(
    (await client.query("insert into hubspot.contacts (email, firstname) values ('two@example.com', 'Two')")).rowCount,
  ).toBe(1);
  expect(stack.writes()).toEqual(["POST /crm/v3/objects/contacts"]);
  expect(
    await codeOf(client.query("insert into hubspot.contacts (email, city) values ('x@example.com', 'Rome')")),
  ).toBe("42501");
  expect(await codeOf(client.query("insert into hubspot.contacts (email) values ('x@example.com') returning id"))).toBe(
    "42501",
  );
  expect(await codeOf(client.query("update hubspot.contacts set firstname = 'x'"))).toBe("42501");
  expect(await codeOf(client.query("delete from hubspot.contacts"))).toBe("42501");
  expect(await codeOf(client.query("select email from hubspot.contacts"))).toBe("42501");
  expect(stack.writes()).toHaveLength(1);
});

test("P2: a role that may only DELETE, and read the column it names, deletes", async () => {
  const client = await stack.client("app_delete");
  expect((await client.query("delete from hubspot.contacts where email = 'two@example.com'")).rowCount).toBe(1);
  expect(stack.writes()).toEqual([expect.stringMatching(/^DELETE \/crm\/v3\/objects\/contacts\/\d+$/)]);
  expect(await codeOf(client.query("delete from hubspot.contacts where firstname = 'Ada'"))).toBe("42501");
  expect(await codeOf(client.query("update hubspot.contacts set email = 'x'"))).toBe("42501");
  expect(stack.writes()).toHaveLength(1);
});

test("P2: a role with DELETE alone empties the mirror, and reads nothing of it", async () => {
  const other = await startStack({ seed: [{ email: "x@example.com" }] });
  await other.admin.query("grant usage on schema hubspot to app_delete");
  await other.admin.query("grant delete on hubspot.contacts to app_delete");
  const client = await other.client("app_delete");
  expect((await client.query("delete from hubspot.contacts")).rowCount).toBe(1);
  expect(await codeOf(client.query("delete from hubspot.contacts returning email"))).toBe("42501");
  expect(other.writes()).toHaveLength(1);
  await other.close();
});

test("P2: a role under row security sees, changes and adds the rows that its policy lets it", async () => {
  const client = await stack.client("app_rows");
  expect((await client.query("update hubspot.contacts set firstname = firstname || '!' returning email")).rows).toEqual(
    [{ email: "ada@example.com" }],
  );
  expect(stack.writes()).toHaveLength(1);
  expect(
    await codeOf(client.query("insert into hubspot.contacts (email, city) values ('rome@example.com', 'Rome')")),
  ).toBe("42501");
  expect(await codeOf(client.query("update hubspot.contacts set city = 'Rome'"))).toBe("42501");
  expect((await client.query("delete from hubspot.contacts where email = 'bob@example.com'")).rowCount).toBe(0);
  expect(stack.writes()).toHaveLength(1);
  const added = await client.query(
    "insert into hubspot.contacts (email, city) values ('new@example.com', 'London') returning city",
  );
  expect(added.rows).toEqual([{ city: "London" }]);
});

test("P2: a role with no right on the mirror gets Postgres's own refusal, and nothing is sent", async () => {
  const client = await stack.client("app_nothing");
  expect(await codeOf(client.query("insert into hubspot.contacts (email) values ('x@example.com')"))).toBe("42501");
  expect(stack.sandbox.log).toEqual([]);
});
