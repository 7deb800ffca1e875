// The tables that a body writes to and the functions that it calls, wherever in it they are spelt as SQL.

import { expect, test } from "vitest";
import { mentionsIn } from "../../src/sql/mentions.js";
import { processorTime, timeShapes } from "../support/time-shapes.js";

/** "table" or "function" and the name, with its schema if it has one. */
function mentioned(body: string): string[] {
  return mentionsIn(body).map(
    ({ kind, name: { schema, table } }) => `${kind} ${schema === null ? "" : `${schema}.`}${table}`,
  );
}

test.each([
  ["insert into contacts values (1)", ["table contacts"]],
  ["INSERT /* a */ INTO -- b\n Crm . Contacts (a) values (1)", ["table crm.contacts"]],
  ["update only contacts set a = 1", ["table contacts"]],
  ["update only (crm.contacts) set a = 1", ["table crm.contacts"]],
  ["delete from only contacts", ["table contacts"]],
  ["merge into crm.contacts using x on true when matched then delete", ["table crm.contacts"]],
  ["copy contacts (a, b) from '/a'", ["table contacts"]],
  ["copy contacts from '/a'", ["table contacts"]],
  ["with x as (delete from contacts returning *) update y set a = 1", ["table contacts", "table y"]],
  ['update "Crm"."Con""tacts" set a = 1', ['table Crm.Con"tacts']],
  [String.raw`update U&"c\006fntacts" set a = 1`, ["table contacts"]],
  [`update ${"é".repeat(40)} set a = 1`, [`table ${"é".repeat(31)}`]],
  ["update db.crm.contacts set a = 1", ["table crm.contacts"]],
  [
    "begin perform app.put(1); call put (2); x := put/**/(3); end",
    ["function app.put", "function put", "function put"],
  ],
  ["select * from put(1), \"Put\"('x')", ["function put", "function Put"]],
])("a mention in the code: %s", (body, expected) => {
  expect(mentioned(body).filter((mention) => !/^function (?:values|as)$/.test(mention))).toEqual(expected);
});

test.each([
  "select * from contacts for update",
  "insert into x select contacts from y on conflict do nothing; -- contacts(",
  "copy contacts to stdout",
  "copy (select a from contacts) to stdout",
  "-- insert into contacts\n/* update contacts */ /* /* */ delete from contacts */ null",
  "-- a\r-- delete from contacts(",
  "x := contacts; on conflict do update set a = 1; for no key update of contacts",
  "insert contacts; delete contacts; merge contacts; update, contacts",
  'select "insert", into_contacts from "delete from"',
  "set x = 'insert into' || contacts",
])("no mention of contacts: %s", (body) => {
  expect(mentioned(body).filter((mention) => mention.includes("contacts"))).toEqual([]);
});

const update = "update contacts set a = ''x'' where put(1)";
test.each([
  ["a literal", `execute '${update}'`],
  ["a literal with what is put in", "execute 'update contacts set a = ''' || x || ''' where put(' || y"],
  ["a literal of format", "execute format('update contacts set a = %L where put(1)', x)"],
  ["a literal behind a comment", "execute '/* a */ update -- b\n contacts set a = 1 where put(1)'"],
  ["a literal with backslashes", String.raw`execute E'update\ncontacts set a = \'b\' where put(1)'`],
  ["a literal that goes on", "execute 'update '\n -- there\n 'contacts set a = 1 where put(1)'"],
  ["a literal with code points", String.raw`execute U&'update cont\0061cts set a = \+0000501 where put(1)'`],
  ["dollars", "execute $q$update contacts set a = $$b$$ where put(1)$q$"],
  ["a literal in a literal", `execute 'do $d$ begin execute ''${update.replaceAll("'", "''")}''; end $d$'`],
  ["the quotes of another language", 'plpy.execute("update contacts set a = 1 where put(1)")'],
  ["three quotes of another language", 'plpy.execute("""\nupdate contacts set a = 1 where put(1)""")'],
  ["the backticks of another language", "plv8.execute(`update contacts set a = 1 where put(1)`)"],
])("a mention in the SQL that a body runs: %s", (_, body) => {
  expect(mentioned(body)).toEqual(expect.arrayContaining(["table contacts", "function put"]));
});

test("a name that is one word without quotes is told as such: it may be a word of the language", () => {
  const isWord = (body: string) => mentionsIn(body).map((mention) => mention.isWord);
  expect(isWord("if (a)")).toEqual([true]);
  expect(isWord('"if" (a)')).toEqual([false]);
  expect(isWord("app.if (a)")).toEqual([false]);
});

test.each(timeShapes)("P15: the time for each byte of a body does not grow with the body: %s", (_, make) => {
  const time = (length: number) => {
    const body = make(length);
    return processorTime(() => mentionsIn(body)) / body.length;
  };
  time(20_000);
  expect(time(256_000)).toBeLessThan(6 * Math.max(time(32_000), 200 / 1e6));
});

test("P15: literals in literals in literals are read to a bounded depth", () => {
  const nested = (depth: number): string =>
    depth === 0 ? "put(1)" : `execute $q${depth}$${nested(depth - 1)}$q${depth}$`;
  expect(mentioned(nested(4))).toEqual(["function put"]);
  expect(mentioned(nested(5))).toEqual([]);
});
