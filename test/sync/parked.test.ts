// What is parked, and for how long: no row, no call and no API keeps others waiting.

import { setTimeout as delay } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { openMirrors } from "../../src/app/open.js";
import { pullAll } from "../../src/app/pull.js";
import { ReadFailed } from "../../src/manifest/read-failed.js";
import { withLease } from "../../src/postgres/connection.js";
import { tendAllParked, tendParked } from "../../src/sync/parked.js";
import type { FaultyApi } from "../faults/api.js";
import { startFaultyLine } from "../journal/lost-sessions.js";
import type { ServedStack } from "../support/served-stack.js";
import { untilTrue } from "../support/sessions.js";

let api: FaultyApi;
let stack: ServedStack;
afterEach(() => stack.close());

async function known() {
  const [one] = await openMirrors(stack.opened);
  if (!one) throw new Error("no mirror");
  return one;
}

test("P8: a pull ends complete beside writers that never let go of one row", async () => {
  ({ api, line: stack } = await startFaultyLine());
  const hot = api.add("hot", "0");
  for (let n = 0; n < 20; n += 1) api.add(`other ${n}`, "other");
  await stack.pull();
  let isOver = false;
  const writers = ["a", "b", "c", "d"].map(async (writer) => {
    const client = await stack.client();
    for (let n = 0; !isOver; n += 1)
      await client
        .query("update own.records set note = $2 where id = $1", [hot, `${writer} ${n}`])
        .catch(() => undefined);
  });
  await untilTrue(stack.admin, "(select count(*) from throughline.journal) > 8");
  const pulled = [];
  for (let n = 0; n < 4; n += 1) pulled.push(...(await pullAll(stack.opened)));
  isOver = true;
  await Promise.all(writers);
  expect(pulled).toMatchObject(pulled.map(() => ({ kind: "copied", parked: [] })));
});

test("P8: a pull ends complete beside writers that never let go of one row, whose API takes 300 ms", async () => {
  ({ api, line: stack } = await startFaultyLine());
  const hot = api.add("hot", "0");
  await stack.pull();
  let isOver = false;
  const writers = ["a", "b", "c", "d"].map(async (writer) => {
    const client = await stack.client();
    for (let n = 0; !isOver; n += 1) {
      api.set("hot", "tells when it is done", () => delay(300));
      await client
        .query("update own.records set note = $2 where id = $1", [hot, `${writer} ${n}`])
        .catch(() => undefined);
    }
  });
  await untilTrue(stack.admin, "(select count(*) from throughline.journal) > 2");
  const pulled = await pullAll(stack.opened);
  isOver = true;
  await Promise.all(writers);
  expect(pulled).toMatchObject([{ kind: "copied", parked: [] }]);
});

test("P15: an API that does not answer keeps no parked row of another waiting", async () => {
  ({ api, line: stack } = await startFaultyLine());
  const { mirror, table } = await known();
  const { rows } =
    await stack.admin.query(`insert into throughline.mirror (api, resource, schema_name, table_name, key_columns, columns)
    values ('slow', 'x', 'slow', 'x', '{id}', '[]') returning id`);
  const slow = Object.create(table);
  let isReleased = false;
  // It answers when the other's row has been written.
  slow.get = async () => {
    await untilTrue(stack.admin, "exists (select from own.records where id = 'r9')");
    isReleased = true;
    return [];
  };
  await stack.admin.query(
    `insert into throughline.parked (mirror, key, entry, asked, seen) values ($1, 's1', null, null, null),
       ($2, 'r9', $3, nextval('throughline.moment'), nextval('throughline.moment'))`,
    [rows[0].id, mirror.id, JSON.stringify({ key: "r9", row: { id: "r9", name: "n", note: "x" } })],
  );
  const mirrors = async () => [
    { mirror: { ...mirror, id: rows[0].id, api: "slow" }, table: slow },
    { mirror, table },
  ];
  // There is no mirror to write what comes.
  await tendAllParked(stack.opened.pool, stack.opened.pool, mirrors).catch(() => undefined);
  expect(isReleased).toBe(true);
});

test("P15: a parked row that can't be read again keeps no other waiting", async () => {
  ({ api, line: stack } = await startFaultyLine());
  const bad = api.add("bad", "x");
  const good = api.add("good", "y");
  const { mirror, table } = await known();
  const poisoned = Object.create(table);
  poisoned.get = async (columns: never, keys: readonly string[], reading: never) => {
    if (keys.includes(bad))
      throw new ReadFailed(
        "own: rows by key of records: not this one, and nothing proves that the record is gone",
        "42501",
      );
    return table.get(columns, keys, reading);
  };
  // No round of the stack's own proxy takes them: it would read them well.
  await stack.admin.query(
    "insert into throughline.parked (mirror, key, sqlstate) values ($1, $2, '23505'), ($1, $3, '23505')",
    [mirror.id, bad, good],
  );
  const { pool } = stack.opened;
  for (let n = 0; n < 3; n += 1)
    await withLease(pool, (lease) => tendParked({ pool, lease }, { mirror, table: poisoned }, { refused: true })).catch(
      () => undefined,
    );
  const { rows } = await stack.admin.query("select key from throughline.parked order by key");
  expect(rows).toEqual([{ key: bad }]);
});
