// Closed entries of the journal are forgotten after their time; open ones are kept.

import { afterAll, beforeAll, expect, test } from "vitest";
import { deleteOldEntries } from "../../src/journal/retain.js";
import { type Stack, startStack } from "../support/stack.js";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({});
});
afterAll(() => stack.close());

test("entries that have been closed for long are forgotten with their marks, in batches; open ones never", async () => {
  await stack.admin.query(`
    insert into throughline.journal (id, proxy, mirror, api, table_name, verb, state, row_count, role, application, client_address,
        statement_hash, closed_at)
      select gen_random_uuid(), gen_random_uuid(), m.id, 'hubspot', 'hubspot.contacts', 'insert', 'accepted', 1, 'app', '', '', '',
          case when i <= 2100 then now() - interval '3 days' when i = 2101 then now() end
        from throughline.mirror m, generate_series(1, 2102) i;
    insert into throughline.applied (call) select id from throughline.journal`);
  expect(await deleteOldEntries(stack.opened.pool, 2 * 86_400_000)).toBe(2100);
  const left =
    "select (select count(*)::int from throughline.journal) as entries, (select count(*)::int from throughline.applied) as marks";
  expect((await stack.admin.query(left)).rows).toEqual([{ entries: 2, marks: 2 }]);
});
