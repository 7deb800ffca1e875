import fc from "fast-check";
import { expect, test } from "vitest";
import { atOnce } from "../../src/config/slices.js";
import { numberText } from "../../src/manifest/json-number.js";
import type { JsonLimits } from "../../src/manifest/json-reader.js";
import { parseJson, readingJson, toJson, writingUtf8Json } from "../../src/manifest/lossless-json.js";

const limits: JsonLimits = { depth: 4, values: 20, names: 5, text: 50, number: 30 };

/** A value with numbers as JavaScript has them, and with each object as its members in order. */
function comparable(value: unknown): unknown {
  const number = numberText(value);
  if (number !== undefined) return Number(number) + 0;
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== "object" || value === null) return value;
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  return { members: Object.entries(value).map(([name, member]) => [name, comparable(member)]) };
}

function nativeReading(text: string): unknown {
  try {
    return { value: comparable(JSON.parse(text)) };
  } catch {
    return "no JSON";
  }
}

/** The reading of a text that comes in pieces, cut at `places`. */
function readPieces(text: string, places: readonly number[]) {
  const cuts = [0, ...places.map((place) => place % (text.length + 1)).sort((a, b) => a - b), text.length];
  return atOnce(readingJson(cuts.slice(1).map((to, index) => text.slice(cuts[index], to))));
}

function ownReading(text: string, places: readonly number[]): unknown {
  const reading = readPieces(text, places);
  return reading.kind === "json" ? { value: comparable(reading.value) } : "no JSON";
}

const places = fc.array(fc.nat(10_000), { maxLength: 6 });

test("a text of JSON has the value that JSON.parse gives it, wherever it is cut", () => {
  const spaced = fc
    .tuple(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom("", " ", "\n\t", "\r"))
    .map(([value, space]) => `${space}${JSON.stringify(value, null, space)}${space}`);
  fc.assert(
    fc.property(spaced, places, (text, cuts) => {
      expect(ownReading(text, cuts)).toEqual(nativeReading(text));
    }),
    { seed: 1, numRuns: 2_000 },
  );
});

// biome-ignore format: one mark behind the other
const marks = [
  "{", "}", "[", "]", ",", ":", '"', "\\", "u", "00e9", "\\ud83d", "\\ude00", "\\n", "\\/", "true", "false", "null", "nul", "-", "0", "01",
  "1", "12", ".", ".5", "e", "E+", "e-7", "+", " ", "\n", "\u00a0", "\ufeff", "\0", "\u001f", "a", '"a"', '"a":', '"__proto__":', '"1":',
  "NaN", "é", "\ud800",
];

test("a text that is nearly JSON is read or refused as JSON.parse does, wherever it is cut", () => {
  const soup = fc.array(fc.constantFrom(...marks), { maxLength: 12 }).map((parts) => parts.join(""));
  const bent = fc
    .tuple(fc.json({ maxDepth: 4 }), fc.nat(1_000), fc.constantFrom("", ...marks), fc.nat(3))
    .map(([text, place, mark, length]) => {
      const at = place % (text.length + 1);
      return `${text.slice(0, at)}${mark}${text.slice(at + length)}`;
    });
  fc.assert(
    fc.property(fc.oneof(soup, bent), places, (text, cuts) => {
      expect(ownReading(text, cuts)).toEqual(nativeReading(text));
    }),
    { seed: 2, numRuns: 20_000 },
  );
});

test("a number stays as it was written, also alone and wherever it is cut", () => {
  const digits = fc.stringMatching(/^-?(0|[1-9]\d{0,30})(\.\d{1,30})?([eE][+-]?\d{1,3})?$/);
  fc.assert(
    fc.property(digits, places, (number, cuts) => {
      const reading = readPieces(number, cuts);
      expect(reading.kind === "json" && numberText(reading.value)).toBe(number);
      expect(toJson(parseJson(`[${number}]`))).toBe(`[${number}]`);
    }),
    { seed: 3, numRuns: 2_000 },
  );
});

test("of members with one name the last wins, and __proto__ is a name like any other", () => {
  const value = parseJson('{"a":1,"__proto__":{"x":1},"a":[2],"__proto__":3,"constructor":4}');
  expect(Object.entries(value ?? {})).toEqual([
    ["a", [2]],
    ["__proto__", 3],
    ["constructor", 4],
  ]);
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
});

test.each([
  ["[[[[0]]]]", "json"],
  ["[[[[[0]]]]]", "is nested deeper than 4 levels"],
  ['{"a":{"a":{"a":{"a":{"a":0}}}}}', "is nested deeper than 4 levels"],
  [`[${"0,".repeat(18)}0]`, "json"],
  [`[${"0,".repeat(19)}0]`, "has more than 20 values"],
  ['{"a":0,"b":0,"c":0,"d":0,"e":0,"a":0}', "json"],
  ['{"a":0,"b":0,"c":0,"d":0,"e":0,"f":0}', "has an object of more than 5 names"],
  [`"${"é".repeat(50)}"`, "json"],
  [`"${"\\n".repeat(51)}"`, "has a text of more than 50 characters"],
  [`{"${"a".repeat(51)}":0}`, "has a text of more than 50 characters"],
  ["1".repeat(30), "json"],
  ["1".repeat(31), "has a number of more than 30 characters"],
  ["[1", "not JSON"],
])("within its limits, %s", (text, expected) => {
  const reading = atOnce(readingJson([text], limits));
  expect(reading.kind === "too large" ? reading.reason : reading.kind).toBe(expected);
});

test("a value is written as JSON.stringify writes it, and read again as it was", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
      const written = toJson(value);
      expect(comparable(parseJson(written))).toEqual(comparable(JSON.parse(JSON.stringify(value))));
      expect(written).toBe(JSON.stringify(value));
    }),
    { seed: 4, numRuns: 2_000 },
  );
});

test("what has no form in JSON is left out of an object, and null in a list", () => {
  const odd = {
    a: undefined,
    b: [undefined, Number.NaN, Number.POSITIVE_INFINITY, () => 1, Symbol("s")],
    c: () => 1,
    d: new Date(0),
  };
  expect(toJson(odd)).toBe(JSON.stringify(odd));
  expect(toJson(undefined)).toBe("null");
  expect(toJson([1n, true])).toBe("[1,true]");
});

test("a long text is written whole, its pairs of surrogates in one piece", () => {
  for (const shift of ["", "a", "ab"]) {
    const text = `${shift}${"😀\ud800\n".repeat(60_000)}`;
    expect(toJson([text])).toBe(JSON.stringify([text]));
  }
});

test("the depth of a value ends neither reading nor writing", () => {
  const deep = `${"[".repeat(50_000)}${"]".repeat(50_000)}`;
  expect(toJson(parseJson(deep))).toBe(deep);
  const itself: unknown[] = [];
  itself.push(itself);
  expect(() => toJson(itself)).toThrow(RangeError);
});

test("a JSON text in portions is the text, and no portion ends within a character", () => {
  for (const before of [0, 1, 8191, 65_533, 65_534]) {
    const value = { text: `${"a".repeat(before)}${"😀é".repeat(70_000)}`, odd: "\ud83d", more: [1, "b"] };
    const { buffers, byteLength } = atOnce(writingUtf8Json(value));
    expect(Buffer.concat(buffers).toString()).toBe(JSON.stringify(value));
    expect(byteLength).toBe(Buffer.byteLength(JSON.stringify(value)));
    expect(buffers.length).toBeGreaterThan(3);
    for (const portion of buffers) expect(Buffer.from(portion.toString()).equals(portion)).toBe(true);
  }
});
