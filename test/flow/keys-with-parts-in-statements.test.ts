// Statements of every shape on a mirror whose key has two columns, both given by the client.

import { serialize } from "pg-protocol";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { refused } from "../support/answers.js";
import { startThings, type Things, testAlike } from "../support/things.js";
import { WireClient } from "../support/wire.js";

let things: Things;
beforeAll(async () => {
  things = await startThings();
});
afterAll(() => things.close());
beforeEach(() => things.reset());

const insert = (values: string, rest: string) =>
  `insert into mirror.things as t (origin, target, label) values ${values} ${rest}`;
const onKey = "on conflict (origin, target)";

testAlike(
  () => things,
  [
    {
      what: "DO NOTHING of any conflict",
      sql: insert("(5, 'x', 'n'), (1, 'a', 'dup')", "on conflict do nothing returning *"),
    },
    {
      what: "DO NOTHING of the key's conflict",
      sql: insert("(5, 'x', 'n'), (1, 'a', 'dup')", `${onKey} do nothing returning *, xmax = 0 as new`),
    },
    {
      what: "DO UPDATE that meets no conflict",
      sql: insert(
        "(5, 'x', 'n'), (6, 'x', 'm')",
        `${onKey} do update set label = excluded.label returning *, xmax = 0 as new`,
      ),
    },
    {
      what: "DO UPDATE of some of the rows that are there",
      sql: insert(
        "(1, 'a', 'n'), (1, 'b', 'm')",
        `${onKey} do update set label = excluded.label || t.label where t.target <> 'b' returning *, xmax = 0 as new`,
      ),
    },
    {
      what: "DO UPDATE that changes nothing",
      sql: insert("(1, 'a', 'x')", `${onKey} do update set label = t.label returning *, xmax = 0 as new`),
    },
    {
      what: "an UPDATE of the key to itself",
      sql: "update mirror.things set origin = origin, label = 'same key' where target = 'a' returning *",
    },
    { what: "an UPDATE that changes nothing", sql: "update mirror.things set label = label returning *" },
    {
      what: "an UPDATE by a key with what JSON quotes",
      sql: String.raw`update mirror.things set label = 'u' where target = U&'q"\\\00e9' returning *`,
    },
    {
      what: "a DELETE by rows of the whole key",
      sql: "delete from mirror.things t using (values (1::bigint, 'b')) s(o, k) where (t.origin, t.target) = (s.o, s.k) returning *",
    },
  ],
);

test("P2: a mixture of new rows and others is refused before it is sent", async () => {
  const client = await things.client();
  const mixture = insert("(5, 'x', 'n'), (1, 'a', 'u')", `${onKey} do update set label = excluded.label`);
  expect(await refused(client.query(mixture))).toMatchObject({ code: "0A000" });
  expect(things.api.requests).toEqual([]);
});

test("P2: a key may hold control characters and line separators", async () => {
  const client = await things.client();
  const target = "\u0001\u001f\u007f\u2028\b\f/\u{1f600}\ufffe";
  const inserted = await client.query(
    insert("(7, $1, 'k'), (8, $1, 'l')", "on conflict do nothing returning origin, target"),
    [target],
  );
  expect(inserted.rows).toEqual([
    { origin: "7", target },
    { origin: "8", target },
  ]);
  const update = "update mirror.things set label = label || 'x' where target = $1 returning computed";
  expect((await client.query(update, [target])).rows).toEqual([{ computed: "KX" }, { computed: "LX" }]);
  expect((await client.query("delete from mirror.things where target = $1", [target])).rowCount).toBe(2);
  expect(things.api.requests).toEqual(["POST /create", "POST /update", "POST /delete"]);
  expect(things.api.records()).toHaveLength(3);
});

