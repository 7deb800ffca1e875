// Recovery beside other processes, other entries and other creates: none of them makes it say what is not proven, or keeps it from an end.

import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openMirrors } from "../../src/app/open.js";
import { EntryWatch } from "../../src/journal/entry-watch.js";
import { noteOutcome } from "../../src/journal/journal.js";
import { listEntries } from "../../src/journal/listing.js";
import { reconcileWithUpstream } from "../../src/journal/reconcile.js";
import { recover } from "../../src/journal/recover.js";
import { closeEntries, settle } from "../../src/journal/settle.js";
import { ReadFailed } from "../../src/manifest/read-failed.js";
import type { SendGate } from "../../src/upstream/admission.js";
import type { MirroredTable } from "../../src/upstream/mirrored-table.js";
import type { FaultyApi } from "../faults/api.js";
import type { ServedStack } from "../support/served-stack.js";
import { lose, startFaultyLine } from "./lost-sessions.js";

let api: FaultyApi;
let stack: ServedStack;
let nowMs = 0;
beforeEach(async () => {
  ({ api, line: stack } = await startFaultyLine());
  nowMs = 0;
});
afterEach(() => stack.close());

async function round(
  watch: EntryWatch,
  mirrors: () => Promise<readonly MirroredTable[]> = () => openMirrors(stack.opened),
) {
  await stack.admin.query("update throughline.journal set tried_at = null");
  const parts = { ...stack.opened, proxy: randomUUID(), watch, mirrors };
  while ((await recover(parts)) === undefined);
}
const entries = () => listEntries(stack.opened.pool, { limit: 10 });
const only = async () => {
  const [one] = await entries();
  if (!one) throw new Error("none");
  return one;
};

test("P13: two processes that look keep the rest between two looks", async () => {
  await stack.pull();
  const a = new EntryWatch(() => nowMs);
  const b = new EntryWatch(() => nowMs);
  await lose(stack, api, "insert", "late", "sent");
  await round(a);
  await round(b);
  nowMs += 10_000;
  await round(a);
  expect(await only()).toMatchObject({ state: "unknown", open: true });
  nowMs += 1_000; // the rest between the first and the second look is 10 s here
  await round(b);
  expect(await only()).toMatchObject({ state: "unknown", open: true });
});

test("P13: two processes keep the rest before the last look", async () => {
  await stack.pull();
  const a = new EntryWatch(() => nowMs);
  const b = new EntryWatch(() => nowMs);
  await lose(stack, api, "insert", "late", "sent");
  await round(a);
  nowMs += 10_000;
  await round(a);
  await round(b); // b sees it first here: rests 10 s
  nowMs += 10_000;
  await round(a);
  expect(await only()).toMatchObject({ state: "lapsed" });
  nowMs += 1_000; // the last look is to come after 50 s
  await round(b);
  expect((await only()).values).not.toBeNull();
});

test("P6: what a running proxy notes between the settling of a lapse and its closing is not closed unapplied", async () => {
  await stack.pull();
  await lose(stack, api, "insert", "slow", "sent, and done");
  const { pool } = stack.opened;
  const call = (await only()).id;
  const outcome = { status: null, request: null, sqlstate: null };
  await noteOutcome(pool, call, { ...outcome, state: "unknown", rows: [] });
  // recover.ts noteAnswer: lapsed. applyAndClose: settle, then closeEntries.
  await noteOutcome(pool, call, { ...outcome, state: "lapsed", rows: [] });
  await settle(pool, [call]);
  // The proxy that was paused hears of its call only now.
  const id = api.records()[0]?.id ?? "";
  const row = { id, name: "slow", note: api.records()[0]?.note ?? null };
  expect(await noteOutcome(pool, call, { ...outcome, status: 200, state: "accepted", rows: [{ key: id, row }] })).toBe(
    true,
  );
  await closeEntries(pool, [call], "lapsed");
  // Its client's transaction is rolled back: proxy/settlement settles it.
  await settle(pool, [call]);
  expect((await stack.admin.query("select name from own.records")).rows).toEqual([{ name: "slow" }]);
});

