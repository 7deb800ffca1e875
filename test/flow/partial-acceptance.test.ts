// TL001 in every shape of statement: the API refuses one of several rows, and those that it accepted are in the mirror.

import { serialize } from "pg-protocol";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { refused } from "../support/answers.js";
import { startThings, type Things } from "../support/things.js";
import { WireClient } from "../support/wire.js";

let things: Things;
beforeAll(async () => {
  things = await startThings();
});
afterAll(() => things.close());
beforeEach(() => things.reset());

const mixed = "(5, 'x', 'good'), (6, 'y', 'bad'), (7, 'z', 'fine')";
const insert = `insert into mirror.things (origin, target, label) values ${mixed}`;
const accepted = [
  { origin: "5", target: "x", computed: "GOOD" },
  { origin: "7", target: "z", computed: "FINE" },
];

const shapes: readonly { readonly what: string; readonly sql: string; readonly since?: number }[] = [
  { what: "an INSERT", sql: `${insert} returning *` },
  { what: "an INSERT with a conflict", sql: `${insert}, (1, 'a', 'k') on conflict do nothing returning *` },
  {
    what: "a CTE that a local table is fed by",
    sql: `with n as (${insert} returning *) insert into public.local select origin, computed from n returning *`,
  },
  {
    what: "a MERGE",
    sql: `merge into mirror.things t using (values ${mixed}) s(o, k, l) on (t.origin, t.target) = (s.o, s.k)
      when not matched then insert (origin, target, label) values (s.o, s.k, s.l)`,
    since: 15,
  },
  {
    what: "a block that writes to a local table as well",
    sql: `do $$begin ${insert}; insert into public.local values (1, 'x'); end$$`,
  },
  { what: "an INSERT into a view", sql: `insert into mirror_few (o, t, l) values ${mixed}` },
];

describe.each([false, true])("in a transaction of the client's: %s", (explicit) => {
  test.each(shapes)("TL001: $what", async ({ sql, since = 0 }) => {
    if (things.version < since) return;
    const client = await things.client();
    if (explicit) await client.query("begin; insert into public.local values (77, 'mine')");
    expect(await refused(client.query(sql))).toMatchObject({ code: "TL001" });
    if (explicit) await client.query("rollback");
    expect(
      await things.rows("select origin, target, computed from mirror.things where origin >= 5 order by 1"),
    ).toEqual(accepted);
    expect(await things.local()).toEqual([]);
  });
});

test("TL001: an UPDATE by a join", async () => {
  const client = await things.client();
  const update = `update mirror.things t set label = s.l from (values (1::bigint, 'a', 'bad'), (1, 'b', 'ok')) s(o, k, l)
    where (s.o, s.k) = (t.origin, t.target) returning *`;
  expect(await refused(client.query(update))).toMatchObject({ code: "TL001" });
  expect(await things.labels()).toEqual({ a: "one", b: "ok" });
});

test("TL001: COPY, of which a WHERE takes some rows", async () => {
  const wire = await WireClient.login(things.port, "app", things.database);
  wire.send(
    serialize.query(
      "copy mirror.things (target, origin, label) from stdin (format csv, header, force_null (label), null 'nil') where origin <> 99",
    ),
  );
  await wire.until("G");
  const lines = Buffer.from("t,o,l\nx,50,good\ny,51,bad\nn,99,no\nz,52,nil\n");
  expect(await wire.ask(serialize.copyData(lines), serialize.copyDone())).toEqual(["E TL001", "Z I"]);
  wire.close();
  expect(await things.rows("select target, label from mirror.things where origin >= 50 order by origin")).toEqual([
    { target: "x", label: "good" },
    { target: "z", label: null },
  ]);
});

test("TL001: of three requests the second is the last", async () => {
  const client = await things.client();
  await client.query("set throughline.chunk = on");
  const many = `insert into mirror.things (origin, target, label)
    select 3000 + i, 'e', case i when 130 then 'bad' else 'ok' end from generate_series(1, 250) i`;
  expect(await refused(client.query(many))).toMatchObject({ code: "TL001" });
  expect(things.api.requests).toHaveLength(2);
  await client.query("select 1");
  expect(await things.rows("select from mirror.things where target = 'e'")).toHaveLength(199);
  expect(things.api.records().filter(({ target }) => target === "e")).toHaveLength(199);
});
