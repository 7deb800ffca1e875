// Writes through a cursor: WHERE CURRENT OF, in SQL, in a portal of the protocol and in a block's loop.

import { serialize } from "pg-protocol";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { refused } from "../support/answers.js";
import { startThings, type Things, testAlike } from "../support/things.js";
import { WireClient } from "../support/wire.js";

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
      what: "an UPDATE of the row that a cursor stands on",
      before:
        "begin; declare c cursor for select * from mirror.things order by origin desc, target for update; fetch 2 from c",
      sql: "update mirror.things set label = 'cur' where current of c returning *",
    },
    {
      what: "a DELETE of it",
      before:
        "begin; declare c cursor for select * from mirror.things order by origin, target for update; fetch 2 from c",
      sql: "delete from mirror.things where current of c returning *",
    },
    {
      what: "an UPDATE of a view's row, which is not Postgres's",
      before: "begin; declare c cursor for select * from mirror_few for update; fetch 2 from c",
      sql: "update mirror_few set l = 'cur' where current of c returning *",
      code: "0A000",
    },
    {
      what: "a loop over a cursor in a block",
      sql: `do $$declare c cursor for select * from mirror.things where origin = 1; begin
      for r in c loop update mirror.things set label = r.target || '!' where current of c; end loop; end$$`,
    },
    {
      what: "a loop over what an INSERT returns",
      sql: `do $$declare r record; begin
      for r in insert into mirror.things (origin, target, label) values (60, 'd', 'do1'), (61, 'd', 'do2') returning *
      loop insert into public.local values (r.origin, r.computed); end loop; end$$`,
    },
  ],
);

test("P2: WHERE CURRENT OF takes a portal of the protocol as its cursor", async () => {
  const wire = await WireClient.login(things.port, "app", things.database);
  await wire.ask(serialize.query("begin"));
  const text = "select target from mirror.things order by origin, target for update";
  await wire.ask(
    serialize.parse({ text }),
    serialize.bind({ portal: "c" }),
    serialize.execute({ portal: "c", rows: 2 }),
    serialize.sync(),
  );
  const update = "update mirror.things set label = 'cur' where current of c returning target, computed";
  expect(await wire.ask(serialize.query(update))).toEqual(["T", "D b|CUR", "C UPDATE 1", "Z T"]);
  await wire.ask(serialize.query("commit"));
  wire.close();
  expect(things.api.record("b")).toMatchObject({ label: "cur" });
});

test("P1: in mode immediate each row is a request, at its statement", async () => {
  const client = await things.client();
  await client.query("set throughline.transaction = immediate; begin");
  await client.query("declare c cursor for select * from mirror.things where origin = 1 order by target for update");
  for (const name of ["x", "y"]) {
    await client.query("fetch c");
    const { rows } = await client.query(
      `update mirror.things set label = '${name}' where current of c returning label`,
    );
    expect(rows).toEqual([{ label: name }]);
  }
  expect(things.api.requests).toEqual(["POST /update", "POST /update"]);
  await client.query("commit");
  expect(await things.labels()).toEqual({ a: "x", b: "y" });
});

test("P4: the API may refuse the row that a cursor stands on", async () => {
  const client = await things.client();
  await client.query("begin; declare c cursor for select * from mirror.things where target = 'a'; fetch c");
  const told = await refused(client.query("update mirror.things set label = 'bad' where current of c"));
  expect(told).toMatchObject({ column: "label", message: expect.stringContaining("a bad label") });
  await client.query("rollback");
  expect(await things.labels()).toEqual({ a: "one", b: "two" });
});

test("P1: a loop of INSERTs is one request", async () => {
  const client = await things.client();
  await client.query(`do $$declare got text; begin
    for i in 1..3 loop
      insert into mirror.things (origin, target, label) values (10 + i, 'loop', 'l' || i)
        on conflict (origin, target) do nothing returning computed into got;
      insert into public.local values (i, got);
    end loop; end$$`);
  expect(await things.local()).toEqual(["(1,L1)", "(2,L2)", "(3,L3)"]);
  expect(things.api.requests).toEqual(["POST /create"]);
});
