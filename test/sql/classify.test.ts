// The classification of a statement: a write to a mirror, with its verbs and columns, or none.

import { expect, test } from "vitest";
import { classify } from "../../src/sql/classify.js";
import { WatchList } from "../../src/sql/watch-list.js";

function watching(tables: readonly string[], functions: readonly string[] = []): WatchList {
  return new WatchList({
    tables: tables.map((name) => ({ schema: "hubspot", name, owner: "dba" })),
    functions: functions.map((name) => ({ schema: "app", name, owner: "eve" })),
    words: { functions: ["count"], keywords: ["if", "values"] },
    paths: { schemas: ["public"], roles: [], trusted: ["dba"] },
  });
}
const watched = watching(["contacts", "vips"], ["add_contact"]);
const contacts = { schema: null, table: "contacts" };

const writes: readonly (readonly [sql: string, expected: object])[] = [
  ["insert into contacts (a, b) values (1, 2)", { verbs: ["insert"], relations: [contacts], columns: ["a", "b"] }],
  ["INSERT INTO Hubspot.Contacts VALUES (1)", { relations: [{ schema: "hubspot", table: "contacts" }], columns: null }],
  ['insert into "contacts" ("A", b) values (default, 1), (default, default)', { columns: ["b"] }],
  ["insert into contacts (a, b) values (default, 1), (2, default)", { columns: ["a", "b"] }],
  ["insert into contacts default values", { columns: [] }],
  ["insert into contacts (a) select x from y", { columns: ["a"] }],
  ["with x as (select 1) insert into contacts (a) select * from x", { verbs: ["insert"] }],
  ["insert into contacts (a) values (1) on conflict do nothing", { verbs: ["insert", "update"] }],
  ["update only contacts c set a = 1 from y where y.id = c.id", { verbs: ["update"] }],
  ["update contacts set a = 1, b = null, c = $1, d = default, e = array[now()]", { constants: [..."abcde"] }],
  [
    "update contacts set a = b, b = coalesce($1, c), c = (select x from y), d = (select 1), (e, f) = (1, 2)",
    { constants: ["d", "e", "f"] },
  ],
  ["update contacts set a[1] = 1, b = '{}', c.d = 2", { constants: ["b"] }],
  ["update contacts set a = v.a, b = w.b from (values (1, 2)) v(id, a), w where v.id = w.id", { constants: ["a"] }],
  ["update contacts set a = (select max(x) from y), b = contacts.a, c = v.* from unnest($1) v", { constants: [] }],
  [
    "insert into contacts (a, b) values (1, $1) on conflict (a) do update set b = excluded.b, c = contacts.c || 'x'",
    { constants: ["b"] },
  ],
  [
    "insert into contacts (a, b) select * from unnest($1, $2) on conflict (a) do update set b = excluded.b",
    { constants: ["b"] },
  ],
  [
    "insert into contacts (a, b) select a, b from y on conflict (a) do update set b = excluded.b, c = 1",
    { constants: ["c"] },
  ],
  [
    "merge into contacts using (values (1, 2)) v(id, a) on id = v.id when matched then update set a = v.a, b = b || 'x' when not matched then insert (c) values (1)",
    { constants: ["a"] },
  ],
  [
    "merge into contacts using y on true when matched and a then update set b = 1 when matched then update set b = c",
    { constants: [] },
  ],
  ["with x as (update contacts set a = 1), z as (update vips set a = b) select 1", { constants: [] }],
  ["update contacts set a = 1 where add_contact('x')", { constants: [] }],
  ["delete from contacts using y", { verbs: ["delete"], columns: null }],
  ['update U&"c\\006fntacts" set a = 1', { verbs: ["update"] }],
  ["update contacts set a = $1", { verbs: ["update"], parameters: true }],
  ["/* it's */ delete /* -- */ from -- '\n contacts where a = $$;$$", { verbs: ["delete"] }],
  ["merge into contacts using y on true when matched then delete", { verbs: ["insert", "update", "delete"] }],
  ["with x as (delete from contacts returning *) select * from x", { verbs: ["delete"] }],
  ["with x as (insert into contacts (a) values (1) returning *) insert into y select * from x", { columns: ["a"] }],
  ["with x as (insert into contacts (a) values (1)) insert into vips (b) values (1)", { columns: null }],
  ["explain (analyze, costs off) insert into contacts (a) values (1)", { verbs: ["insert"], explained: null }],
  ["explain insert into contacts (a) values (1)", { verbs: ["insert"], explained: { form: "rows", at: 8 } }],
  ["explain (analyze off) delete from contacts", { verbs: ["delete"], explained: { form: "rows", at: 22 } }],
  ["explain (format json) delete from contacts", { verbs: ["delete"], explained: { form: "notice" } }],
  ["explain (analyze 0) delete from contacts", { verbs: ["delete"], explained: { form: "rows", at: 20 } }],
  [
    "/* é /* */ */ explain --\r verbose/**/delete from contacts",
    { verbs: ["delete"], explained: { form: "rows", at: 38 } },
  ],
  ["explain (analyze 1) delete from contacts", { verbs: ["delete"], explained: null }],
  ["copy contacts (a, b) from stdin csv", { copies: "text", columns: ["a", "b"] }],
  ["copy contacts (a) from stdin with (format binary)", { copies: "binary" }],
  ["copy contacts from '/a/file'", { copies: null, columns: null }],
  ["copy (update contacts set a = 1 returning *) to stdout", { verbs: ["update"], copies: null }],
  [
    "do $$ begin insert into Hubspot.contacts (a) values (1); end $$",
    { relations: [{ schema: "hubspot", table: "contacts" }], functions: [] },
  ],
  ["select add_contact('x')", { functions: [{ schema: null, table: "add_contact" }], relations: [] }],
  ["call app.add_contact('x')", { functions: [{ schema: "app", table: "add_contact" }] }],
  ["create table z as select app.add_contact('x')", { functions: [{ schema: "app", table: "add_contact" }] }],
];

