// Every shape of a statement that changes rows: what it becomes upstream, and what the client gets.

import { beforeEach, expect, test } from "vitest";
import { mirrored, refused, upstream } from "../support/answers.js";
import { type Stack, startStack } from "../support/stack.js";

let stack: Stack;
beforeEach(async () => {
  stack = await startStack({
    seed: [
      { email: "ada@x.com", firstname: "Ada" },
      { email: "bob@x.com", firstname: "Bob" },
    ],
  });
  await stack.admin.query(
    "create table public.orders (no int, contact text); create table public.staging (email text, name text); grant all on public.orders, public.staging to app; grant create on schema public to app",
  );
  stack.sandbox.clearLog();
  return () => stack.close();
});

const create = "POST /crm/v3/objects/contacts";
const createMany = "POST /crm/v3/objects/contacts/batch/create";
const updateMany = "POST /crm/v3/objects/contacts/batch/update";
const update = expect.stringMatching(/^PATCH /);
const remove = expect.stringMatching(/^DELETE /);

interface Shape {
  readonly sql: string;
  readonly calls: readonly unknown[];
  /** None, unless they are given. */
  readonly rows?: readonly object[];
  readonly tag: string;
}

const shapes: readonly Shape[] = [
  {
    sql: "insert into hubspot.contacts (email) values ('e1@x.com'), ('e2@x.com'), ('e3@x.com') returning email, xmax = 0 as new",
    calls: [createMany],
    rows: ["e1@x.com", "e2@x.com", "e3@x.com"].map((email) => ({ email, new: true })),
    tag: "INSERT 3",
  },
  {
    sql: "insert into hubspot.contacts (email, firstname) values ('e1@x.com', default), (default, 'Eve') returning email",
    calls: [createMany],
    rows: [{ email: "e1@x.com" }, { email: null }],
    tag: "INSERT 2",
  },
  {
    sql: "insert into hubspot.contacts (email) select 's' || i || '@x.com' from generate_series(3, 1, -1) i returning email",
    calls: [createMany],
    rows: [{ email: "s3@x.com" }, { email: "s2@x.com" }, { email: "s1@x.com" }],
    tag: "INSERT 3",
  },
  {
    sql: "insert into hubspot.contacts (email, firstname) select * from unnest(array['u1@x.com', 'u2@x.com'], array['U', null]) returning firstname",
    calls: [createMany],
    rows: [{ firstname: "U" }, { firstname: null }],
    tag: "INSERT 2",
  },
  {
    sql: "insert into hubspot.contacts (email) select p0::varchar from (values ('v1@x.com', 0), ('v2@x.com', 1)) as imp_sen(p0, sen_counter) order by sen_counter returning email, email as again",
    calls: [createMany],
    rows: ["v1@x.com", "v2@x.com"].map((email) => ({ email, again: email })),
    tag: "INSERT 2",
  },
  {
    sql: "insert into hubspot.contacts (email) values ('ada@x.com') on conflict (email) do nothing returning email",
    calls: [],
    rows: [],
    tag: "INSERT 0",
  },
  {
    sql: "insert into hubspot.contacts (email) values ('ada@x.com'), ('new@x.com') on conflict (email) do nothing returning email",
    calls: [create],
    rows: [{ email: "new@x.com" }],
    tag: "INSERT 1",
  },
  {
    sql: "insert into hubspot.contacts as c (email, firstname) values ('ada@x.com', 'Lady'), ('bob@x.com', 'Sir') on conflict (email) do update set firstname = excluded.firstname || ' ' || c.firstname returning firstname, xmax = 0 as new",
    calls: [updateMany],
    rows: [
      { firstname: "Lady Ada", new: false },
      { firstname: "Sir Bob", new: false },
    ],
    tag: "INSERT 2",
  },
  {
    sql: "insert into hubspot.contacts (email, firstname) values ('n1@x.com', 'N') on conflict (email) do update set firstname = excluded.firstname returning firstname, xmax = 0 as new",
    calls: [create],
    rows: [{ firstname: "N", new: true }],
    tag: "INSERT 1",
  },
  {
    sql: "update hubspot.contacts c set firstname = s.name from (values ('ada@x.com', 'A'), ('bob@x.com', 'B')) s(email, name) where s.email = c.email returning s.name, c.firstname",
    calls: [updateMany],
    rows: [
      { name: "A", firstname: "A" },
      { name: "B", firstname: "B" },
    ],
    tag: "UPDATE 2",
  },
  {
    sql: "update hubspot.contacts set firstname = (select max(firstname) from hubspot.contacts) where email = any('{ada@x.com}') returning firstname",
    calls: [update],
    rows: [{ firstname: "Bob" }],
    tag: "UPDATE 1",
  },
  {
    sql: "delete from hubspot.contacts c using (values ('ada@x.com')) s(email) where s.email = c.email returning c.firstname",
    calls: [remove],
    rows: [{ firstname: "Ada" }],
    tag: "DELETE 1",
  },
  {
    sql: "with n as (insert into hubspot.contacts (email) values ('o@x.com') returning id) insert into public.orders select 1, id from n returning length(contact) < 10 as real",
    calls: [create],
    rows: [{ real: true }],
    tag: "INSERT 1",
  },
  {
    sql: "with pgrst_source as (insert into hubspot.contacts (email) select email from json_to_recordset('[{\"email\": \"j@x.com\"}]') as _ (email text) returning hubspot.contacts.*) select '' as total, count(*)::int as n, json_agg(_t)->0->>'email' as body from (select * from pgrst_source) _t",
    calls: [create],
    rows: [{ total: "", n: 1, body: "j@x.com" }],
    tag: "SELECT 1",
  },
  {
    sql: "with gone as (delete from hubspot.contacts where email = 'bob@x.com' returning firstname) select * from gone",
    calls: [remove],
    rows: [{ firstname: "Bob" }],
    tag: "SELECT 1",
  },
  {
    sql: "do $$ declare new_id text; begin insert into hubspot.contacts (email) values ('d@x.com') returning id into new_id; insert into public.orders values (7, new_id); end $$",
    calls: [create],
    tag: "DO null",
  },
  {
    sql: "copy (update hubspot.contacts set firstname = 'C' where email = 'ada@x.com' returning firstname) to stdout",
    calls: [update],
    tag: "COPY 1",
  },
];

