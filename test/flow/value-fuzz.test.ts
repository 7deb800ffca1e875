// Random JSON goes through a mirror and back: whatever upstream has, no field changes that a statement did not name, and what a statement
// computes from a field keeps what was there, or is refused.

import fc from "fast-check";
import type pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { isRecord } from "../../src/config/json.js";
import { atOnce } from "../../src/config/slices.js";
import { numberText } from "../../src/manifest/json-number.js";
import { parseJson, toJson } from "../../src/manifest/lossless-json.js";
import { comparableJsonForm } from "../../src/upstream/same-value.js";
import { refused } from "../support/answers.js";
import { type RecordsStack, startRecords } from "../support/records-api.js";

interface Kind {
  readonly column: unknown;
  /** Computes a new value of the column `v` from the one that it has. */
  readonly computed: string;
  /** What upstream is to have then. */
  expected(before: unknown): unknown;
}

const isNothing = (value: unknown) => value === undefined || value === null || value === "";
const list = (before: unknown) => (Array.isArray(before) ? before : isNothing(before) ? [] : [before]);
const text: Kind = { column: "text", computed: "v || '~'", expected: (before) => `${plain(before)}~` };
const added = (column: unknown): Kind => ({
  column,
  computed: "v + 1",
  expected: (before) => Number(plain(before)) + 1,
});
const longer = (type: string, element: string, more: unknown): Kind => ({
  column: type,
  computed: `v || ${element}`,
  expected: (before) => [...list(before), more],
});
const object = (column: unknown): Kind => ({
  column,
  computed: `v || '{"~": 1}'`,
  expected: (before) => (isRecord(before) ? { ...before, "~": 1 } : [...list(before), { "~": 1 }]),
});

const kinds: Readonly<Record<string, Kind>> = {
  f_text: text,
  f_integer: added("integer"),
  f_bigint: added("bigint"),
  f_numeric: added("numeric"),
  f_double: added("double precision"),
  f_texts: longer("text[]", "'~'::text", "~"),
  f_integers: longer("integer[]", "7", 7),
  f_numerics: longer("numeric[]", "7", 7),
  f_booleans: longer("boolean[]", "true", true),
  f_json: object("jsonb"),
  f_merged: object({ type: "jsonb", merge: true }),
  f_joined: {
    column: { type: "text[]", codec: "join(;)" },
    computed: "v || '~'::text",
    expected: (before) => (isNothing(before) ? "~" : `${plain(before)};~`),
  },
  f_boolean: { column: "boolean", computed: "not v", expected: (before) => before === false },
  f_date: { column: "date", computed: "v + 0", expected: (before) => before },
  f_instant: { column: "timestamptz", computed: "v + '0 s'", expected: (before) => before },
};
const names = Object.keys(kinds);

/** What two values have in common that mean the same: an API takes a number or a truth of a list as a text, and the other way round. */
function meaning(type: unknown, value: unknown): string {
  if (Array.isArray(value) && type !== "jsonb") return value.map((one) => meaning(type, one)).join();
  const word = plain(value);
  if ((isRecord(value) && numberText(value) === undefined) || Array.isArray(value) || type === "jsonb")
    return atOnce(comparableJsonForm(value));
  return word.trim() === "" || Number.isNaN(Number(word)) ? word : String(Number(word));
}

function plain(value: unknown): string {
  return typeof value === "string" ? value : toJson(value);
}

/** What an API may well have, and what nobody would think of. */
const word = fc.oneof(
  fc.constantFrom(
    "",
    "a",
    "1",
    "1.50",
    "1,234.50",
    "2026-02-28",
    "2026-02-30",
    "2026-02-28T12:30:00Z",
    "true",
    "null",
    "a;b",
    "{}",
    "[]",
    "NULL",
    "~",
  ),
  fc.string({ unit: "binary", maxLength: 6 }),
  fc.constantFrom("\0", "a\0b", "\ud800", "\ufffd", '"', "\\", "{", ","),
);
const number = fc.oneof(
  fc.integer(),
  fc.double({ noDefaultInfinity: true, noNaN: true }),
  fc.constantFrom(0, -0, 3_000_000_000, 2 ** 53, 0.1, 1e300),
);
const scalar = fc.oneof(word, number, fc.boolean(), fc.constant(null));
const value = fc.oneof(
  { weight: 3, arbitrary: scalar },
  { weight: 3, arbitrary: fc.array(scalar, { maxLength: 3 }) },
  { weight: 2, arbitrary: fc.dictionary(word, scalar, { maxKeys: 3 }) },
  fc.array(fc.array(scalar, { maxLength: 2 }), { maxLength: 2 }),
  fc.dictionary(word, fc.dictionary(word, scalar, { maxKeys: 2 }), { maxKeys: 2 }),
);
/** A field may be left out. */
const record = fc.record(Object.fromEntries(names.map((name) => [name, value])), { requiredKeys: [] });

const [seed, runs, size] = [15, 8, 12];
let stack: RecordsStack;
let client: pg.Client;
beforeAll(async () => {
  const columns = Object.fromEntries(names.map((name) => [name, kinds[name]?.column]));
  stack = await startRecords({
    columns: { note: "text", ...columns },
    records: Array.from({ length: size }, () => "{}"),
  });
  client = await stack.client();
});
afterAll(() => stack.close());

const fieldsOf = (id: number) => {
  const fields = parseJson(stack.fields(id));
  return isRecord(fields) ? fields : {};
};
const without = (fields: object, ...left: readonly string[]) =>
  toJson(Object.fromEntries(Object.entries(fields).filter(([name]) => !left.includes(name))));

test("an UPDATE of one column changes no other field, and what it computes keeps what was there or is refused", async () => {
  const ends = { accepted: 0, refused: 0 };
  const samples = fc.sample(
    fc.tuple(
      fc.array(record, { minLength: size, maxLength: size }),
      fc.array(fc.constantFrom(...names), { minLength: size, maxLength: size }),
    ),
    { numRuns: runs, seed },
  );
  for (const [records, chosen] of samples) {
    for (const [index, fields] of records.entries()) stack.change(index + 1, JSON.stringify(fields));
    await stack.pull();
    for (const [index, name] of chosen.entries()) {
      const id = index + 1;
      const before = fieldsOf(id);
      await client.query("update records.rows set note = 'other' where id = $1", [id]);
      expect(without(fieldsOf(id), "note")).toBe(without(before, "note"));
      const kind = kinds[name] ?? text;
      const computed = kind.computed.replaceAll(/\bv\b/g, name);
      const end = await refused(client.query(`update records.rows set ${name} = ${computed} where id = $1`, [id]));
      const after = fieldsOf(id);
      expect(without(after, "note", name)).toBe(without(before, "note", name));
      const isChanged = toJson(after[name]) !== toJson(before[name]);
      ends[end.code === "accepted" ? "accepted" : "refused"] += 1;
      if (end.code !== "accepted")
        expect([end.code, isChanged]).toEqual([expect.stringMatching(/^(55000|22|0A000|428C9)/), false]);
      else if (isChanged)
        expect(meaning(kind.column, after[name]), `${name} was ${toJson(before[name])}`).toBe(
          meaning(kind.column, kind.expected(before[name])),
        );
    }
  }
  expect(ends.accepted).toBeGreaterThan(10);
  expect(ends.refused).toBeGreaterThan(10);
}, 120_000);
