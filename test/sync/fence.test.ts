// The fence is as wide as the keys of the calls that are open: what no open create can have made is written at once, and the rest as soon
// as those calls have ended that were open when it was read.

import { randomUUID } from "node:crypto";
import { afterEach, expect, test } from "vitest";
import { openMirrors } from "../../src/app/open.js";
import { pullAll } from "../../src/app/pull.js";
import { applyPage } from "../../src/sync/page.js";
import type { FaultyApi } from "../faults/api.js";
import { startFaultyLine } from "../journal/lost-sessions.js";
import { inReadersTurn } from "../support/reading.js";
import type { ServedStack } from "../support/served-stack.js";
import { untilTrue } from "../support/sessions.js";

let api: FaultyApi;
let stack: ServedStack;
afterEach(() => stack.close());

async function start(names: "unique" | "any"): Promise<void> {
  ({ api, line: stack } = await startFaultyLine(names));
}

/** An INSERT that upstream has done, and whose answer it holds back until it is let go. */
async function heldInsert(name: string) {
  let letGo = () => {};
  const free = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const isDone = new Promise<void>((resolve) => {
    api.set(name, "tells when it is done", () => {
      resolve();
      return free;
    });
  });
  const client = await stack.client();
  const told = client.query("insert into own.records (name, note) values ($1, 'mine') returning id", [name]);
  await isDone;
  return { letGo, told };
}

const mirrored = async () =>
  (await stack.admin.query("select name from own.records order by 1")).rows.map(({ name }) => name);
const nothingParked = () => untilTrue(stack.admin, "not exists (select from throughline.parked)");

test("P8: beside an open create with a unique value, a page brings all rows but that one", async () => {
  await start("unique");
  await stack.pull();
  const { letGo, told } = await heldInsert("Held");
  for (const name of ["a", "b"]) api.add(name, "other");
  const pulling = pullAll(stack.opened);
  await untilTrue(stack.admin, "(select count(*) from own.records) = 2");
  expect((await stack.admin.query("select key from throughline.parked")).rows).toHaveLength(1);
  letGo();
  await told;
  expect(await pulling).toMatchObject([{ kind: "copied", rows: 3, parked: [] }]);
  expect(await mirrored()).toEqual(["Held", "a", "b"]);
});

test("P8: what waits for a create that no value tells apart is written when that has ended, without another pull", async () => {
  await start("any");
  await stack.pull();
  const { letGo, told } = await heldInsert("held");
  for (const name of ["a", "b"]) api.add(name, "other");
  const pulling = pullAll(stack.opened);
  await untilTrue(stack.admin, "(select count(*) from throughline.parked) = 3");
  expect(await mirrored()).toEqual([]);
  letGo();
  await told;
  expect(await pulling).toMatchObject([{ kind: "copied", parked: [] }]);
  await nothingParked();
  expect(await mirrored()).toEqual(["a", "b", "held"]);
});

test("P8: a create that was noted behind a page keeps none of its rows out, however many follow", async () => {
  await start("any");
  await stack.pull();
  const first = await heldInsert("first");
  api.add("other", "other");
  const pulling = pullAll(stack.opened);
  await untilTrue(stack.admin, "(select count(*) from throughline.parked) = 2");
  const second = await heldInsert("second");
  first.letGo();
  await first.told;
  expect(await pulling).toMatchObject([{ kind: "copied", parked: [] }]);
  expect(await mirrored()).toEqual(["first", "other"]);
  second.letGo();
  await second.told;
});

test.each(["unique", "any"] as const)(
  "P8: a pull ends complete beside writers that never pause; their names are %s",
  async (names) => {
    await start(names);
    for (let n = 0; n < 150; n += 1) api.add(`other ${n}`, "other");
    await stack.admin.query("update throughline.mirror set complete_at = null");
    let isOver = false;
    const writers = ["a", "b", "c", "d"].map(async (writer) => {
      const client = await stack.client();
      let written = 0;
      for (; !isOver; written += 1)
        await client.query("insert into own.records (name, note) values ($1, 'mine')", [`${writer} ${written}`]);
      return written;
    });
    await untilTrue(stack.admin, "(select count(*) from own.records) > 4");
    expect(await pullAll(stack.opened)).toMatchObject([{ kind: "copied", parked: [] }]);
    const { rows } = await stack.admin.query("select count(*)::int as n from own.records where note = 'other'");
    expect(rows).toEqual([{ n: 150 }]);
    expect(
      (await stack.admin.query("select complete_at is not null as complete from throughline.mirror")).rows,
    ).toEqual([{ complete: true }]);
    isOver = true;
    expect((await Promise.all(writers)).every((written) => written > 0)).toBe(true);
    await nothingParked();
    expect(await mirrored()).toEqual(
      api
        .records()
        .map(({ name }) => name)
        .toSorted(),
    );
  },
);

test("P8: a page whose reader has lost its turn is not written", async () => {
  await start("unique");
  const [known] = await openMirrors(stack.opened);
  if (!known) throw new Error("no mirror");
  const { mirror } = known;
  const { pool } = stack.opened;
  const rows = [{ key: "r1", row: { id: "r1", name: randomUUID(), note: null } }];
  const late = inReadersTurn(pool, mirror, async (turn) => {
    await stack.admin.query("select pg_terminate_backend($1)", [turn.reader]);
    await untilTrue(stack.admin, `not exists (select from pg_locks where pid = ${turn.reader})`);
    await applyPage(pool, { mirror, turn, rows });
  });
  await expect(late).rejects.toThrow("the turn of this reader has ended");
  expect(await mirrored()).toEqual([]);
});
