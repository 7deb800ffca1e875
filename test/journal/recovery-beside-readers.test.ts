// Recovery beside readers, later calls and records of others: what is known is applied, and no record of another's is taken for the own.

import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openMirrors } from "../../src/app/open.js";
import { EntryWatch } from "../../src/journal/entry-watch.js";
import { recover } from "../../src/journal/recover.js";
import { settle } from "../../src/journal/settle.js";
import { ReadFailed } from "../../src/manifest/read-failed.js";
import { applyPage } from "../../src/sync/page.js";
import type { MirroredTable } from "../../src/upstream/mirrored-table.js";
import type { FaultyApi } from "../faults/api.js";
import { askForPage, inReadersTurn } from "../support/reading.js";
import type { ServedStack } from "../support/served-stack.js";
import { untilTrue } from "../support/sessions.js";
import { lose, startFaultyLine } from "./lost-sessions.js";

let api: FaultyApi;
let stack: ServedStack;
beforeEach(async () => {
  ({ api, line: stack } = await startFaultyLine());
});
afterEach(() => stack.close());

async function round(mirrors: () => Promise<readonly MirroredTable[]> = () => openMirrors(stack.opened)) {
  const watch = new EntryWatch(() => Number.POSITIVE_INFINITY);
  await stack.admin.query("update throughline.journal set tried_at = null");
  return recover({ ...stack.opened, proxy: randomUUID(), watch, mirrors });
}
async function only() {
  const [known] = await openMirrors(stack.opened);
  if (!known) throw new Error("no mirror");
  return known;
}
const notes = async () =>
  (await stack.admin.query("select note from own.records order by 1")).rows.map(({ note }) => note);

test("P13: of two records that differ by case, the one with the value as it was sent is the create's", async () => {
  api.add("foo", "theirs");
  await stack.pull();
  await lose(stack, api, "insert", "Foo", "unknown, and done");
  for (let n = 0; n < 3; n += 1) await round();
  const { rows } = await stack.admin.query("select state from throughline.journal");
  expect(rows).toEqual([{ state: "accepted" }]);
});

test("P13: the record of another that differs by case decides nothing of a create that is done late", async () => {
  api.add("foo", "theirs");
  await stack.pull();
  await lose(stack, api, "insert", "Foo", "unknown");
  await round();
  const { rows } = await stack.admin.query("select state, closed_at from throughline.journal");
  expect(rows).toEqual([{ state: "unknown", closed_at: null }]);
});

test("P6: an accepted change is applied though a later one of its row is unknown", async () => {
  api.add("n", "old");
  await stack.pull();
  await lose(stack, api, "update", "n", "accepted");
  await lose(stack, api, "update", "n", "unknown");
  const known = await only();
  const table = Object.create(known.table);
  table.get = async () => {
    throw new ReadFailed("own: the API is away", "HV00N");
  };
  for (let n = 0; n < 3; n += 1) await round(async () => [{ mirror: known.mirror, table }]);
  expect(await notes()).toEqual(api.records().map(({ note }) => note));
});

test("P15: a reader that stands still keeps no entry open for ever", async () => {
  api.add("n", "old");
  await stack.pull();
  await lose(stack, api, "update", "n", "accepted");
  const known = await only();
  // `throughline pull` was stopped by Ctrl-Z, or its container frozen.
  const page = await askForPage(stack.opened.pool, known);
  await round();
  const { rows } = await stack.admin.query("select state, closed_at is not null as closed from throughline.journal");
  await page?.end("drop it");
  expect(rows).toEqual([{ state: "accepted", closed: true }]);
});

test("P12: a row that gave its unique value to a settled call is read again, whatever an older page brings", async () => {
  const h = api.add("v", "h");
  await stack.pull();
  const known = await only();
  await inReadersTurn(stack.opened.pool, known.mirror, async (turn) => {
    const { records } = await known.table.list(known.mirror.columns, null);
    // Upstream: h is renamed, and a call creates another of its old name.
    api.apply("update", { id: h, name: "w", note: "h" });
    await lose(stack, api, "insert", "v", "accepted");
    const { rows } = await stack.admin.query("select id from throughline.journal");
    await settle(stack.opened.pool, [rows[0].id]);
    await applyPage(stack.opened.pool, { mirror: known.mirror, turn, rows: records });
  });
  await untilTrue(stack.admin, "(select array_agg(name order by name) from own.records) = '{v,w}'");
});
