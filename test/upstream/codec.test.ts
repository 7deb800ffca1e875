// The codec of values between Postgres and an API's JSON.

import { expect, test } from "vitest";
import { atOnce } from "../../src/config/slices.js";
import type { MirrorColumn } from "../../src/mirror/column.js";
import { encode } from "../../src/upstream/codec.js";
import { decode } from "../../src/upstream/decode.js";
import { comparing, sameValue } from "../../src/upstream/same-value.js";
import type { ValueRules } from "../../src/upstream/value-rules.js";
import { column as anyColumn } from "../write/column.js";

const column = (type: string, codec: MirrorColumn["codec"] = "plain") => anyColumn("c", { type, codec });
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
  [column("boolean[]"), "{t,f}", json, [true, false]],
  [column("timestamp"), "2026-02-28 12:30:00.123456", json, "2026-02-28T12:30:00.123456"],
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
  [column("integer[]", "join(;)"), "1;x", strings, '{"1",NULL}'],
  [column("text[]"), ["a", "", null], json, '{"a","",NULL}'],
  [column("integer"), "5.0", json, "5"],
  [column("bigint"), "12e2", json, "1200"],
  [column("integer"), "1.5", json, null],
  [column("double precision"), 1e300, json, "1e+300"],
  [column("real"), 1e300, json, null],
  [column("real"), "1e-60", json, null],
  [column("jsonb"), "text", json, '"text"'],
  [column("jsonb"), "5", json, '"5"'],
  [column("jsonb", "string"), "5", json, "5"],
  [column("jsonb"), { "a\0": "\0" }, json, '{"a\ufffd":"\ufffd"}'],
  [column("timestamp"), "2026-02-28T12:30:00+02:00", json, "2026-02-28T10:30:00.000"],
  [column("timestamptz"), "2026-02-28T12:30:00.1234560", json, "2026-02-28T12:30:00.123456Z"],
  [column("timestamptz"), "Sat, 28 Feb 2026 12:30:00 GMT", json, "2026-02-28T12:30:00.000Z"],
  [column("timestamptz"), "2026-02-30T00:00:00Z", json, null],
  [column("timestamptz", "unix"), 1.001, json, "1970-01-01T00:00:01.001Z"],
  [column("date"), "room 5", json, null],
  [column("date", "utc_midnight"), 0, json, "1970-01-01"],
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
  expect(sameValue(column("numeric"), "350000000", "3.5E8")).toBe(true);
  expect(sameValue(column("numeric"), "0.001", "1e-3")).toBe(true);
  expect(sameValue(column("numeric"), "-0", "0.0")).toBe(true);
  expect(sameValue(column("timestamp"), "2026-02-28 12:00:00", "2026-02-28T12:00:00.000")).toBe(true);
  expect(sameValue(column("boolean[]"), "{t,f}", '{"true","false"}')).toBe(true);
  expect(sameValue(column("text[]"), "{a}", "{a,b}")).toBe(false);
});

test("what is cleared is so whether NULL or something empty says it", () => {
  for (const [type, empty] of [
    ["text", ""],
    ["text[]", "{}"],
    ["jsonb", "{}"],
    ["jsonb", "[]"],
    ["jsonb", '""'],
  ] as const) {
    expect(sameValue(column(type), null, empty)).toBe(true);
    expect(sameValue(column(type), empty, null)).toBe(true);
  }
  expect(sameValue(column("jsonb"), null, "0")).toBe(false);
  expect(sameValue(column("text"), null, " ")).toBe(false);
  expect(sameValue(column("boolean"), null, "false")).toBe(false);
  expect(sameValue({ ...column("jsonb"), merge: true }, '{"a":1,"b":null}', '{"a":1.0}')).toBe(true);
  expect(sameValue(column("jsonb"), '{"a":1,"b":null}', '{"a":1}')).toBe(false);
});

test("two spellings of one time, and two roundings of one float, are one value", () => {
  expect(sameValue(column("time"), "10:00", "10:00:00.000")).toBe(true);
  expect(sameValue(column("time"), "10:00:00.5", "10:00:00.50")).toBe(true);
  expect(sameValue(column("time"), "10:00:10", "10:00:01")).toBe(false);
  expect(sameValue(column("real"), "0.1", "0.10000000149011612")).toBe(true);
});

/** What was sent, and what an API makes of it. */
const normalisings: readonly (readonly [type: string, sent: string, reported: string])[] = [
  ["text", "Ada@Example.COM", "ada@example.com"],
  ["text", "  two\t words ", "two words"],
  ["text", "10.50", "10.5"],
  ["text", "2026-02-28T12:30:00+02:00", "2026-02-28T10:30:00Z"],
  ["text", "+49 (30) 123-456", "+4930123456"],
  ["text[]", "{B,a,a}", "{a,b}"],
  ["jsonb", '{"mail":"Ada@X.com"}', '{"mail":"ada@x.com"}'],
];
test.each(normalisings)("a %s that an API normalises means what was sent: %s", (type, sent, reported) => {
  expect(atOnce(comparing(column(type), sent, reported))).toBe(false);
  expect(atOnce(comparing(column(type), sent, reported, "meaning"))).toBe(true);
});

test.each([
  ["text", "hello!", "hello"],
  ["text", "-5", "5"],
  ["text", "monday at 5", "monday by 5"],
  ["text[]", "{a}", "{a,b}"],
  ["numeric", "10.001", "10"],
])("a %s that says something else means something else: %s", (type, one, other) => {
  expect(atOnce(comparing(column(type), one, other, "meaning"))).toBe(false);
});

test("a column that says what clears it is sent that, and reads as NULL where that is empty", () => {
  const cleared = (clear: unknown) => ({ ...column("text[]"), clear });
  for (const clear of ["", [], {}]) {
    expect(encode(cleared(clear), null, json)).toEqual(clear);
    expect(decode(cleared(clear), clear, json)).toBe(null);
  }
  expect(encode({ ...column("integer"), clear: 0 }, null, json)).toBe(0);
  expect(decode({ ...column("integer"), clear: 0 }, 0, json)).toBe("0");
  expect(encode({ ...column("text"), clear: null }, null, { ...json, clear: "" })).toBe(null);
  expect(decode(column("text[]"), [], json)).toBe("{}");
});

test("an instant without a zone is one of UTC, wherever we run", () => {
  const zone = process.env["TZ"];
  process.env["TZ"] = "America/New_York";
  expect(decode(column("timestamptz"), "2026-02-28T12:30:00", json)).toBe("2026-02-28T12:30:00.000Z");
  expect(decode(column("date"), "2026-02-28T00:30:00", json)).toBe("2026-02-28");
  if (zone === undefined) delete process.env["TZ"];
  else process.env["TZ"] = zone;
});
