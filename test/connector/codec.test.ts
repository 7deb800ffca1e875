import { expect, test } from "vitest";
import { decode, encode, sameValue, type ValueRules } from "../../src/connector/codec.js";
import type { MirrorColumn } from "../../src/mirror/column.js";

const column = (type: string, codec: MirrorColumn["codec"] = "plain"): MirrorColumn => ({
  name: "c",
  type,
  codec,
  write: "always",
  upstream: "c",
  unique: false,
  required: false,
  max: null,
  options: null,
  from: null,
  label: null,
  absent: null,
  merge: false,
  references: null,
});
const strings: ValueRules = { asStrings: true, clear: "", emptyIsNull: true, createClears: true };
const json: ValueRules = { asStrings: false, clear: null, emptyIsNull: false, createClears: true };

const encoded: readonly (readonly [MirrorColumn, string | null, ValueRules, unknown])[] = [
  [column("text"), "x", strings, "x"],
  [column("text"), null, strings, ""],
  [column("text"), null, json, null],
  [column("numeric"), "1500.50", strings, "1500.50"],
  [column("boolean"), "true", strings, "true"],
  [column("boolean"), "false", json, false],
  [column("jsonb"), '{"a": 1}', json, { a: 1 }],
  [column("date", "utc_midnight"), "2026-02-28", strings, "1772236800000"],
  [column("timestamptz"), "2026-02-28 12:30:00.25+00", strings, "2026-02-28T12:30:00.250Z"],
  [column("text[]", "join(;)"), '{a,"b c","d\\"e"}', strings, 'a;b c;d"e'],
  [column("text[]", "join(;)"), "{}", strings, ""],
];

test.each(encoded)("%o %s is sent as it should be", (of, text, rules, sent) => {
  expect(encode(of, text, rules)).toEqual(sent);
});

const decoded: readonly (readonly [MirrorColumn, unknown, ValueRules, string | null])[] = [
  [column("text"), "", strings, null],
  [column("text"), "", json, ""],
  [column("text"), null, json, null],
  [column("text"), "a\0b\ud800c", json, "a\ufffdb\ufffdc"],
  [column("text"), 12, json, "12"],
  [column("numeric"), "12.50", strings, "12.50"],
  [column("numeric"), "many", strings, null],
  [column("boolean"), "TRUE", strings, "true"],
  [column("boolean"), "maybe", strings, null],
  [column("jsonb"), { a: [1] }, json, '{"a":[1]}'],
  [column("jsonb"), "{", strings, null],
  [column("date", "utc_midnight"), "1772236800000", strings, "2026-02-28"],
  [column("date", "utc_midnight"), "2026-02-28", strings, "2026-02-28"],
  [column("date", "utc_midnight"), "soon", strings, null],
  [column("timestamptz"), "2026-02-28T12:30:00Z", strings, "2026-02-28T12:30:00.000Z"],
  [column("timestamptz"), "0000-00-00", strings, null],
  [column("text[]", "join(;)"), 'a;b"c', strings, '{"a","b\\"c"}'],
];

test.each(decoded)("%o %s is stored as it can be", (of, value, rules, text) => {
  expect(decode(of, value, rules)).toBe(text);
});

test("two spellings of one number or instant are one value", () => {
  expect(sameValue(column("numeric"), "1500", "1500.00")).toBe(true);
  expect(sameValue(column("numeric"), "-0012.5", "-12.50")).toBe(true);
  expect(sameValue(column("numeric"), "10", "1")).toBe(false);
  expect(sameValue(column("timestamptz"), "2026-02-28 12:00:00+00", "2026-02-28T12:00:00.000Z")).toBe(true);
  expect(sameValue(column("text"), "a", "A")).toBe(false);
  expect(sameValue(column("text"), null, null)).toBe(true);
  expect(sameValue(column("numeric"), null, "0")).toBe(false);
});
