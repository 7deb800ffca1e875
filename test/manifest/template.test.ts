// Templates and pointers of a manifest: how a request is filled, and a value found in an answer.

import { expect, test } from "vitest";
import { lookUp, textAt } from "../../src/manifest/pointer.js";
import { fill, fillText } from "../../src/manifest/template.js";

test("a string that is only a placeholder keeps its JSON type, any other stays a string", () => {
  const scope = { n: 5, list: ["a", "b"], record: { x: null }, config: { token: "t" } };
  expect(fill("{n}", scope)).toBe(5);
  expect(fill("n={n}", scope)).toBe("n=5");
  expect(fill({ properties: "{record}", names: "{list}", q: "{list}!" }, scope)).toEqual({
    properties: { x: null },
    names: ["a", "b"],
    q: "a,b!",
  });
  expect(fillText("/v/{config.token}", scope)).toBe("/v/t");
  expect(fillText("/v/{n}", { n: "a/b" }, encodeURIComponent)).toBe("/v/a%2Fb");
});

test("each repeats once per row, and sees what is around it", () => {
  const template = { inputs: { each: { id: "{key}", in: "{outer}" } } };
  expect(fill(template, { outer: 1 }, [{ key: "a" }, { key: "b" }])).toEqual({
    inputs: [
      { id: "a", in: 1 },
      { id: "b", in: 1 },
    ],
  });
});

test("a missing value is an error with its name", () => {
  expect(() => fill("{nothing.here}", {})).toThrow("nothing is known as {nothing.here} here");
});

test("pointers reach into lists, over lists, and through escaped names", () => {
  const value = { a: [{ b: 1 }, { b: 2 }], "x/y": { "~": "deep" } };
  expect(lookUp(value, "")).toBe(value);
  expect(lookUp(value, "/a/1/b")).toBe(2);
  expect(lookUp(value, "/a/*/b")).toEqual([1, 2]);
  expect(lookUp(value, "/x~1y/~0")).toBe("deep");
  expect(lookUp(value, "/a/9/b")).toBeUndefined();
  expect(lookUp(value, "/toString")).toBeUndefined();
  expect(textAt(value, "/nothing", "/a/0/b")).toBe("1");
});
