// The refusals: each has its SQLSTATE, a message in Postgres's style, and a hint that says what to do.

import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { atOnce } from "../../src/config/slices.js";
import type { Mirror } from "../../src/mirror/column.js";
import { type RowToSend, readPlan, toSend } from "../../src/write/plan.js";
import { refusePlan } from "../../src/write/refuse-plan.js";
import { refuseSent } from "../../src/write/refuse-values.js";
import { column } from "./column.js";
import { nothingSealed } from "./nothing-sealed.js";

const key = column("id", { write: "never" });
const mirror: Mirror = {
  id: 1,
  relation: 16400,
  api: "crm",
  resource: "people",
  schema: "crm",
  table: "people",
  key: [key],
  columns: [
    key,
    column("name", { required: true, max: 5 }),
    column("stage", { options: ["lead", "customer"] }),
    column("topics", { type: "text[]", options: ["sales", "support"] }),
    column("source", { write: "create" }),
    column("made", { write: "never" }),
  ],
  revision: 1,
  missingIndexes: new Map(),
  complete: true,
};

type Row = Readonly<Record<string, string | null>>;
const plan = (...rows: (string | null)[][]) => atOnce(readPlan([mirror], [], rows, nothingSealed)).rows;
const insert = (row: Row) =>
  plan(["16400", "insert", null, JSON.stringify({ id: `throughline:${randomUUID()}`, ...row })]);
const update = (before: Row, after: Row) =>
  plan(["16400", "update", JSON.stringify({ id: "7", ...before }), JSON.stringify({ id: "7", ...before, ...after })]);
/** An API that can be sent anything. */
const table = {
  // biome-ignore lint/correctness/useYield: it is as short as that
  *takes() {
    return true;
  },
  clears: (value: string) => value === "",
};
const refused = (rows: readonly RowToSend[], limit: number) => atOnce(refuseSent(mirror, rows, limit, table));
const send = (planned: ReturnType<typeof insert>, named: readonly string[] | null = null) =>
  planned.map((row) => toSend(mirror, row, named));

test("P5: a value against the API's requirements, limits or lists is refused with the native SQLSTATE and the column", () => {
  const codes = (row: Row, named?: readonly string[]) => {
    const error = refused(send(insert(row), named ?? null), 10);
    return error && [error.sqlstate, error.column];
  };
  expect(codes({ name: "Ada" })).toBeUndefined();
  expect(codes({})).toEqual(["23502", "name"]);
  expect(codes({ name: "Adaline" })).toEqual(["22001", "name"]);
  expect(codes({ name: "Ada", stage: "friend" })).toEqual(["23514", "stage"]);
  expect(codes({ name: "Ada", topics: '{sales,"support"}' })).toBeUndefined();
  expect(codes({ name: "Ada", topics: "{sales,gossip}" })).toEqual(["23514", "topics"]);
  expect(codes({ name: "Ada", stage: null }, ["name", "stage"])).toBeUndefined();
  expect(codes({ name: "Ada", source: "s-throughline:x" })).toEqual(["0A000", "source"]);
  expect(refused(send(update({ name: "Ada" }, { name: null })), 10)?.sqlstate).toBe("23502");
  expect(refused(send(update({ name: null }, { stage: "lead" })), 10)).toBeUndefined();
});

test("P5: a key, a read-only column and one that only INSERT sets are refused when they really change", () => {
  const codes = (planned: ReturnType<typeof insert>, verb: "insert" | "update") =>
    refusePlan(mirror, verb, planned)?.column;
  expect(codes(insert({ name: "Ada", source: "web" }), "insert")).toBeUndefined();
  expect(codes(insert({ id: "7" }), "insert")).toBe("id");
  expect(codes(insert({ made: "now" }), "insert")).toBe("made");
  expect(codes(update({ made: "then" }, { made: "then" }), "update")).toBeUndefined();
  expect(codes(update({ made: "then" }, { made: "now" }), "update")).toBe("made");
  expect(codes(update({ source: "web" }, { source: "mail" }), "update")).toBe("source");
  expect(codes(update({}, { id: "8" }), "update")).toBe("id");
});

test("P1: more rows than the API takes, another mirror, or another verb than the statement's is refused", () => {
  const one = insert({ name: "Ada" });
  expect(refused(send([...one, ...one]), 1)?.sqlstate).toBe("54000");
  expect(refusePlan(mirror, "update", one)?.sqlstate).toBe("0A000");
  expect(refusePlan({ ...mirror, relation: 1 }, "insert", one)?.sqlstate).toBe("0A000");
});

test("INSERT sends the columns that it names and that a default filled, UPDATE those that differ", () => {
  expect(send(insert({ name: "Ada", stage: null, source: "web" }), ["name", "stage"])[0]?.values).toEqual({
    name: "Ada",
    stage: null,
    source: "web",
  });
  expect(send(update({ name: "Ada", stage: "lead" }, { stage: null }))[0]?.values).toEqual({ stage: null });
  expect(send(update({ name: "Ada" }, {}))[0]?.values).toEqual({});
});
