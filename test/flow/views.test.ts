// Views and rules over a mirror, and what of them Postgres itself makes a write to it.

import { serialize } from "pg-protocol";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
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
    { what: "an INSERT", sql: "insert into mirror_few (o, t, l) values (50, 'v', 'view') returning *" },
    {
      what: "an INSERT that the CHECK OPTION refuses",
      sql: "insert into mirror_few (o, t, l) values (500, 'v', 'view') returning *",
      code: "44000",
    },
    {
      what: "an upsert, by the view's names",
      sql: "insert into mirror_few as v (t, o, l) values ('a', 1, 'up') on conflict (o, t) do update set l = excluded.l || v.l returning *",
    },
    { what: "an UPDATE", sql: "update mirror_few set l = 'vu' where o = 1 and t = 'b' returning *" },
    { what: "an UPDATE of no row", sql: "update mirror_few set l = 'vu' from public.local returning *" },
    { what: "a DELETE", sql: "delete from mirror_few where o = 1 returning t, o" },
  ],
);

test("P2: a rule may write to the mirror instead", async () => {
  const client = await things.client();
  await client.query(`create table public.ruled (o bigint, t text, l text);
    create rule r as on insert to public.ruled do instead
      insert into mirror.things (origin, target, label) values (new.o, new.t, new.l) returning origin, target, computed`);
  const { rows } = await client.query("insert into public.ruled values (5, 'x', 'rule') returning l");
  expect(rows).toEqual([{ l: "RULE" }]);
  expect(things.api.requests).toEqual(["POST /create"]);
});

test("P2: the INSTEAD OF trigger of a view may write to the mirror, by INSERT and by COPY", async () => {
  const wire = await WireClient.login(things.port, "app", things.database);
  const made = await wire.ask(
    serialize.query(`create view public.instead as select origin, target, label from mirror.things;
      create function public.put() returns trigger language plpgsql as $$begin
        insert into mirror.things (origin, target, label) values (new.origin, new.target, new.label); return new; end$$;
      create trigger put instead of insert on public.instead for each row execute function public.put()`),
  );
  expect(made.at(-1)).toBe("Z I");
  const insert = "insert into public.instead values (50, 'x', 'good'), (51, 'y', 'b')";
  expect(await wire.ask(serialize.query(insert))).toEqual(["C INSERT 0 2", "Z I"]);
  wire.send(serialize.query("copy public.instead from stdin"));
  await wire.until("G");
  const rows = Buffer.from("60\tx\tgood\n61\ty\tb\n");
  expect(await wire.ask(serialize.copyData(rows), serialize.copyDone())).toEqual(["C COPY 2", "Z I"]);
  wire.close();
  expect(things.api.requests).toEqual(["POST /create", "POST /create"]);
  expect(await things.rows("select origin from mirror.things where origin >= 50 order by 1")).toHaveLength(4);
});
