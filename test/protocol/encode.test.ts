// Messages that we write ourselves.

import { expect, test } from "vitest";
import { writeBind } from "../../protocol/encode.js";
import { Portions } from "../../protocol/portions.js";

test("a Bind has its names, values, NULL among them, and no formats: all of it is text", () => {
  const expected = "B\0\0\0\x1cp\0s\0\0\0\0\x03\0\0\0\x02\u00c3\u00a9\xff\xff\xff\xff\0\0\0\0\0\0";
  expect(Buffer.concat(writeBind("p", "s", ["é", null, ""]))).toEqual(Buffer.from(expected, "latin1"));
});

test("a value in portions is the same value, and its portions are not copied", () => {
  const texts = ["b".repeat(70_000), "c".repeat(70_000)];
  const portions = texts.map((text) => Buffer.from(text));
  const pieces = writeBind("", "", ["a", new Portions(portions), new Portions([])]);
  expect(Buffer.concat(pieces)).toEqual(Buffer.concat(writeBind("", "", ["a", texts.join(""), ""])));
  for (const portion of portions) expect(pieces).toContain(portion);
});
