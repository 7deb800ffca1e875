// What a user has added to a mirror works as on an ordinary table: columns, triggers, defaults and row security.

import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { migrateAll } from "../../src/app/migrate.js";
import { refused } from "../support/answers.js";
import { startThings, type Things } from "../support/things.js";

let things: Things;
beforeAll(async () => {
  things = await startThings();
});
afterAll(() => things.close());
beforeEach(() => things.reset());

test("P2: columns may be generated, of a domain with a default, or arrays of the user's own types", async () => {
  const virtual = things.version >= 18 ? ", add virt text generated always as (upper(label) || origin) virtual" : "";
  await things.admin.query(`create type public."Odd Type" as (a int, "B c" text);
    create domain public.short as text not null default 'dflt' check (length(value) < 9);
    create domain public.pos as int check (value > 0);
    alter table mirror.things add gen text generated always as (label || '#' || target) stored, add "Dom" public.short,
      add odd public."Odd Type"[], add poss public.pos[], add "we""ird" text default 'w'${virtual}`);
  await migrateAll(things.opened, { dryRun: false });
  const client = await things.client();
  const inserted = await client.query(
    `insert into mirror.things (origin, target, label, odd, poss) values (5, 'x', 'gen', array[row(1, 'x"y')::public."Odd Type", null], '{1,NULL,3}')
     returning gen, "Dom", odd::text, poss::text, "we""ird"`,
  );
  const odd = String.raw`{"(1,\"x\"\"y\")",NULL}`;
  expect(inserted.rows).toEqual([{ gen: "gen#x", Dom: "dflt", odd, poss: "{1,NULL,3}", 'we"ird': "w" }]);
  const set = (assignments: string) =>
    client.query(`update mirror.things set label = 'gen2', ${assignments} where target = 'x' returning *`);
  const { rows } = await set(`"Dom" = 'short', odd[1]."B c" = 'zz', poss[2] = 2, "we""ird" = 'v'`);
  const also = virtual === "" ? {} : { virt: "GEN25" };
  expect(rows).toMatchObject([{ gen: "gen2#x", Dom: "short", computed: "GEN2", 'we"ird': "v", ...also }]);
  expect(await refused(set("poss[2] = -1"))).toMatchObject({ code: "23514" });
  expect(await refused(set('"Dom" = null'))).toMatchObject({ code: "23502" });
  await things.admin.query(
    `alter table mirror.things drop gen, drop "Dom", drop odd, drop poss, drop "we""ird"${virtual && ", drop virt"}`,
  );
  await migrateAll(things.opened, { dryRun: false });
});

test("P5: a trigger may skip some rows and change the others before the call", async () => {
  await things.admin.query(`create function public.skip() returns trigger language plpgsql as
    $$begin if new.label = 'skip' then return null; end if; new.amount := 5; return new; end$$;
    create trigger a_skip before insert or update on mirror.things for each row execute function public.skip()`);
  const client = await things.client();
  const inserted = await client.query(
    "insert into mirror.things (origin, target, label) values (5, 'x', 'skip'), (6, 'y', 'in'), (7, 'z', 'skip'), (8, 'q', 'too') returning target, amount, computed",
  );
  expect(inserted.rows).toEqual([
    { target: "y", amount: "5", computed: "IN" },
    { target: "q", amount: "5", computed: "TOO" },
  ]);
  const updated = await client.query(
    "update mirror.things set label = case target when 'y' then 'skip' else 'up' end where target in ('y', 'q') returning target, computed",
  );
  expect(updated.rows).toEqual([{ target: "q", computed: "UP" }]);
  expect(things.api.requests).toEqual(["POST /create", "POST /update"]);
  expect(things.api.record("y")).toMatchObject({ label: "in" });
  await things.admin.query("drop trigger a_skip on mirror.things");
});

test("P2: a user's default fills a row that says DEFAULT, and not one that says NULL", async () => {
  await things.admin.query("alter table mirror.things alter label set default 'dflt'");
  const client = await things.client();
  const { rows } = await client.query(
    "insert into mirror.things (origin, target, label) values (5, 'x', default), (6, 'x', null), (7, 'x', 'l') returning computed",
  );
  await things.admin.query("alter table mirror.things alter label drop default");
  expect(rows).toEqual([{ computed: "DFLT" }, { computed: null }, { computed: "L" }]);
});

test("P3: a key may come of a default that has another value each time", async () => {
  await things.admin.query("alter table mirror.things alter target set default gen_random_uuid()::text");
  const client = await things.client();
  const { rows } = await client.query(
    "insert into mirror.things (origin, label) values (20, 'x'), (21, 'y') returning target, computed",
  );
  await things.admin.query("alter table mirror.things alter target drop default");
  expect(rows.map(({ computed }) => computed)).toEqual(["X", "Y"]);
  expect(rows.map(({ target }) => things.api.record(target)?.["computed"])).toEqual(["X", "Y"]);
});

test("P5: row security says which rows a statement is of", async () => {
  await things.admin.query(`alter table mirror.things enable row level security;
    create policy see on mirror.things for select to app using (true);
    create policy add on mirror.things for insert to app with check (computed <> 'NO' or computed is null);
    create policy up on mirror.things for update to app using (origin = 1) with check (origin = 1)`);
  const client = await things.client();
  const inserted = await client.query(
    "insert into mirror.things (origin, target, label) values (5, 'x', 'yes') returning computed",
  );
  expect(inserted.rows).toEqual([{ computed: "YES" }]);
  await client.query("update mirror.things set label = 'r'");
  expect(things.api.records().map(({ label }) => label)).toEqual(["r", "r", "three", "yes"]);
  expect((await client.query("delete from mirror.things")).rowCount).toBe(0);
  await things.admin.query(`alter table mirror.things disable row level security;
    drop policy see on mirror.things; drop policy add on mirror.things; drop policy up on mirror.things`);
});
