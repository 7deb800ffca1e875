// Portals whose name another statement has by now, statement triggers that must not fire for nothing, values that JSON has no word
// for, a PREPARE that fails, quoted names, and comments in blocks.

import { serialize } from "pg-protocol";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { refused } from "../support/answers.js";
import { startManifestLine } from "../support/manifest-line.js";
import { startThings, type Things, testAlike } from "../support/things.js";
import { startThingsApi } from "../support/things-api.js";
import { WireClient } from "../support/wire.js";

let things: Things;
beforeAll(async () => {
  things = await startThings();
});
afterAll(() => things.close());
beforeEach(() => things.reset());

/** Nothing was sent, and nothing is written anywhere. */
async function untouched(): Promise<void> {
  const labels = { a: "one", b: "two" };
  expect({ mirror: await things.labels(), plain: await things.labels("plain"), requests: things.api.requests }).toEqual(
    {
      mirror: labels,
      plain: labels,
      requests: [],
    },
  );
}

describe("a portal", () => {
  let wire: WireClient;
  beforeEach(async () => {
    wire = await WireClient.login(things.port, "app", things.database);
    return () => wire.close();
  });
  const update = (table: string) => `update ${table} set label = $1 where target = 'a' returning computed`;
  const other = "delete from mirror.things where label <> $1 and origin = 1 returning target";
  const bound = (name: string, text = update("mirror.things"), value = "old") => [
    serialize.parse({ name, text }),
    serialize.bind({ statement: name, portal: "p", values: [value] }),
  ];
  const closed = serialize.close({ type: "S", name: "w" });
  const run = (text: string) => [
    serialize.parse({ name: "s", text }),
    serialize.bind({ statement: "s" }),
    serialize.execute({}),
  ];
  const execute = [serialize.execute({ portal: "p" }), serialize.sync()];

  test.each([
    ["closed", [...bound("w"), closed]],
    ["closed, and its name another's", [...bound("w"), closed, serialize.parse({ name: "w", text: other })]],
    ["replaced, being unnamed, by another write", [...bound(""), serialize.parse({ text: other })]],
    [
      "replaced, being unnamed, by what reads",
      [...bound(""), serialize.parse({ text: "select 7" }), serialize.bind({})],
    ],
  ])("P2: is refused when its statement was %s", async (_, messages) => {
    const said = await wire.ask(...messages, ...execute);
    expect(said.slice(-2)).toEqual(["E 0A000", "Z I"]);
    await untouched();
  });

  const changes: readonly (readonly [string, string, readonly Buffer[], string])[] = [
    ["search_path, to the mirror's", "plain", bound("w", update("things")), "set search_path = mirror"],
    ["search_path, away from the mirror's", "mirror", bound("w", update("things")), "set search_path = plain"],
    [
      "the order of days and months",
      "mirror",
      bound("w", "update things set at = $1 where target = 'a' returning at", "03/02/2026"),
      "set datestyle = 'ISO, DMY'",
    ],
  ];
  test.each(changes)(
    "P2: is refused when a statement has run since its Bind: of %s",
    async (_, path, messages, change) => {
      await wire.ask(serialize.query(`set search_path = ${path}`));
      expect((await wire.ask(...messages, ...run(change), ...execute)).slice(-2)).toEqual(["E 0A000", "Z I"]);
      await wire.ask(serialize.query("deallocate all; begin"));
      await wire.ask(...messages, serialize.sync());
      await wire.ask(serialize.query(change));
      expect(await wire.ask(...execute)).toEqual(["E 0A000", "Z E"]);
      await wire.ask(serialize.query("rollback"));
      await untouched();
    },
  );
});

describe("a statement trigger of the user's", () => {
  const withTrigger = async (when: string, body: string, act: () => Promise<void>) => {
    await things.admin.query(`create function public.own() returns trigger language plpgsql security definer as $$begin ${body}; return null; end$$;
      create trigger own ${when} for each statement execute function public.own()`);
    await act().finally(() => things.admin.query("drop function public.own cascade"));
  };

  test("P2: fires for its own verb only", async () => {
    await withTrigger(
      "after insert or delete on mirror.things",
      "insert into public.local values (0, tg_op)",
      async () => {
        const client = await things.client();
        await client.query("update mirror.things set label = 'u' where target = 'a'");
        expect(await things.local()).toEqual([]);
      },
    );
  });

  test.each(["INSERT", "COPY"])("P2: fires once, with all rows: %s", async (verb) => {
    const wire = await WireClient.login(things.port, "app", things.database);
    const count = "insert into public.local select count(*), string_agg(computed, ',' order by target) from fresh";
    await withTrigger("after insert on mirror.things referencing new table as fresh", count, async () => {
      const columns = "mirror.things (origin, target, label)";
      if (verb === "INSERT") {
        await wire.ask(serialize.query(`insert into ${columns} values (50, 'x', 'good'), (51, 'y', 'b')`));
      } else {
        wire.send(serialize.query(`copy ${columns} from stdin`));
        await wire.until("G");
        await wire.ask(serialize.copyData(Buffer.from("50\tx\tgood\n51\ty\tb\n")), serialize.copyDone());
      }
      expect(await things.local()).toEqual(['(2,"GOOD,B")']);
    });
    wire.close();
  });

  test.each([
    ["UPDATE", "DELETE", "update mirror.things set label = 'u' where target = 'a'"],
    ["DELETE", "INSERT", "delete from mirror.things where target = 'a'"],
    ["INSERT", "DELETE", "insert into mirror.things (origin, target, label) values (5, 'x', 'i')"],
  ])("P5: %s is not forbidden by what forbids %s", async (_, forbidden, sql) => {
    await withTrigger(`before ${forbidden} on mirror.things`, "raise 'no % here', tg_op", async () => {
      const client = await things.client();
      expect(await refused(client.query(sql))).toEqual({ code: "accepted" });
      expect(things.api.requests).toHaveLength(1);
      await client.query("select 1");
      expect(await things.rows("select state from throughline.journal where blocked is not null")).toEqual([]);
    });
  });

  test("P8: a pull is not forbidden by what forbids DELETE", async () => {
    await withTrigger("before delete on mirror.things", "raise 'no'", async () => {
      things.api.add({ origin: 77, target: "p", label: "pulled" });
      await things.pull();
      expect(await things.rows("select target from mirror.things where origin = 77")).toEqual([{ target: "p" }]);
    });
  });
});

