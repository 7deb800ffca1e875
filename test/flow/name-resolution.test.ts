// Which table a name means: quoted, escaped or cut, by search_path, behind a temporary table, in what was prepared before.

import { serialize } from "pg-protocol";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { refused } from "../support/answers.js";
import { startManifestStack } from "../support/manifest-stack.js";
import { startThings, type Things, testAlike } from "../support/things.js";
import { startThingsApi } from "../support/things-api.js";
import { WireClient } from "../support/wire.js";

let things: Things;
beforeAll(async () => {
  things = await startThings();
});
afterAll(() => things.close());
beforeEach(() => things.reset());

test("P2: a mirror and a column may have capitals, spaces and other letters", async () => {
  const api = await startThingsApi();
  const table = { as: "Odd Thïngs", rename: { label: 'La"Bel' } };
  const own = { schema: "My Own", manifest: api.manifest, resource: "things", url: api.url, table };
  const stack = await startManifestStack({ ...own, close: () => api.close() });
  try {
    const client = await stack.client();
    const { rows } = await client.query(
      `insert into "My Own"."Odd Thïngs" (origin, target, "La""Bel") values (5, 'x', 'quoted') returning computed`,
    );
    expect(rows).toEqual([{ computed: "QUOTED" }]);
    await client.query(`update "My Own"."Odd Thïngs" set "La""Bel" = 'b' where target = 'a'`);
    await client.query(`do $$begin delete from "My Own"."Odd Thïngs" where origin = 5; end$$`);
    expect(api.requests).toEqual(["POST /create", "POST /update", "POST /delete"]);
  } finally {
    await stack.close();
  }
});

const long = "Ünïcode Näme ".repeat(6);
test.each([
  ["longer than Postgres keeps", `"${long}"`, `"${long}"`],
  ["escaped", '"Dröm"', String.raw`U&"Dr\00f6m"`],
  ["escaped in another way", '"Drüm"', `U&"Dr!00fcm" uescape '!'`],
  ["as long in bytes as Postgres keeps", `"${"é".repeat(31)}x"`, `"${"é".repeat(31)}x"`],
])("P2: a view's name is %s", async (_, made, spelt) => {
  const client = await things.client();
  await client.query(`create view public.${made} as select origin, target, label from mirror.things`);
  await client.query(`update public.${spelt} set label = 'q' where target = 'a'`);
  expect(things.api.record("a")).toMatchObject({ label: "q" });
  await client.query(`drop view public.${made}`);
});

test.each(['U&"m\\0069rror".U&"th!0069ngs" uescape \'!\'', '"mirror" . /* there */ things', "MIRROR.Things"])(
  "P2: the mirror's own is spelt %s",
  async (spelt) => {
    const client = await things.client();
    await client.query(`update ${spelt} set label = 'q' where target = 'a'`);
    expect(things.api.record("a")).toMatchObject({ label: "q" });
  },
);

test("P2: comments and empty statements may stand around a write, in either protocol", async () => {
  const wire = await WireClient.login(things.port, "app", things.database);
  const update = (label: string) => `update mirror.things set label = '${label}' where target = 'a'`;
  const text = `;; /* a */ ${update("c")}; -- done\n ;`;
  expect(await wire.ask(serialize.query(text))).toEqual(["C UPDATE 1", "Z I"]);
  expect(
    await wire.ask(
      serialize.parse({ text: `-- x\r\n ${update("d")} ;` }),
      serialize.bind({}),
      serialize.execute({}),
      serialize.sync(),
    ),
  ).toEqual(["1", "2", "C UPDATE 1", "Z I"]);
  wire.close();
  expect(things.api.requests).toEqual(["POST /update", "POST /update"]);
});

test("P2: a prepared statement writes to the table that search_path finds now, by SQL and by the protocol", async () => {
  const client = await things.client();
  const prepared = "update things set label = $1 where target = 'b'";
  await client.query("set search_path = plain; prepare put(text) as update things set label = $1 where target = 'a'");
  for (const [schema, value] of [
    ["plain", "first"],
    ["mirror", "second"],
    ["plain", "third"],
  ]) {
    await client.query(`set search_path = ${schema}`);
    await client.query(`execute put('${value}')`);
    await client.query({ name: "named", text: prepared, values: [value] });
    expect(things.api.requests).toEqual(value === "first" ? [] : ["POST /update", "POST /update"]);
  }
  expect(await things.labels("mirror")).toEqual({ a: "second", b: "second" });
  expect(await things.labels("plain")).toEqual({ a: "third", b: "third" });
});

