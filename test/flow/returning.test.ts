// RETURNING: a row as it was and as it is, and expressions over more than the row.

import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { startEchoStack } from "../support/echo-stack.js";
import { startThings, type Things, testAlike } from "../support/things.js";

let things: Things;
beforeAll(async () => {
  things = await startThings();
});
afterAll(() => things.close());
beforeEach(() => things.reset());

testAlike(
  () => things,
  [
    {
      what: "an INSERT that meets its conflict",
      sql: "insert into mirror.things as t (origin, target, label) values (1, 'a', 'n') on conflict on constraint things_pkey do update set label = excluded.label || t.label returning old.*, new.*",
      since: 18,
    },
    {
      what: "an INSERT that meets none, under names of one's own",
      sql: "insert into mirror.things as t (origin, target, label) values (9, 'a', 'n') on conflict (target, origin) do update set label = excluded.label || t.label returning with (old as o, new as n) o.label, n.label, o is null as x, n.computed, o.computed oc",
      since: 18,
    },
    {
      what: "an UPDATE",
      sql: "update mirror.things set label = label || '!' where origin = 1 returning old.computed, new.computed",
      since: 18,
    },
    {
      what: "a DELETE, of which nothing is new",
      sql: "delete from mirror.things where origin = 1 returning old.label, new.label, new.target is null as gone",
      since: 18,
    },
    {
      what: "a view's UPDATE",
      sql: "update mirror_few set l = 'vr' where o = 1 returning old.l, new.l, new.c",
      since: 18,
    },
    {
      what: "subqueries of the table, a function and a system column",
      sql: "insert into mirror.things as t (origin, target, label) values (5, 'x', 'r') returning t.tableoid::regclass::text like '%.things' as rel, (select count(*)::int from mirror.things) as n, (select s.computed from mirror.things s where s.origin = t.origin) as self, upper(t.computed) || t.ctid is not null as there",
    },
  ],
);

test("P3: RETURNING tells the inserted rows of an upsert from the updated ones", async () => {
  const crm = await startEchoStack("crm");
  try {
    crm.echo.reset([{ id: "r-bob", fields: { email: "bob@a.example", firstname: "Bob" } }]);
    await crm.pull();
    crm.echo.reset(crm.echo.records());
    const upsert = (returning: string) =>
      `insert into crm.contacts as c (email, firstname) values ('n@a.example', 'N'), ('bob@a.example', 'B')
        on conflict (email) do update set firstname = excluded.firstname || '+' || c.firstname returning ${returning}`;
    const client = await crm.client();
    const told = await client.query(
      `with u as (${upsert("*, xmax = 0 as new")}) select firstname, new, (select count(*)::int from u) n from u order by 1`,
    );
    expect(told.rows).toEqual([
      { firstname: "B+Bob", new: false, n: 2 },
      { firstname: "N", new: true, n: 2 },
    ]);
    expect(crm.echo.requests).toEqual(["POST /records/upsert"]);
    if (things.version < 18) return;
    await client.query("delete from crm.contacts where email = 'n@a.example'");
    const { rows } = await client.query(
      upsert("with (old as o, new as n) o.firstname as before, n.firstname as after, o.id as was, o is null as fresh"),
    );
    expect(rows).toEqual([
      { before: null, after: "N", was: null, fresh: true },
      { before: "B+Bob", after: "B+B+Bob", was: "r-bob", fresh: false },
    ]);
  } finally {
    await crm.close();
  }
});
