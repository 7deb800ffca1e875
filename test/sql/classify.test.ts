import { beforeAll, expect, test } from "vitest";
import { classify, loadParser } from "../../src/sql/classify.js";
import { prefilter } from "../../src/sql/prefilter.js";

beforeAll(() => loadParser());

const isMirror = (table: string) => table === "contacts";
const suspects = prefilter(["contacts"]);

const writes: readonly (readonly [sql: string, expected: object])[] = [
  [
    "insert into contacts (a, b) values (1, 2)",
    { verb: "insert", target: { schema: null, table: "contacts" }, columns: ["a", "b"] },
  ],
  [
    "INSERT INTO Hubspot.Contacts VALUES (1)",
    { verb: "insert", target: { schema: "hubspot", table: "contacts" }, columns: null },
  ],
  ['insert into "contacts" ("A", b) values (default, 1), (default, default)', { columns: ["b"] }],
  ["insert into contacts (a, b) values (default, 1), (2, default)", { columns: ["a", "b"] }],
  ["insert into contacts default values", { columns: [] }],
  ["insert into contacts (a) select x from y", { columns: ["a"] }],
  ["with x as (select 1) insert into contacts (a) select * from x", { verb: "insert" }],
  ["update only contacts c set a = 1 from y where y.id = c.id", { verb: "update" }],
  ["delete from contacts using y", { verb: "delete", columns: null }],
  ['update U&"c\\006fntacts" set a = 1', { verb: "update" }],
  ["update contacts set a = $1", { verb: "update", parameters: true }],
  ["/* it's */ delete /* -- */ from -- '\n contacts where a = $$;$$", { verb: "delete" }],
];

test.each(writes)("a write on a mirror: %s", (sql, expected) => {
  expect(suspects(sql)).toBe(true);
  expect(classify(sql, isMirror)).toMatchObject({ kind: "write", ...expected });
});

const unsupported = [
  "insert into contacts (a) values (1) on conflict do nothing",
  "with x as (delete from contacts returning *) select * from x",
  "with x as (delete from contacts returning *) insert into y select * from x",
  "with x as (insert into y values (1)) , z as (update contacts set a = 1) delete from contacts",
  "with w as (insert into y values (random()) returning a) update contacts set a = (select a from w)",
  "select 1; delete from contacts",
];

test.each(unsupported)("a shape that is not offered: %s", (sql) => {
  expect(suspects(sql)).toBe(true);
  expect(classify(sql, isMirror)).toMatchObject({ kind: "unsupported", target: { table: "contacts" } });
});

const others = [
  "select * from contacts for update",
  "insert into y select * from contacts",
  "update y set a = 1 from contacts",
  "delete from y where a in (select a from contacts)",
  "select 'insert into contacts'",
  "explain insert into contacts (a) values (1)",
  "insert into contacts (a values",
  "",
];

test.each(others)("not a write on a mirror: %s", (sql) => {
  expect(classify(sql, isMirror)).toEqual({ kind: "other" });
});

test("the prefilter lets quiet statements through, whatever their case, and no name means no suspicion", () => {
  expect(suspects("select * from contacts")).toBe(false);
  expect(suspects("insert into y values (1)")).toBe(false);
  expect(suspects("INSERT INTO CONTACTS VALUES (1)")).toBe(true);
  expect(prefilter([])("insert into contacts values (1)")).toBe(false);
  expect(prefilter(["weird.name+"])('insert into "weird.name+" values (1)')).toBe(true);
  expect(prefilter(["weird.name+"])("insert into weirdxname values (1)")).toBe(false);
});