test("P15: a create under way with another unique value keeps no unknown create from being found", async () => {
  await stack.pull();
  await lose(stack, api, "insert", "mine", "unknown, and done");
  await lose(stack, api, "insert", "another", "sent");
  // The other is of a proxy that runs: any of writers that never pause.
  const { rows } = await stack.admin.query("select id from throughline.journal where state = 'sent'");
  await stack.admin.query(
    "update throughline.journal set proxy = (select id from throughline.proxy_key limit 1) where id = $1",
    [rows[0].id],
  );
  const watch = new EntryWatch(() => Number.POSITIVE_INFINITY);
  for (let n = 0; n < 3; n += 1) await round(watch);
  const mine = (await entries()).find(({ id }) => id !== rows[0].id);
  expect(mine).toMatchObject({ state: "accepted", open: false });
});

/** The API answers for one record in a way of its own. */
function poisoned(key: string, sqlstate: string | undefined) {
  return async () => {
    const [known] = await openMirrors(stack.opened);
    if (!known) throw new Error("no mirror");
    const table = Object.create(known.table);
    table.get = async (columns: never, keys: readonly string[], reading: never) => {
      if (keys.includes(key)) throw new ReadFailed("own: rows by key of records: not this one", sqlstate);
      return known.table.get(columns, keys, reading);
    };
    return [{ mirror: known.mirror, table }];
  };
}

test.each([
  ["forbidden", "42501"],
  ["500", "HV000"],
] as const)("P15: an accepted row that can't be read again (%s) keeps no other entry open", async (_, sqlstate) => {
  const bad = api.add("bad", "old");
  api.add("good", "old");
  await stack.pull();
  await lose(stack, api, "update", "bad", "accepted");
  await lose(stack, api, "update", "good", "unknown, and done");
  await stack.admin.query("update throughline.journal set outcome_at = outcome_at - interval '2 minutes'");
  const watch = new EntryWatch(() => Number.POSITIVE_INFINITY);
  for (let n = 0; n < 4; n += 1) await round(watch, poisoned(bad, sqlstate));
  const { rows } = await stack.admin.query(
    "select keys, state, closed_at is not null as closed from throughline.journal",
  );
  expect(rows.find(({ keys }) => keys[0] !== bad)).toMatchObject({ closed: true });
});

test("P15: an unknown change of a record whose reading fails keeps no other entry open", async () => {
  const bad = api.add("bad", "old");
  api.add("good", "old");
  await stack.pull();
  await lose(stack, api, "update", "bad", "unknown, and done");
  await lose(stack, api, "update", "good", "unknown, and done");
  const watch = new EntryWatch(() => Number.POSITIVE_INFINITY);
  for (let n = 0; n < 4; n += 1) await round(watch, poisoned(bad, "HV000"));
  const { rows } = await stack.admin.query(
    "select keys, state, closed_at is not null as closed from throughline.journal",
  );
  expect(rows.find(({ keys }) => keys[0] !== bad)).toMatchObject({ closed: true });
});

test("P6: a create is repeated only while upstream keeps its key, also when its turn comes late", async () => {
  const [known] = await openMirrors(stack.opened);
  if (!known) throw new Error("no mirror");
  const table = Object.create(known.table);
  Object.defineProperty(table, "finds", { value: false });
  // The key is trusted for a second: the margin is a minute.
  table.repeatableMs = () => 61_000;
  let nowMs = performance.now();
  const readAtMs = nowMs;
  const clock = vi.spyOn(performance, "now").mockImplementation(() => nowMs);
  let sentCount = 0;
  table.write = async (_verb: never, _columns: never, _rows: never, { gate }: { gate: SendGate }) => {
    if (await gate.onSend()) sentCount += 1;
    // Meanwhile this process is stopped.
    nowMs += 2_000;
    return { kind: "unknown", reason: "time-out", status: null, request: null };
  };
  const calls = Array.from({ length: 9 }, () => ({
    call: randomUUID(),
    verb: "insert" as const,
    request: [{ key: null, sent: { name: "x" }, before: {} }],
    idempotencyKey: "k",
    agesMs: [500, 500],
    readAtMs,
  }));
  const { signal } = new AbortController();
  await reconcileWithUpstream({ ...known, table, findClaims: async () => new Set<string>(), signal }, calls);
  clock.mockRestore();
  expect(sentCount).toBe(1);
});
