// MERGE, as far as the version of Postgres has it.

import { afterAll, beforeAll, beforeEach } from "vitest";
import { startThings, type Things, testAlike } from "../support/things.js";

let things: Things;
beforeAll(async () => {
  things = await startThings();
});
afterAll(() => things.close());
beforeEach(() => things.reset());

const into = (values: string) =>
  `merge into mirror.things t using (values ${values}) s(o, k, l) on s.o = t.origin and s.k = t.target`;
const update = "when matched then update set label = s.l";
const insert = "when not matched then insert (origin, target, label) values (s.o, s.k, s.l)";

testAlike(
  () => things,
  [
    { what: "all rows match", sql: `${into("(1::bigint, 'a', 'm'), (1, 'b', 'k')")} ${update} ${insert}`, since: 15 },
    {
      what: "no row matches, and RETURNING says what was done",
      sql: `${into("(7::bigint, 'a', 'm'), (7, 'b', 'k')")} when matched then do nothing ${insert} returning merge_action(), t.*, s.l`,
      since: 17,
    },
    {
      what: "what the source has not is left alone",
      sql: `${into("(1::bigint, 'a', 'm')")} ${update} when not matched by source then do nothing returning merge_action(), t.computed`,
      since: 17,
    },
    {
      what: "what the source has not is deleted",
      sql: `${into("(1::bigint, 'a', 'm')")} when not matched by source then delete returning merge_action(), t.target`,
      since: 17,
    },
    {
      what: "RETURNING has a row as it was and as it is",
      sql: `${into("(1::bigint, 'a', 'm')")} ${update} when not matched then insert values (s.o, s.k, s.l) returning merge_action(), old.computed, new.computed`,
      since: 18,
    },
    {
      what: "in a CTE, whose rows a local table gets",
      sql: `with m as (${into("(7::bigint, 'a', 'm')")} ${insert} returning t.*) insert into public.local select origin, computed from m returning *`,
      since: 17,
    },
    {
      what: "into a view",
      sql: "merge into mirror_few v using (values (1::bigint, 'a'), (1, 'b')) s(o, t) on (v.o, v.t) = (s.o, s.t) when matched then update set l = 'vm' returning v.*",
      since: 17,
    },
  ],
);
