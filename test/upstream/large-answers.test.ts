// What an API answers holds no turn of the loop, whatever its shape and its size.

import { afterAll, beforeAll, expect, test } from "vitest";
import { openItems } from "../support/items.js";
import { type LargeText, startLargeAnswers } from "../support/large-answers.js";
import { startTurnMeter } from "../support/turn-meter.js";

let api: Awaited<ReturnType<typeof startLargeAnswers>>;
beforeAll(async () => {
  api = await startLargeAnswers();
});
afterAll(() => api.close());

const longestTurnMs = 50;
const megabyte = 1024 * 1024;
/** The most that is read; a little of it, unless the hostile tests are asked for: it takes a minute. */
const bound = (process.env["HOSTILE"] === "all" ? 16 : 1) * megabyte;

/** A text of about so many bytes: the head, as many units as fit, and the tail. */
function textOf(bytes: number, head: string, unit: string, tail: string): LargeText {
  return { head, unit, tail, count: Math.floor((bytes - head.length - tail.length) / unit.length) };
}

/** The shapes, as the value of `items`: those that pass a limit, and those that come near to all of them. */
const shapes: Readonly<Record<string, (bytes: number) => LargeText>> = {
  "lists in each other": (bytes) => textOf(bytes, '{"items":', "[", ""),
  "objects in each other": (bytes) => textOf(bytes, '{"items":', '{"a":', ""),
  "lists in each other, up to the depth": (bytes) =>
    textOf(
      bytes,
      '{"items":[',
      `{"id":"#####","more":${"[".repeat(500)}${" ".repeat(50_000)}${"]".repeat(500)}},`,
      '{"id":"1"}]}',
    ),
  "small numbers": (bytes) => textOf(bytes, '{"items":[', "1,", "1]}"),
  "numbers as they are written": (bytes) =>
    textOf(bytes, '{"items":[{"id":1,"more":[', `${" ".repeat(64)}1.0,`, "1]}]}"),
  "long numbers": (bytes) => textOf(bytes, '{"items":[', `{"id":"#####","n":1${"0".repeat(60_000)}1.0},`, '{"id":1}]}'),
  "numbers of many zeros": (bytes) =>
    textOf(bytes, '{"items":[', `{"id":"#####","n":1.${"0".repeat(9_900)}1},`, '{"id":1}]}'),
  "one long number": (bytes) => textOf(bytes, '{"items":', "1", "}"),
  "empty lists": (bytes) => textOf(bytes, '{"items":[{"id":1,"more":[', `${" ".repeat(65)}[],`, "1]}]}"),
  "records without a field": (bytes) => textOf(bytes, '{"items":[', `{"id":#######},${" ".repeat(120)}`, '{"id":1}]}'),
  "one record over and over": (bytes) =>
    textOf(bytes, '{"items":[', `{"id":1,"name":"a","n":"b"},${" ".repeat(250)}`, '{"id":1}]}'),
  "records with long texts": (bytes) =>
    textOf(bytes, '{"items":[', `{"id":"#####","name":"${"é".repeat(100_000)}"},`, '{"id":1}]}'),
  "records with escapes": (bytes) =>
    textOf(bytes, '{"items":[', `{"id":"#####","name":"${"\\u0000a\\n".repeat(10_000)}"},`, '{"id":1}]}'),
  "one long text": (bytes) => textOf(bytes, '{"items":[{"id":1,"name":"', "a", '"}]}'),
  "a cell of a long list": (bytes) => textOf(bytes, '{"items":[{"id":1,"tags":[', `"${"x".repeat(64)}",`, '"y"]}]}'),
  "a cell of many values": (bytes) =>
    textOf(bytes, '{"items":[{"id":1,"more":[', `{"a":"${"\\n".repeat(65)}"},`, "1]}]}"),
  "a text of many parts": (bytes) => textOf(bytes / 5, '{"items":[{"id":1,"parts":"', "a;", '"}]}'),
  "many names": (bytes) => textOf(bytes, '{"items":{"id":1', `,"name#######":${" ".repeat(241)}0`, "}}"),
  "too many names": (bytes) => textOf(bytes, '{"items":{"id":1', ',"name#######":0', "}}"),
  "names of numbers": (bytes) => textOf(bytes, '{"items":{"id":1', `,"1#######":${" ".repeat(244)}0`, "}}"),
  "one name": (bytes) => textOf(bytes, '{"items":{"id":1', `,"name":${" ".repeat(60)}0`, "}}"),
  prototypes: (bytes) => textOf(bytes, '{"items":{"id":1', `,"__proto__":${" ".repeat(60)}{}`, "}}"),
  space: (bytes) => textOf(bytes, '{"items":[', " ", '{"id":1}]}'),
  "no JSON": (bytes) => textOf(bytes, "<html>", "a", ""),
  errors: (bytes) =>
    textOf(
      bytes,
      '{"items":[],"errors":[',
      `{"code":"NO","message":"no such thing","at":"0"},${" ".repeat(230)}`,
      "1]}",
    ),
};