test.each(shapes)("$sql", async ({ sql, calls, rows = [], tag }) => {
  const client = await stack.client();
  const result = await client.query(sql);
  expect(result.rows).toEqual(rows);
  expect(`${result.command} ${result.rowCount}`).toBe(tag);
  await agree(calls);
});

test.each(shapes.filter(({ sql }) => !sql.startsWith("copy")))(
  "in the extended protocol: $sql",
  async ({ sql, calls, rows = [], tag }) => {
    const client = await stack.client();
    const extended = { text: sql, queryMode: "extended" };
    const result = await client.query(extended);
    expect(result.rows).toEqual(rows);
    expect(`${result.command} ${result.rowCount}`).toBe(tag);
    await agree(calls);
  },
);

async function agree(calls: readonly unknown[]): Promise<void> {
  expect(stack.writes()).toEqual(calls);
  expect(await mirrored(stack)).toEqual(upstream(stack));
  const { rows: placeholders } = await stack.admin.query(
    "select from public.orders where contact like 'throughline:%'",
  );
  expect(placeholders).toEqual([]);
}

test("ON CONFLICT DO NOTHING accepts a duplicate within the statement", async () => {
  const client = await stack.client();
  const sql =
    "insert into hubspot.contacts (email) values ('Dup@X.com'), ('Dup@X.com') on conflict (email) do nothing returning email";
  expect(await refused(client.query(sql))).toEqual({ code: "accepted" });
});

test("a MERGE that only inserts, updates or deletes is one call; a mixture is refused before it", async () => {
  const version = Number((await stack.admin.query("show server_version_num")).rows[0].server_version_num);
  const client = await stack.client();
  const merge = (rows: string) =>
    client.query(`merge into hubspot.contacts c using (values ${rows}) s(email, name) on s.email = c.email
      when matched and s.name is null then delete when matched then update set firstname = s.name
      when not matched then insert (email, firstname) values (s.email, s.name)`);
  if (version < 150_000) {
    expect(await refused(merge("('a', 'b')"))).toMatchObject({ code: "42601" });
    return;
  }
  expect((await merge("('m1@x.com', 'M1'), ('m2@x.com', 'M2')")).rowCount).toBe(2);
  expect((await merge("('ada@x.com', 'A'), ('bob@x.com', 'B')")).rowCount).toBe(2);
  expect((await merge("('bob@x.com', null)")).rowCount).toBe(1);
  expect(stack.writes()).toEqual([createMany, updateMany, remove]);
  expect(await refused(merge("('ada@x.com', 'Z'), ('m3@x.com', 'M3')"))).toMatchObject({
    code: "0A000",
    message: expect.stringContaining("would update some rows"),
  });
  expect(stack.writes()).toHaveLength(3);
  expect(await mirrored(stack)).toEqual(upstream(stack));
});

test("P1: a row that meets its conflict counts once against the rows that one call takes", async () => {
  stack.sandbox.seed(
    "contacts",
    Array.from({ length: 100 }, (_, i) => ({ email: `c${i}@x.com` })),
  );
  await stack.pull();
  stack.sandbox.clearLog();
  const client = await stack.client();
  const values = (n: number) => Array.from({ length: n }, (_, i) => `('c${i}@x.com', 'C')`).join(", ");
  const upsert = (n: number) =>
    client.query(
      `insert into hubspot.contacts (email, firstname) values ${values(n)} on conflict (email) do update set firstname = excluded.firstname`,
    );
  expect((await upsert(100)).rowCount).toBe(100);
  expect(stack.writes()).toEqual([updateMany]);
  expect(await refused(upsert(101))).toMatchObject({ code: "54000" });
});