test.each([
  "tags = '{{a,b},{c,d}}'",
  "tags = array[['x']]",
  "tags = '[0:1]={a,b}'",
  "nums[2] = 5",
  "nums[0] = 9007199254740993",
  "amount = 'NaN'",
  "amount = 'Infinity'",
  "ratio = 'NaN'",
  "ratio = '-Infinity'",
  "at = 'infinity'",
  "at = '-infinity'",
  "at = '0044-03-15 10:00:00+00 BC'",
  "at = '20260-01-01 00:00:00Z'",
])("P2: what JSON can't say is refused before it is sent: %s", async (assignment) => {
  const client = await things.client();
  const [, column = ""] = /^(\w+)/.exec(assignment) ?? [];
  const update = `update mirror.things set ${assignment}, label = 'new' where target = 'a'`;
  expect(await refused(client.query(update))).toMatchObject({ code: "0A000" });
  await untouched();
  expect(await things.rows(`select ${column} from mirror.things where target = 'a'`)).toEqual([{ [column]: null }]);
});

describe("NULL elements of an array", () => {
  testAlike(
    () => things,
    [
      {
        what: "are kept, and are not the word",
        sql: `insert into mirror.things (origin, target, tags, nums) values (7, 'n', '{a,NULL,"NULL",""}', '{1,NULL,3}'), (7, 'm', '{NULL}', null) returning *`,
      },
    ],
  );

  test("P3: are sent as null, come back, and stay when another is added", async () => {
    const client = await things.client();
    const insert = "insert into mirror.things (origin, target, tags) values (7, 'n', '{a,NULL,b}') returning tags";
    expect((await client.query(insert)).rows).toEqual([{ tags: ["a", null, "b"] }]);
    expect(things.api.record("n")).toMatchObject({ tags: ["a", null, "b"] });
    await client.query("update mirror.things set tags = array_append(tags, 'c') where target = 'n'");
    expect(things.api.record("n")).toMatchObject({ tags: ["a", null, "b", "c"] });
  });
});

describe("a PREPARE that fails leaves the name to the statement that has it", () => {
  test("P2: a write", async () => {
    const client = await things.client();
    await client.query("prepare put(text) as update mirror.things set label = $1 where target = 'a'");
    expect(await refused(client.query("prepare put as select 1"))).toMatchObject({ code: "42P05" });
    expect(await refused(client.query("execute put('kept')"))).toEqual({ code: "accepted" });
    expect(things.api.record("a")).toMatchObject({ label: "kept" });
  });

  test("P10: what is no write, and runs once", async () => {
    const client = await things.client();
    await client.query("create sequence public.numbers; prepare q as select nextval('public.numbers') as n");
    const write = client.query("prepare q as update mirror.things set label = 'x'");
    expect(await refused(write)).toMatchObject({ code: "42P05" });
    expect((await client.query("execute q")).rows).toEqual([{ n: "1" }]);
    expect((await client.query("execute q")).rows).toEqual([{ n: "2" }]);
  });
});

test("P2: a view whose name holds a quote", async () => {
  const client = await things.client();
  await client.query('create view public."we""ird" as select origin, target, label from mirror.things');
  const update = `update public."we""ird" set label = 'q' where target = 'a'`;
  expect(await refused(client.query(update))).toEqual({ code: "accepted" });
  expect(things.api.record("a")).toMatchObject({ label: "q" });
});

test("P2: a mirror whose schema, name and column hold a quote", async () => {
  const api = await startThingsApi();
  const table = { as: 'Th"ings', rename: { label: 'La"Bel' } };
  const own = { schema: 'We"ird', manifest: api.manifest, resource: "things", url: api.url, table };
  const line = await startManifestLine({ ...own, close: () => api.close() });
  const name = '"We""ird"."Th""ings"';
  try {
    const client = await line.client();
    const insert = `insert into ${name} (origin, target, "La""Bel") values (5, 'x', 'quoted') returning computed`;
    expect((await client.query(insert)).rows).toEqual([{ computed: "QUOTED" }]);
    await client.query(`update ${name} set "La""Bel" = 'b' where target = 'a'`);
    await client.query(`do $$begin delete from ${name} where origin = 5; end$$`);
    expect(api.requests).toEqual(["POST /create", "POST /update", "POST /delete"]);
  } finally {
    await line.close();
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