test.each(writes)("a write on a mirror: %s", async (sql, expected) => {
  expect(await classify(sql, watched)).toMatchObject({ kind: "write", ...expected });
});

const others = [
  "select * from contacts for update",
  "insert into y select * from contacts",
  "update y set a = 1 from contacts",
  "delete from y where a in (select a from contacts)",
  "select 'insert into contacts'",
  "copy contacts to stdout",
  "create view more as select * from contacts where a = 'insert'",
  "insert into contacts (a values",
  "do $$ begin insert into y values (1); end $$",
  "do $$ begin insert into old_contacts values (1); end $$",
  "do $$ begin insert into y select * from contacts; update y set contacts = 1; end $$",
  "select 1; select 2",
  "",
];

test.each(others)("not a write on a mirror: %s", async (sql) => {
  expect(await classify(sql, watching(["contacts"]))).toMatchObject({ kind: "other" });
});

test.each([
  ["select add_contact(1)", true],
  ["select app.add_contact(1)", true],
  ["select other.add_contact(1)", false],
  ["select count(*) from y", false],
  ["select app.count(1)", true],
  ["select other.count(1)", false],
  ["do $$ begin perform count(1); if (true) then null; end if; end $$", false],
  ["do $$ begin perform app.count(1); end $$", true],
  ["do $$ begin perform other.count(1); perform other.add_contact(2); end $$", false],
  ["do $$ begin execute 'select app.if (1)'; end $$", true],
  ["do $$ begin execute 'select \"if\" (1)'; end $$", true],
])(
  "P15: a call leads to a watched function by its schema, and by no name that Postgres gives a meaning: %s",
  async (sql, isWrite) => {
    const { kind } = await classify(sql, watching(["contacts"], ["add_contact", "count", "if"]));
    expect(kind).toBe(isWrite ? "write" : "other");
  },
);

test("PREPARE and EXECUTE name a statement; PREPARE TRANSACTION is a command of its own", async () => {
  expect(await classify("prepare p as insert into contacts (a) values ($1)", watched)).toMatchObject({
    kind: "prepare",
    name: "p",
    statement: { kind: "write", columns: ["a"] },
  });
  expect(await classify("execute p(1)", watched)).toEqual({ kind: "execute", name: "p", explained: null });
  expect(await classify("prepare transaction 'x'", watched)).toEqual({ kind: "prepareTransaction" });
});

test("a string of several statements falls into pieces, each where it stood", async () => {
  const text = "begin; insert into contacts (a) values ('é');\n savepoint s; select 1 ; commit";
  const several = await classify(text, watched);
  if (several.kind !== "several") throw new Error(several.kind);
  expect(several.pieces.map(({ transaction }) => transaction)).toEqual(["BEGIN", null, "SAVEPOINT", null, "end"]);
  const bytes = Buffer.from(text);
  expect(several.pieces.map(({ from, to }) => bytes.toString("utf8", from, to).trim())).toEqual([
    "begin",
    "insert into contacts (a) values ('é')",
    "savepoint s",
    "select 1",
    "commit",
  ]);
});

const definitions: readonly (readonly [
  sql: string,
  kind: "table" | "function",
  name: string,
  schema: string | null,
])[] = [
  ["create view mine as select * from contacts", "table", "mine", null],
  [
    "create or replace function app.put() returns void language sql as 'delete from contacts'",
    "function",
    "put",
    "app",
  ],
  ["create view desk.mine as select * from contacts", "table", "mine", "desk"],
  ["alter view desk.vips rename to friends", "table", "friends", "desk"],
  ["alter table contacts rename to people", "table", "people", null],
  ["alter view vips rename to friends", "table", "friends", null],
  ["create rule r as on insert to inbox do instead insert into contacts values (1)", "table", "inbox", null],
];

test.each(definitions)(
  "a statement says what it would define, and watches nothing itself: %s",
  async (sql, kind, name, schema) => {
    const names = watching(["contacts", "vips"]);
    expect(await classify(sql, names)).toEqual({ kind: "other", defines: [{ kind, schema, name }] });
    expect(names.isTable(name) || names.isFunction(name, null)).toBe(false);
  },
);

test("the rename of a table that leads to no mirror defines nothing", async () => {
  expect(await classify("alter table y rename to z", watched)).toEqual({ kind: "other", defines: [] });
});

test("in a string of several statements, a definition holds for those behind it, and for no other string", async () => {
  const names = watching(["contacts"]);
  const text = "create view mine as select * from contacts; insert into mine values (1)";
  expect(await classify(text, names)).toMatchObject({
    kind: "several",
    pieces: [
      { classification: { kind: "other" } },
      { classification: { kind: "write", relations: [{ table: "mine" }] } },
    ],
    defines: [{ kind: "table", name: "mine" }],
  });
  expect(await classify("insert into mine values (1)", names)).toEqual({ kind: "other", defines: [] });
  expect(await classify("insert into mine values (1); create view mine as select * from contacts", names)).toEqual({
    kind: "other",
    defines: [{ kind: "table", schema: null, name: "mine" }],
  });
});

test("a text too deep for the parser is no write, and the parser works again afterwards", async () => {
  const deep = `insert into contacts (a) select ${"1+".repeat(40_000)}1`;
  for (let i = 0; i < 33; i += 1) {
    expect(await classify(deep, watched)).toEqual({ kind: "other", defines: [] });
  }
  expect(await classify("delete from contacts", watched)).toMatchObject({ verbs: ["delete"] });
});
