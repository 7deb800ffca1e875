// The fields of ErrorResponse and NoticeResponse: written, read and changed without loss.

import fc from "fast-check";
import { Parser } from "pg-protocol/dist/parser.js";
import { describe, expect, test } from "vitest";
import { type Fields, readFields, recoded, writeError, writeNotice } from "../../protocol/fields.js";

/** Every field that the manual names, and what pg-protocol calls it. */
const names = {
  S: "severity",
  C: "code",
  M: "message",
  D: "detail",
  H: "hint",
  P: "position",
  p: "internalPosition",
  q: "internalQuery",
  W: "where",
  s: "schema",
  t: "table",
  c: "column",
  d: "dataType",
  n: "constraint",
  F: "file",
  L: "line",
  R: "routine",
} as const;
const codes = [...Object.keys(names), "V"];
const anyValue = fc.string({ unit: "grapheme", maxLength: 60 }).map((text) => text.replaceAll("\0", ""));
/** Every one has a message. */
const anyFields: fc.Arbitrary<Fields> = fc
  .tuple(fc.uniqueArray(fc.tuple(fc.constantFrom(...codes), anyValue), { selector: ([code]) => code }), anyValue)
  .map(([entries, message]) => new Map([...entries, ["M", message]]));
const seed = 20250103;

describe.each([
  ["an ErrorResponse", writeError, "error", "E"],
  ["a NoticeResponse", writeNotice, "notice", "N"],
] as const)("%s", (_, write, name, type) => {
  test("that was written is read back with the same fields in the same order", () => {
    const property = fc.property(anyFields, (fields) => {
      const bytes = write(fields);
      expect(bytes.toString("latin1", 0, 1)).toBe(type);
      expect(bytes.readInt32BE(1)).toBe(bytes.length - 1);
      expect([...readFields(bytes, 0, bytes.length)]).toEqual([...fields]);
    });
    fc.assert(property, { seed, numRuns: 200 });
  });

  test("that was written is read by pg-protocol as meant", () => {
    const property = fc.property(anyFields, (fields) => {
      const judged = parse(write(fields));
      const expected = Object.entries(names).map(([code, property]) => [property, fields.get(code)]);
      expect(judged).toMatchObject({ ...Object.fromEntries(expected), name });
    });
    fc.assert(property, { seed, numRuns: 200 });
  });
});

test("fields are read where the message lies, and no further", () => {
  const first = writeError(new Map([["M", "one"]]));
  const second = writeError(new Map([["M", "two"]]));
  const chunk = Buffer.concat([first, second]);
  expect(readFields(chunk, 0, first.length)).toEqual(new Map([["M", "one"]]));
  expect(readFields(chunk, first.length, chunk.length)).toEqual(new Map([["M", "two"]]));
});

test("a message that is cut short gives the fields that are whole, at every cut", () => {
  const bytes = writeError(new Map(Object.entries({ S: "ERROR", C: "22012", M: "division by zero" })));
  const ends = [5 + "SERROR\0".length, 5 + "SERROR\0C22012\0".length, bytes.length - 1];
  for (let end = 5; end <= bytes.length; end += 1) {
    const whole = ends.filter((fieldEnd) => fieldEnd <= end).length;
    expect([...readFields(bytes, 0, end).keys()], `cut at ${end}`).toEqual(["S", "C", "M"].slice(0, whole));
  }
});

test("a field that is set keeps its place, a new one comes last, and the original stays as it was", () => {
  const fields: Fields = new Map(Object.entries({ S: "ERROR", C: "40001", M: "deadlock detected" }));
  const changed = recoded(fields, { C: "TL002", D: "The code was 40001." });
  expect([...changed]).toEqual([
    ["S", "ERROR"],
    ["C", "TL002"],
    ["M", "deadlock detected"],
    ["D", "The code was 40001."],
  ]);
  expect(fields.get("C")).toBe("40001");
  expect(recoded(fields, {})).toEqual(fields);
});

function parse(bytes: Buffer): unknown {
  const messages: unknown[] = [];
  new Parser().parse(Buffer.from(bytes), (message) => messages.push(message));
  expect(messages).toHaveLength(1);
  return messages[0];
}