test("P2: search_path and a temporary table hold from the next statement of their string", async () => {
  const client = await things.client();
  await client.query("set search_path = mirror; update things set label = 's' where target = 'a'");
  expect(things.api.requests).toEqual(["POST /update"]);
  await client.query(
    "create temp table things (target text, label text); insert into things values ('a', 'mine'); update things set label = 't'",
  );
  expect(things.api.requests).toEqual(["POST /update"]);
  expect((await client.query("select label from things")).rows).toEqual([{ label: "t" }]);
});

test("P2: a temporary view hides the mirror until pg_temp is behind it", async () => {
  const client = await things.client();
  await client.query("set search_path = mirror, public; create temp view things as select * from plain.things");
  await client.query("update things set label = 'shadow' where target = 'a'");
  expect(things.api.requests).toEqual([]);
  await client.query("set search_path = mirror, public, pg_temp");
  await client.query("update things set label = 'light' where target = 'a'");
  expect(await things.labels("mirror")).toEqual({ a: "light", b: "two" });
  expect(await things.labels("plain")).toEqual({ a: "shadow", b: "two" });
});

test("P2: a function writes by its own search_path", async () => {
  const client = await things.client();
  await client.query(`create function public."Put It"(text) returns text language plpgsql set search_path = mirror as $$declare c text;
    begin UPDATE things SET label = $1 WHERE target = 'a' RETURNING computed INTO c; return c; end$$`);
  expect((await client.query(`select "public"."Put It"($1) c`, ["fn"])).rows).toEqual([{ c: "FN" }]);
});

test("P2: a function with a BEGIN ATOMIC body writes when it stands in FROM", async () => {
  const client = await things.client();
  await client.query(`create function public.atomic(text) returns table (t text, c text) language sql
    begin atomic; update mirror.things set label = $1 where origin = 1 returning target, computed; end`);
  expect((await client.query("select * from public.atomic('at') order by t")).rows).toEqual([
    { t: "a", c: "AT" },
    { t: "b", c: "AT" },
  ]);
  expect(things.api.requests).toEqual(["POST /update"]);
});

test("P2: PREPARE and EXECUTE work in one string, and DISCARD ALL is refused there", async () => {
  const wire = await WireClient.login(things.port, "app", things.database);
  const prepare = `prepare "My P"(text) as update mirror.things set label = $1 where target = 'a' returning computed`;
  expect(
    await wire.ask(serialize.query(String.raw`${prepare}; execute U&"My\0020P"('str'); deallocate "My P"`)),
  ).toEqual(["C PREPARE", "T", "D STR", "C UPDATE 1", "C DEALLOCATE", "Z I"]);
  expect(await wire.ask(serialize.query(`${prepare}; discard all`))).toEqual(["C PREPARE", "E 25001", "Z I"]);
  wire.close();
});

test("P2: the name of a view may hold a quote", async () => {
  const client = await things.client();
  await client.query('create view public."we""ird" as select origin, target, label from mirror.things');
  const update = `update public."we""ird" set label = 'q' where target = 'a'`;
  expect(await refused(client.query(update))).toEqual({ code: "accepted" });
  expect(things.api.record("a")).toMatchObject({ label: "q" });
});

test("P2: the schema, the name and a column of a mirror may hold a quote", async () => {
  const api = await startThingsApi();
  const table = { as: 'Th"ings', rename: { label: 'La"Bel' } };
  const own = { schema: 'We"ird', manifest: api.manifest, resource: "things", url: api.url, table };
  const stack = await startManifestStack({ ...own, close: () => api.close() });
  const name = '"We""ird"."Th""ings"';
  try {
    const client = await stack.client();
    const insert = `insert into ${name} (origin, target, "La""Bel") values (5, 'x', 'quoted') returning computed`;
    expect((await client.query(insert)).rows).toEqual([{ computed: "QUOTED" }]);
    await client.query(`update ${name} set "La""Bel" = 'b' where target = 'a'`);
    await client.query(`do $$begin delete from ${name} where origin = 5; end$$`);
    expect(api.requests).toEqual(["POST /create", "POST /update", "POST /delete"]);
  } finally {
    await stack.close();
  }
});

describe("a comment between verb and table in a block", () => {
  testAlike(
    () => things,
    [
      "insert into /* there */ mirror.things (origin, target, label) values (60, 'd', 'do')",
      "insert /* it */ into mirror.things (origin, target, label) values (60, 'd', 'do')",
      "update -- x\n mirror.things set label = 'd' where target = 'b'",
      "update /* a * one **/ only mirror.things set label = 'd' where target = 'b'",
      "delete /* it */ from -- there\n mirror.things where target = 'b'",
    ].map((sql) => ({ what: sql, sql: `do $$begin ${sql}; end$$` })),
  );
});
