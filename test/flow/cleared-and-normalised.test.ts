// What an API makes of a value is compared by its meaning: how it says "nothing", and how it spells what it was sent.

import type pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { refused } from "../support/answers.js";
import { type RecordsStack, startRecords } from "../support/records-api.js";

let stack: RecordsStack;
let client: pg.Client;
const first = {
  email: "ada@example.com",
  amount: "10.50",
  tags: ["a", "b"],
  none: "",
  empty: [],
  nothing: {},
  meta: { a: 1 },
  title: "t",
  list: ["x"],
  kept: "k",
};
beforeAll(async () => {
  stack = await startRecords({
    columns: {
      email: "text",
      amount: "text",
      tags: "text[]",
      none: "text",
      empty: "text[]",
      nothing: "jsonb",
      meta: { type: "jsonb", merge: true },
      title: { type: "text", clear: "never" },
      list: { type: "text[]", clear: [] },
      kept: "text",
    },
    records: [JSON.stringify(first)],
    normalise: ({ email, amount, tags, none, empty, nothing, kept: _, ...rest }) => ({
      ...rest,
      ...(typeof email === "string" ? { email: email.toLowerCase() } : {}),
      ...(typeof amount === "string" ? { amount: Number(amount).toFixed(2) } : {}),
      ...(Array.isArray(tags) ? { tags: [...new Set(tags)].sort() } : {}),
      ...(none === undefined ? {} : { none: none ?? "" }),
      ...(empty === undefined ? {} : { empty: empty ?? [] }),
      ...(nothing === undefined ? {} : { nothing: nothing ?? {} }),
    }),
  });
  client = await stack.client();
});
afterAll(() => stack.close());

test.each([
  ["email", "'Ada@Example.com'", "ada@example.com"],
  ["amount", "'10.5'", "10.50"],
  ["tags", "'{b,a,b}'", ["a", "b"]],
  ["none", "null", ""],
  ["empty", "null", []],
  ["nothing", "null", {}],
])("%s that is set to %s is what the API makes of it, and no error", async (column, value, reported) => {
  const { rows } = await client.query(`update records.rows set ${column} = ${value} where id = 1 returning ${column}`);
  expect(rows).toEqual([{ [column]: reported }]);
});

test("what is left as it was is an error still, and a NULL names the key that says what clears the column", async () => {
  const other = await refused(client.query("update records.rows set kept = 'other' where id = 1"));
  expect([other.code, other.column, other.hint]).toEqual(["42501", "kept", expect.not.stringContaining("clear")]);
  const cleared = await refused(client.query("update records.rows set kept = null where id = 1"));
  expect([cleared.code, cleared.column, cleared.hint]).toEqual([
    "42501",
    "kept",
    expect.stringContaining('"columns.kept.clear" of the manifest'),
  ]);
});

test("a column that says how is cleared so, and one that can't be cleared is refused before the call", async () => {
  const { rows } = await client.query("update records.rows set list = null where id = 1 returning list");
  expect([rows, stack.sent.at(-1)]).toEqual([[{ list: null }], '{"list":[]}']);
  const calls = stack.sent.length;
  const error = await refused(client.query("update records.rows set title = null where id = 1"));
  expect([error.code, error.column, stack.sent.length]).toEqual(["23502", "title", calls]);
  await client.query("update records.rows set title = '' where id = 1");
  await client.query("insert into records.rows (title, email) values (null, 'new@x.com')");
  expect(stack.sent.at(-1)).toBe('{"email":"new@x.com"}');
});

test("a key of a merged object that is set to null is no key", async () => {
  const { rows } = await client.query(
    `update records.rows set meta = '{"a": null, "b": 2}' where id = 1 returning meta`,
  );
  expect([rows, stack.sent.at(-1)]).toEqual([[{ meta: { b: 2 } }], '{"meta":{"a":null,"b":2}}']);
});
