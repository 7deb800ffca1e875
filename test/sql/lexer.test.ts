// The lexer cuts text where Postgres's own does, and in time that grows with the text and no faster.

import { createRequire } from "node:module";
import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { SqlLexer } from "../../src/sql/lexer.js";
import { processorTime, timeShapes } from "../support/time-shapes.js";

const parser: typeof import("libpg-query") = createRequire(import.meta.url)("libpg-query");
beforeAll(() => parser.loadModule());

const fragments = [
  ..."'\"$-/*+=<>~!@#%^&|`?.,;:()[]\\_ \n\r\t",
  ...["''", '""', "$$", "$a$", "$a", "$1", "--", "/*", "*/", "::", ":=", "..", "=>", "||", "+-", "=-", "@-"],
  ..."aeExXbBuUnN1",
  ...[
    "U&'",
    'U&"',
    "E'",
    "b'",
    "x'",
    "\\'",
    "insert",
    "Ünï",
    "a$b",
    "0x1f",
    "0b1",
    "0o7",
    "1_000",
    "1e5",
    "1e+",
    ".5",
    "1..2",
  ],
  ...["'a'\n'b'", "'a' -- c\n 'b'", "/* a */", "/* /* b */ */", "-- c\r", "select", "€"],
];

/**
 * Postgres's tokens, [start, end] in UTF-8 bytes; undefined when it refuses the text. Where a comment stands between two literals, the
 * library that has the scanner begins a new one, and Postgres itself does not: such texts are left out.
 */
function scanned(text: string): [number, number][] | undefined {
  try {
    const { tokens } = parser.scanSync(text);
    const isComment = (index: number) => tokens[index]?.tokenName.endsWith("COMMENT") === true;
    if (tokens.some((_token, index) => isComment(index) && tokens[index + 1]?.text.includes("'"))) return undefined;
    return tokens.filter((_, index) => !isComment(index)).map(({ start, end }) => [start, end]);
  } catch {
    return undefined;
  }
}

function lexed(text: string): { readonly tokens: [number, number][]; readonly isClosed: boolean } {
  const lexer = new SqlLexer(text);
  const tokens: [number, number][] = [];
  while (lexer.next() !== "end") tokens.push([lexer.start, lexer.end]);
  return { tokens, isClosed: lexer.isClosed };
}

/** The text as latin1 that stands for its UTF-8 bytes. */
const bytesOf = (text: string) => Buffer.from(text, "utf8").toString("latin1");

test("P15: generated texts have the tokens that Postgres's scanner finds", () => {
  let compared = 0;
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...fragments), { maxLength: 14 }), (parts) => {
      const text = parts.join("");
      const theirs = scanned(text);
      if (theirs === undefined) return;
      compared += 1;
      expect(lexed(bytesOf(text))).toEqual({ tokens: theirs, isClosed: true });
    }),
    { seed: 12, numRuns: 30_000 },
  );
  expect(compared).toBeGreaterThan(5_000);
});

test("decoded text has the tokens of its bytes", () => {
  const texts = ["select Ünï.\"Thïngs\", 'é' || $é$ü$é$ -- ö\n+1", "a€b = 'x'"];
  for (const text of texts) {
    const words = (source: string) => lexed(source).tokens.map(([start, end]) => source.slice(start, end));
    expect(words(text).map(bytesOf)).toEqual(words(bytesOf(text)));
  }
});

test.each(["'a", '"a', "E'a\\'", "$a$ $b$", "/* /* */", "U&'a", 'U&"a', "x'1", "'a'\n--\n'", "$$ $", "select 1 /*"])(
  "a text that ends within a token or a comment is told: %s",
  (text) => {
    const { tokens, isClosed } = lexed(text);
    expect(isClosed).toBe(false);
    expect(tokens.at(-1)?.[1] ?? text.length).toBeLessThanOrEqual(text.length);
    expect(scanned(text)).toBeUndefined();
  },
);

test.each([
  ["string", "'it''s'", "it''s"],
  ["quoted", '"a""b"', 'a""b'],
  ["dollarString", "$tag$ $a$ $tag$", " $a$ "],
  ["escapeString", "E'\\''", "\\'"],
  ["unicodeString", "U&'a'", "a"],
  ["unicodeQuoted", 'u&"a"', "a"],
  ["bits", "b'01'", "01"],
  ["word", "a$1é", undefined],
  ["parameter", "$12", undefined],
  ["number", "1_0.5e-3", undefined],
])("a %s is told with the place of its content: %s", (kind, text, content) => {
  const lexer = new SqlLexer(text);
  expect(lexer.next()).toBe(kind);
  expect([lexer.start, lexer.end]).toEqual([0, text.length]);
  if (content !== undefined) expect(text.slice(lexer.contentStart, lexer.contentEnd)).toBe(content);
  expect(lexer.next()).toBe("end");
});

test.each(timeShapes)("P15: the lexer's time for each byte does not grow with the text: %s", (_, make) => {
  const time = (length: number) => {
    const text = make(length);
    const read = () => {
      const lexer = new SqlLexer(text);
      while (lexer.next() !== "end");
    };
    return processorTime(read) / text.length;
  };
  time(20_000);
  expect(time(400_000)).toBeLessThan(6 * Math.max(time(40_000), 100 / 1e6));
});
