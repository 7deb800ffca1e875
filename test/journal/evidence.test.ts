// What a sighting of a row proves, in full tables, and how long an entry rests between two looks.

import { expect, test } from "vitest";
import { EntryWatch } from "../../src/journal/entry-watch.js";
import { lastLook, looksFor, type RowFate, restMs, rowEvidence, stateOf } from "../../src/journal/evidence.js";
import { verbs } from "../../src/upstream/table.js";

/** Row: how the row stands upstream; column: what was sent. */
const table = `
              insert update delete upsert
  as sent     done   done   undone done
  as before   other  undone undone undone
  otherwise   other  other  undone other
  not there   undone absent done   undone`;

test("P13: what a sighting of a row proves", () => {
  const rows = Object.entries(rowEvidence).map(([sighting, fates]) =>
    [sighting, ...verbs.map((verb) => fates[verb])].join(" "),
  );
  const wanted = table
    .trim()
    .split("\n")
    .map((line) => line.trim().replace(/ +/g, " "));
  expect([verbs.join(" "), ...rows]).toEqual(wanted);
});

/** Fates of a call's rows, what they make of the call, and how often it has to have been looked for. */
const verdicts: readonly (readonly [RowFate[], string, number])[] = [
  [["done"], "accepted", 1],
  [["undone"], "lapsed", 2],
  [["absent"], "absent", 2],
  [["other"], "settled", 1],
  [["done", "done"], "accepted", 1],
  [["done", "undone"], "partial", 2],
  [["done", "absent"], "partial", 2],
  [["done", "other"], "settled", 1],
  [["undone", "undone"], "lapsed", 2],
  [["undone", "absent"], "partial", 2],
  [["undone", "other"], "settled", 2],
  [["absent", "absent"], "absent", 2],
  [["absent", "other"], "settled", 2],
  [["other", "other"], "settled", 1],
];

test.each(verdicts)("P13: rows that are %j make a call %s when it was looked for %i times", (fates, state, looks) => {
  expect([stateOf(fates), looksFor(fates)]).toEqual([state, looks]);
  expect([stateOf(fates.toReversed()), looksFor(fates.toReversed())]).toEqual([state, looks]);
});

test("P13: looks are spaced by what upstream may take, and the last one by five times that", () => {
  const rests = Array.from({ length: lastLook }, (_, looks) => restMs(looks, 20_000) / 1000);
  expect(rests).toEqual([40, 40, 200]);
});

test("P13: an entry rests from when this process first hears of it, and again after each look, whoever looked", () => {
  let nowMs = 0;
  const watch = new EntryWatch(() => nowMs);
  const isDueAt = (ms: number, looks: number, restMs: number) => {
    nowMs = ms;
    watch.begin("a", looks, restMs);
    return watch.isDue("a");
  };
  expect([watch.isDue("a"), isDueAt(0, 0, 40), isDueAt(39, 0, 40), watch.resting()]).toEqual([
    false,
    false,
    false,
    ["a"],
  ]);
  expect([isDueAt(40, 0, 40), watch.resting()]).toEqual([true, []]);
  expect([isDueAt(40, 1, 40), isDueAt(79, 1, 40), isDueAt(80, 1, 40)]).toEqual([false, false, true]);
  expect([isDueAt(80, 2, 200), isDueAt(279, 2, 200), isDueAt(280, 2, 200)]).toEqual([false, false, true]);
  watch.forget("a");
  expect(isDueAt(280, 2, 200)).toBe(false);
});
