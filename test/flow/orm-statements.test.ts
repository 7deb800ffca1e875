// The write statements of ORMs, API servers and frameworks, as they send them, and CTEs over the rows of a write.

import { afterAll, beforeAll, beforeEach } from "vitest";
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
      what: "an upsert by the name of the constraint",
      sql: "insert into mirror.things as t (origin, target, label) values (1, 'a', 'n') on conflict on constraint things_pkey do update set label = excluded.label || t.label returning *",
    },
    {
      what: "rows of one JSON, as the table's own type",
      sql: `insert into mirror.things select (jsonb_populate_recordset(null::mirror.things, '[{"origin": 30, "target": "pg", "label": "pop", "tags": ["x"]}, {"origin": 31, "target": "pg"}]')).* returning *`,
    },
    {
      what: "PostgREST's upsert",
      sql: `with pgrst_payload as (select '[{"origin": 30, "target": "pg", "label": "pop"}]'::json as json_data),
      pgrst_body as (select case when json_typeof(json_data) = 'array' then json_data else json_build_array(json_data) end as val from pgrst_payload),
      pgrst_source as (insert into mirror.things (origin, target, label)
        select origin, target, label from json_populate_recordset(null::mirror.things, (select val from pgrst_body))
        on conflict (origin, target) do update set label = excluded.label returning mirror.things.*)
      select '' as total_result_set, count(*)::int as page_total, array[]::text[] as header,
        coalesce(json_agg(_postgrest_t), '[]')::text as body from (select * from pgrst_source) _postgrest_t`,
    },
    {
      what: "Hasura's mutation",
      sql: `with "__mutation_result_alias" as (insert into mirror.things ("origin", "target", "label") values (40, 'h', 'has'), (41, 'h', 'ura')
        returning *, (true)::boolean as "check__constraint"),
      "__all_columns_alias" as (select "origin", "target", "computed" from "__mutation_result_alias")
      select json_build_object('affected_rows', (select count(*) from "__all_columns_alias"), 'returning',
        (select coalesce(json_agg(row_to_json((select "_e" from (select "_root"."computed") as "_e"))), '[]')
          from (select * from "__all_columns_alias") as "_root"))::text as r,
        (select coalesce(bool_and("check__constraint"), true) from "__mutation_result_alias") as ok`,
    },
    {
      what: "several columns of one subquery",
      sql: "update mirror.things set (label, amount) = (select 'sub', max(origin) from mirror.things) where (origin, target) = any (array[row(1::bigint, 'a'::text), row(1::bigint, 'b'::text)]) returning *",
    },
    {
      what: "a join with the table itself",
      sql: "update mirror.things t set label = s.l from (select origin o, target k, label || '~' l from mirror.things) s where s.o = t.origin and s.k = t.target returning t.*, s.l",
    },
    {
      what: "rows of a sorted query",
      sql: "insert into mirror.things (origin, target, label) select 20 + i, 'g' || i, 'l' || i from generate_series(1, 3) i order by i desc returning *",
    },
    { what: "DEFAULT VALUES where the key has none", sql: "insert into mirror.things default values", code: "23502" },
    {
      what: "DEFAULT of one row's key",
      sql: "insert into mirror.things (origin, target, label) values (7, 'x', default), (8, default, 'y')",
      code: "23502",
    },
    {
      what: "rows that are read several times, and joined with themselves",
      sql: "with n as (insert into mirror.things (origin, target, label) values (7, 'z', 'zed'), (8, 'z', 'zed2') returning *) select (select count(*) from n)::int, (select max(computed) from n), x.computed, y.computed from n x join n y on x.origin <> y.origin order by 3",
    },
    {
      what: "rows that two local tables get",
      sql: "with n as (insert into mirror.things (origin, target, label) values (7, 'z', 'zed') returning *), l as (insert into public.local select origin, computed from n returning *), l2 as (insert into public.local select origin + 1, computed from n returning *) select * from l union all select * from l2",
    },
    {
      what: "a local DELETE beside it, and a local INSERT of its rows",
      sql: "with n as (update mirror.things set label = label || '+' where origin = 1 returning *), d as (delete from public.local) insert into public.local select origin, computed from n order by target returning *",
    },
    {
      what: "two UPDATEs of other rows are one request",
      sql: "with a as (update mirror.things set label = 'A' where target = 'a' returning *), b as (update mirror.things set label = 'B' where target = 'b' returning *) select computed from a union all select computed from b",
    },
    {
      what: "an INSERT of what another has returned is one request with it",
      sql: "with a as (insert into mirror.things (origin, target, label) values (5, 'x', 'p') returning *), b as (insert into mirror.things (target, origin, label) select 'y', origin + 1, 'q' from a returning *) select computed from b",
    },
  ],
);