const columns = {
  id: { type: "text", write: "never" },
  name: { type: "text", unique: true },
  n: "integer",
  tags: "text[]",
  more: "jsonb",
  parts: { type: "text[]", codec: "join(;)" },
};
const error = { code: "/code", message: "/message", list: "/errors", row: "/at" };
const rules = {
  rules: [
    { code: "NO", raise: "unique_violation" },
    { code: "GONE", outcome: "absent" },
  ],
};
const manifest = { errors: { ...error, ...rules } };

/** The ways in which a request may meet a large answer. */
const ways = {
  "a page": { status: 200, write: {} },
  "one row": {
    status: 200,
    write: { create: { POST: "/", body: "{record}", rows: "/items", match: "key", failed: "/errors" } },
  },
  rows: {
    status: 200,
    write: {
      create: {
        many: { POST: "/", body: { each: "{record}" }, rows: "/items", match: "name", failed: "/errors", max: 9 },
      },
    },
  },
  "a refusal": { status: 400, write: { create: { POST: "/", body: "{record}", rows: "/items" } } },
};

type Way = keyof typeof ways;

/** Sends one request, and returns what became of it, and what its turns took. */
async function meet(way: Way, body: LargeText) {
  const { status, write } = ways[way];
  const { table, columns: all } = await openItems(api.url, {
    manifest,
    account: { timeoutMs: 60_000 },
    table: { columns, read: { list: { GET: "/", rows: "/items" }, get: { GET: "/{key}", rows: "" } }, write },
  });
  api.answer(status, body);
  const rows = (way === "rows" ? ["a", "b"] : ["a"]).map((name) => ({ key: null, sent: { name } }));
  const meter = startTurnMeter();
  const outcome =
    way === "a page"
      ? await table.list(all, null).then(
          ({ records }) => `${records.length} records`,
          (cause: unknown) => String(cause),
        )
      : await table.write("insert", all, rows);
  return { outcome, ...meter.stop() };
}

/** The turns of the attempt that had the shortest: the garbage of earlier tests is collected in any turn, but not in the same one each time. */
async function meetThrice(way: Way, body: LargeText) {
  const first = await meet(way, body);
  let best = first;
  for (let attempt = 2; attempt <= 3 && best.worstMs >= longestTurnMs; attempt += 1) {
    const next = await meet(way, body);
    if (next.worstMs < best.worstMs) best = next;
  }
  return best;
}

/** Each shape comes as a page, and in one of the other ways. */
const otherWays: readonly Way[] = ["one row", "rows", "a refusal"];
const cases = Object.entries(shapes).flatMap(([shape, body], index) => [
  { way: "a page" as const, shape, body },
  ...otherWays
    .filter((_, at) => at === index % otherWays.length || shape === "errors")
    .map((way) => ({ way, shape, body })),
]);

test.each(cases)(
  "P15: $shape, as the answer to $way, hold no turn of the loop",
  { timeout: 120_000 },
  async ({ way, body }) => {
    const { worstMs } = await meetThrice(way, body(bound));
    expect(worstMs).toBeLessThan(longestTurnMs);
  },
);

test.each(cases.filter(({ way, shape }) => way === "a page" || shape === "errors"))(
  "P15: $shape, as the answer to $way, cost no more a byte when there are more",
  { timeout: 120_000 },
  async ({ way, body }) => {
    const small = await meet(way, body(megabyte / 4));
    const large = await meet(way, body(megabyte));
    // Four times the bytes; a quadratic cost would be sixteen times as much. What a request costs by itself counts as well.
    expect(large.totalMs).toBeLessThan(10 * Math.max(small.totalMs, 50));
  },
);

test.each([
  ["a status 500", 500, "[", "unknown", /^status 500: status 500, and the body is nested deeper than 512 levels$/],
  ["an answer", 200, "[", "unknown", /^status 200, and the body is nested deeper than 512 levels$/],
  ["an answer", 200, "[1,", "unknown", /^status 200, and the body is nested deeper than 512 levels$/],
] as const)("%s that is not read says which limit it passes", async (_, status, unit, kind, reason) => {
  const { table, columns: all } = await openItems(api.url);
  api.answer(status, { head: "", unit, count: 1_000, tail: "" });
  const outcome = await table.write("insert", all, [{ key: null, sent: { name: "a" } }]);
  expect(outcome).toMatchObject({ kind, reason: expect.stringMatching(reason) });
});
