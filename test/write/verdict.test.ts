// The verdict over a call: from what is known of each row to the one error, or none, that the client gets.

import { expect, test } from "vitest";
import { cleanText } from "../../src/config/clean-text.js";
import { atOnce } from "../../src/config/slices.js";
import type { Mirror, MirrorColumn } from "../../src/mirror/column.js";
import type { RowResult, UpstreamError } from "../../src/upstream/write-outcome.js";
import { verdictError } from "../../src/write/client-errors.js";
import type { RowToSend } from "../../src/write/plan.js";
import { stagedRows } from "../../src/write/staged.js";
import { judge } from "../../src/write/verdict.js";
import { column } from "./column.js";

const id = column("id", { write: "never" });
const mirror: Mirror = {
  id: 1,
  relation: 16400,
  api: "crm",
  resource: "people",
  schema: "crm",
  table: "people",
  key: [id],
  columns: [id, column("name")],
  revision: 1,
  missingIndexes: new Map(),
  complete: true,
};
const compare = {
  // biome-ignore lint/correctness/useYield: it is as short as that
  *expectedText(_: MirrorColumn, sent: string | null) {
    return sent;
  },
  // biome-ignore lint/correctness/useYield: it is as short as that
  *same(_: MirrorColumn, a: string | null, b: string | null) {
    return a === b;
  },
  // biome-ignore lint/correctness/useYield: it is as short as that
  *means(_: MirrorColumn, a: string | null, b: string | null) {
    return a?.toLowerCase() === b?.toLowerCase();
  },
};
const update = (key: string): RowToSend => ({
  plannedRow: {
    verb: "update",
    relation: 16400,
    key,
    n: null,
    before: { id: key, name: "old" },
    after: { id: key, name: "new", note: "mine" },
  },
  key,
  values: { name: "new" },
  sends: true,
});
const accepted = (key: string, name = "new"): RowResult => ({ kind: "accepted", key, row: { id: key, name } });
const error: UpstreamError = {
  sqlstate: "23514",
  message: cleanText("no", 10),
  code: cleanText("NO", 10),
  column: "name",
  hint: null,
  row: null,
  constraint: null,
  absent: false,
  isConsequence: false,
  ask: false,
  proof: null,
  meaning: null,
  status: 400,
  request: null,
  words: null,
};
const refused: RowResult = { kind: "refused", error };
const judged = (results: readonly RowResult[]) =>
  atOnce(
    judge(
      mirror,
      "update",
      results.map((_, i) => update(String(i + 1))),
      results,
      compare,
    ),
  );
const raised = (results: readonly RowResult[]) =>
  verdictError(
    mirror,
    "the-call",
    results.map((_, i) => update(String(i + 1))),
    judged(results),
  )?.sqlstate;

test("P7: every mixture of answers has one state, and only acceptance of all rows raises nothing", () => {
  const gone: RowResult = { kind: "absent" };
  const silent: RowResult = { kind: "unreported" };
  const table: readonly (readonly [readonly RowResult[], string, string | undefined])[] = [
    [[accepted("1"), accepted("2")], "accepted", undefined],
    [[accepted("1"), refused], "partial", "TL001"],
    [[accepted("1"), gone], "partial", "TL001"],
    [[refused, gone], "partial", "TL001"],
    [[refused, refused], "refused", "23514"],
    [[gone, gone], "absent", "40001"],
    [[accepted("1"), silent], "unknown", "TL007"],
    [[refused, silent], "unknown", "TL007"],
    [[accepted("1", "old"), accepted("2")], "accepted", "42501"],
  ];
  for (const [results, state, sqlstate] of table) {
    expect(judged(results).state).toBe(state);
    expect(raised(results)).toBe(sqlstate);
  }
});

test("P13: an error that names no row refuses the rows that are left out, where nothing of them has changed", () => {
  const read = (key: string, name: string): RowResult => ({
    kind: "accepted",
    key,
    row: { id: key, name },
    doubt: error,
  });
  expect(judged([read("1", "old"), read("2", "new"), accepted("3")])).toMatchObject({
    state: "partial",
    refusals: [{ row: 0, error }],
    canonical: [null, { key: "2" }, { key: "3" }],
    droppedFields: [],
  });
});

test("P4: of an all-or-nothing refusal the cause is told, and not what follows from it", () => {
  const consequence: RowResult = { kind: "refused", error: { ...error, sqlstate: "40000", isConsequence: true } };
  expect(raised([consequence, refused, consequence])).toBe("23514");
  expect(raised([consequence, consequence])).toBe("40000");
});

test("P13: what in the manifest does not fit an answer is told", () => {
  const why = cleanText('"ok" of the manifest is /id, where its answer has neither true nor false', 200);
  const results: readonly RowResult[] = [accepted("1"), { kind: "unreported", why }];
  expect(verdictError(mirror, "the-call", [update("1"), update("2")], judged(results))?.message).toContain(why);
});

test("P6: a row that upstream has merged into another takes that one's key, and its own is gone", () => {
  const verdict = judged([accepted("9")]);
  expect(verdict.canonical).toEqual([{ key: "9", row: { id: "9", name: "new" } }]);
  expect(verdict.mergedRows).toEqual([{ key: "1", row: null }]);
  expect(
    JSON.parse(Buffer.concat(atOnce(stagedRows(mirror, [update("1")], [], verdict.canonical)).buffers).toString()),
  ).toEqual([{ n: null, key: "1", row: { id: "9", name: "new" }, local: { note: "mine" } }]);
});
