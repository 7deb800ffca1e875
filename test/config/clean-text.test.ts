// Text of others, before a person, a log or a terminal gets it: what is taken out, what is cut, and that no secret is left in it.

import fc from "fast-check";
import { expect, test } from "vitest";
import { cleanText, escapeLines, escapeText } from "../../src/config/clean-text.js";

const seeded = { seed: 12, numRuns: 2_000 };
/** Written apart from the source: what a terminal obeys, what turns the direction of writing, what is invisible or no character. */
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Noncharacter_Code_Point}]/u;
const evil = fc.constantFrom(
  ...[
    "\0",
    "\u001b[2J",
    "\u001b]52;c;ZXZpbA==\u0007",
    "\u009b31m",
    "\r\n",
    "\t",
    "\u007f",
    "\u0085",
    "\u202e",
    "\u2066",
  ],
  ...[
    "\u200b",
    "\u200d",
    "\u2028",
    "\u2029",
    "\ufeff",
    "\u00ad",
    "\u{e0041}",
    "\ud800",
    "\udfff",
    "\ufffe",
    "\u{1ffff}",
  ],
);
const text = fc
  .array(fc.oneof(evil, fc.string({ unit: "grapheme" }), fc.string({ unit: "binary" })))
  .map((parts) => parts.join(""));
const limit = fc.integer({ min: 1, max: 60 });

test("P15: whatever the text is, nothing of it commands a terminal, and it is as long as it may be", () => {
  fc.assert(
    fc.property(text, limit, (raw, most) => {
      const clean = cleanText(raw, most);
      expect(clean).not.toMatch(unsafe);
      expect(clean.length).toBeLessThanOrEqual(most);
      expect(cleanText(clean, most)).toBe(clean);
    }),
    seeded,
  );
});

test("P15: a secret is gone, wherever it stands and wherever the text is cut", () => {
  const secret = "sk-Test-0123456789";
  const pieces = Array.from({ length: secret.length - 5 }, (_, at) => secret.slice(at, at + 6));
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 400 }), limit, evil, fc.nat(17), (before, most, invisible, at) => {
      const split = `${secret.slice(0, at)}${/\p{Cf}/u.test(invisible) ? invisible : ""}${secret.slice(at)}`;
      const clean = cleanText(
        `${"\u200b".repeat(before)}${"x ".repeat(before % 50)}${split} refused${"y".repeat(999)}`,
        most,
        [secret],
      );
      for (const piece of pieces) expect(clean).not.toContain(piece);
    }),
    seeded,
  );
});

test("a secret that has another one in it is taken out whole", () => {
  expect(cleanText("it was sec-ret-and-more", 99, ["sec-ret", "sec-ret-and-more"])).toBe("it was …");
});

test("what is no danger stays: letters of all kinds, signs, emoji, and a text that just fits", () => {
  for (const plain of ["Zoë naïve 東京 العربية עברית", "€ … “ ” – 😀", "x".repeat(80)])
    expect(cleanText(plain, 80)).toBe(plain);
  expect(cleanText("a\r\n\tb\u200bc", 80)).toBe("a bc");
  expect(cleanText("x".repeat(81), 80)).toBe(`${"x".repeat(79)}…`);
  expect(cleanText(`${"x".repeat(78)}😀y`, 80)).toBe(`${"x".repeat(78)}…`);
});

test("P15: lines for a terminal have no escapes, and JSON among them is the same JSON", () => {
  fc.assert(
    fc.property(fc.dictionary(text, fc.oneof(text, fc.array(text))), (value) => {
      const line = escapeLines(JSON.stringify(value));
      expect(line.replaceAll(/[\n\t]/g, "")).not.toMatch(unsafe);
      expect(JSON.parse(line)).toEqual(value);
    }),
    { seed: 12, numRuns: 500 },
  );
  expect(escapeLines("a\n\tb\u001b[2J\u{e0041}")).toBe("a\n\tb\\u001b[2J\\udb40\\udc41");
  expect(escapeText("a\nb\u202e")).toBe("a\\u000ab\\u202e");
});
