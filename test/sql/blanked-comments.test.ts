// Comments give way to blanks: what a text means, and where in it, stays.

import fc from "fast-check";
import { expect, test } from "vitest";
import { blankComments } from "../../src/sql/blanked-comments.js";
import { parse } from "../../src/sql/parser.js";

test.each([
  ["select 1", "select 1"],
  ["/* a */select/*é/*b*/*/1--x\n,2", "       select           1   \n,2".replace("\n", " ")],
  ["select '/* no */', \"--\", $$--$$ -- yes", "select '/* no */', \"--\", $$--$$       "],
])("%s", (text, blanked) => {
  expect(blankComments(text)).toBe(blanked);
});

test.each(["select /* 1", "select 'a /* */", 'select "a --'])(
  "what ends within a token can't be parsed: %s",
  (text) => {
    expect(blankComments(text)).toBeUndefined();
  },
);

test("a text is parsed to the same tree with blanks in place of its comments", async () => {
  const gap = fc.constantFrom(" ", "/**/", "/* é */", "/* /* */ */", "--x\n", "--'\r", "\n");
  const word = fc.constantFrom("'a'", "1", "$$/*$$", 'x."--"', "E'\\''", "U&'b'", "$1", "'é'");
  const text = fc
    .array(fc.tuple(gap, word), { minLength: 1, maxLength: 12 })
    .map((parts) => `select${parts.map(([blank, value]) => blank + value).join(",")}`);
  await fc.assert(
    fc.asyncProperty(text, async (sql) => {
      expect(await parse(blankComments(sql) ?? "")).toEqual(await parse(sql));
    }),
    { seed: 12 },
  );
});