test("P2: a foreign key of two columns restricts, cascades and sets null, and a CTE fills it", async () => {
  const key = "foreign key (o, t) references mirror.things";
  await things.admin.query(`create table public.child (o bigint, t text, c text, ${key});
    create table public.kid (o bigint, t text, ${key} on delete cascade);
    create table public.orphan (n int, o bigint, t text, ${key} on delete set null);
    insert into public.kid values (1, 'a'), (1, 'b'); insert into public.orphan values (1, 1, 'a');
    grant all on public.child, public.kid, public.orphan to app`);
  const client = await things.client();
  const parents = insert("(5, 'x', 'par')", "returning *");
  const { rows } = await client.query(
    `with n as (${parents}) insert into public.child select origin, target, computed from n returning *`,
  );
  expect(rows).toEqual([{ o: "5", t: "x", c: "PAR" }]);
  expect(await refused(client.query("delete from mirror.things where origin = 5"))).toMatchObject({ code: "23503" });
  expect(things.api.requests).toEqual(["POST /create"]);
  await client.query("delete from mirror.things where target = 'a'");
  expect(await things.rows("select * from public.kid")).toEqual([{ o: "1", t: "b" }]);
  expect(await things.rows("select * from public.orphan")).toEqual([{ n: 1, o: null, t: null }]);
  await things.admin.query("drop table public.child, public.kid, public.orphan");
});

test("P2: COPY in binary may be cut anywhere within a row", async () => {
  const field = (value: string | bigint) => {
    const bytes = Buffer.alloc(8);
    if (typeof value === "bigint") bytes.writeBigInt64BE(value);
    const sized = typeof value === "bigint" ? bytes : Buffer.from(value);
    return Buffer.concat([Buffer.from([0, 0, 0, sized.length]), sized]);
  };
  const row = (...fields: readonly (string | bigint)[]) =>
    Buffer.concat([Buffer.from([0, fields.length]), ...fields.map(field)]);
  const body = Buffer.concat([
    Buffer.from("PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0", "latin1"),
    row("b~é", 9007199254740993n, "one"),
    row("z", -5n, "two"),
    Buffer.from([0xff, 0xff]),
  ]);
  const wire = await WireClient.login(things.port, "app", things.database);
  wire.send(serialize.query("copy mirror.things (target, origin, label) from stdin binary"));
  await wire.until("G");
  for (let at = 0; at < body.length; at += 7) wire.send(serialize.copyData(body.subarray(at, at + 7)));
  expect(await wire.ask(serialize.copyDone())).toEqual(["C COPY 2", "Z I"]);
  wire.close();
  expect(things.api.requests).toEqual(["POST /create"]);
  expect(
    await things.rows("select origin, target, computed from mirror.things where origin not in (1, 2) order by 1"),
  ).toEqual([
    { origin: "-5", target: "z", computed: "TWO" },
    { origin: "9007199254740993", target: "b~é", computed: "ONE" },
  ]);
});

test("P3: rows of several requests keep their own key, by COPY and by a CTE", async () => {
  const wire = await WireClient.login(things.port, "app", things.database);
  await wire.ask(serialize.query("set throughline.chunk = on"));
  wire.send(serialize.query("copy mirror.things (origin, target, label) from stdin"));
  await wire.until("G");
  const lines = Array.from({ length: 150 }, (_, i) => `${1000 - i}\tc${i}\tl${i}\n`).join("");
  expect(await wire.ask(serialize.copyData(Buffer.from(lines)), serialize.copyDone())).toEqual(["C COPY 150", "Z I"]);
  const cte = `with n as (insert into mirror.things (origin, target, label) select 2000 - i, 'd' || i, 'm' || i
    from generate_series(1, 120) i returning *) insert into public.local select origin, computed from n`;
  expect(await wire.ask(serialize.query(cte))).toEqual(["C INSERT 0 120", "Z I"]);
  wire.close();
  expect(things.api.requests).toEqual(Array(4).fill("POST /create"));
  const same = "select count(*)::int as n from public.local join mirror.things on origin = no and what = computed";
  expect(await things.rows(same)).toEqual([{ n: 120 }]);
});
