// What upstream does later than anybody waits for: its absence is said with a doubt, and looked for again.

import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openMirrors } from "../../src/app/open.js";
import { EntryWatch } from "../../src/journal/entry-watch.js";
import { listEntries } from "../../src/journal/listing.js";
import { recover } from "../../src/journal/recover.js";
import type { FaultyApi } from "../faults/api.js";
import type { ServedStack } from "../support/served-stack.js";
import { lose, startFaultyLine, type Verb } from "./lost-sessions.js";

let api: FaultyApi;
let stack: ServedStack;
let nowMs: number;
let watch: EntryWatch;
beforeEach(async () => {
  ({ api, line: stack } = await startFaultyLine());
  nowMs = 0;
  watch = new EntryWatch(() => nowMs);
});
afterEach(() => stack.close());

/** One round, so much later. */
async function roundAfter(seconds: number): Promise<void> {
  nowMs += seconds * 1_000;
  await stack.admin.query("update throughline.journal set tried_at = null");
  const parts = { ...stack.opened, proxy: randomUUID(), watch, mirrors: () => openMirrors(stack.opened) };
  while ((await recover(parts)) === undefined);
}

async function entry() {
  const [only] = await listEntries(stack.opened.pool, { limit: 1 });
  if (!only) throw new Error("there is no entry");
  return only;
}

const mirrored = async () => (await stack.admin.query("select name, note from own.records order by name")).rows;

/** The API has five seconds for an answer. */
const change: readonly (readonly [Verb, (fact: { id: string; name: string; note: string }) => void])[] = [
  ["insert", (fact) => void api.apply("insert", fact)],
  ["update", (fact) => void api.apply("update", fact)],
  ["delete", (fact) => void api.apply("delete", fact)],
];

test.each(change)("P13: an %s that is done behind the second look is found by the last one", async (verb, doLate) => {
  if (verb !== "insert") api.add("late", "old");
  await stack.pull();
  await lose(stack, api, verb, "late", "sent");
  const { values } = await entry();
  const sent = values?.[0];
  await roundAfter(0);
  expect(await entry()).toMatchObject({ state: "sent", tries: 0, lookedAt: null });
  await roundAfter(10);
  expect(await entry()).toMatchObject({ state: "unknown", open: true, lookedAt: expect.any(String) });
  await roundAfter(9);
  expect(await entry()).toMatchObject({ state: "unknown", open: true });
  await roundAfter(1);
  expect(await entry()).toMatchObject({ state: "lapsed", open: false, values: [sent] });
  doLate({ id: sent?.key ?? "", name: "late", note: sent?.sent["note"] ?? "" });
  await roundAfter(0);
  await roundAfter(49);
  expect(await entry()).toMatchObject({ state: "lapsed" });
  await roundAfter(1);
  expect(await entry()).toMatchObject({ state: "accepted", open: false, values: null });
  expect(await mirrored()).toEqual(api.records().map(({ name, note }) => ({ name, note })));
});

test("P13: what the last look does not find stays lapsed, and nobody looks again", async () => {
  await stack.pull();
  await lose(stack, api, "insert", "never", "sent");
  for (const seconds of [0, 10, 10, 0, 50]) await roundAfter(seconds);
  const last = await entry();
  expect(last).toMatchObject({ state: "lapsed", open: false, values: null });
  await roundAfter(1_000);
  expect(await entry()).toEqual(last);
});

test("P13: a create is found as upstream spells it", async () => {
  await stack.pull();
  await lose(stack, api, "insert", " As Sent@One ", "sent");
  const { values } = await entry();
  api.add("as sent@one", values?.[0]?.sent["note"] ?? "");
  await roundAfter(0);
  await roundAfter(10);
  expect(await entry()).toMatchObject({ state: "accepted", open: false });
  expect(await mirrored()).toMatchObject([{ name: "as sent@one" }]);
});

test("P6: an entry that has lapsed and could not be closed is closed by the next round, and looked for once more", async () => {
  await stack.pull();
  await lose(stack, api, "insert", "late", "sent");
  for (const seconds of [0, 10, 10]) await roundAfter(seconds);
  const { values } = await entry();
  // As if the process had ended in between.
  await stack.admin.query("update throughline.journal set closed_at = null, tries = 1, rows = '[]'");
  await roundAfter(0);
  expect(await entry()).toMatchObject({ state: "lapsed", open: false, values });
  api.add("late", values?.[0]?.sent["note"] ?? "");
  for (const seconds of [0, 50]) await roundAfter(seconds);
  expect(await entry()).toMatchObject({ state: "accepted", open: false });
});
