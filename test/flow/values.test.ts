// Values of the API's own columns, of every type: what is sent, kept and returned is what an ordinary table keeps.

import { serialize } from "pg-protocol";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { toJson } from "../../src/manifest/lossless-json.js";
import { refused } from "../support/answers.js";
import { startThings, type Things, testAlike } from "../support/things.js";
import { WireClient } from "../support/wire.js";

let things: Things;
beforeAll(async () => {
  things = await startThings();
});
afterAll(() => things.close());
beforeEach(() => things.reset());

const insert = (columns: string, ...values: readonly string[]) =>
  `insert into mirror.things (origin, target, ${columns}) values ${values.map((value, i) => `(7, 'v${i}', ${value})`).join(", ")} returning *`;

testAlike(
  () => things,
  [
    {
      what: "arrays of text, with what quotes an element",
      sql: insert("tags", String.raw`'{a,"NULL","","b c","d\"e","f\\g","{h}"}'`, "'{}'", "null"),
    },
    {
      what: "an array of numbers that JavaScript can't hold",
      sql: insert("nums", "'{9007199254740993,-9223372036854775808}'"),
    },
    {
      what: "jsonb, whose numbers keep their digits",
      sql: insert("doc", "null", `'"x"'`, `'{"a": 12345678901234567890.10, "b": [1, null]}'`, "'[]'", "'0'"),
    },
    {
      what: "numeric and bigint at their ends, and a scale",
      sql: insert(
        "amount, big",
        "12345678901234567890.1234567890, 9223372036854775807",
        "1e-20, -9223372036854775808",
        "1.10, 0",
      ),
    },
    {
      what: "a key that JavaScript can't hold",
      sql: "insert into mirror.things (origin, target) values (9007199254740993, 'k') returning *",
    },
    { what: "double precision, shortest-exact", sql: insert("ratio", "0.1::float8 + 0.2", "'-0'", "1e300", "5e-324") },
    {
      what: "a time with its microseconds, and a boolean",
      sql: insert(
        "at, ok",
        "'2026-11-21 10:20:30.123456+05:30', true",
        "'1970-01-01', false",
        "'9999-12-31 23:59:59Z', null",
      ),
    },
    {
      what: "no value at all",
      sql: "insert into mirror.things (origin, target) values (7, 't1'), (7, 't2') returning *",
    },
    {
      what: "values that an UPDATE takes away, adds to and makes",
      sql: "update mirror.things set label = nullif(label, 'one'), tags = array_append(tags, 'k'), doc = jsonb_build_object('n', null) where origin = 1 returning *",
    },
  ],
);

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
])("P2: a value that JSON can't express is refused before it is sent: %s", async (assignment) => {
  const client = await things.client();
  const [, column = ""] = /^(\w+)/.exec(assignment) ?? [];
  const update = `update mirror.things set ${assignment}, label = 'new' where target = 'a'`;
  expect(await refused(client.query(update))).toMatchObject({ code: "0A000" });
  const labels = { a: "one", b: "two" };
  expect({ mirror: await things.labels(), plain: await things.labels("plain"), requests: things.api.requests }).toEqual(
    { mirror: labels, plain: labels, requests: [] },
  );
  expect(await things.rows(`select ${column} from mirror.things where target = 'a'`)).toEqual([{ [column]: null }]);
});

test("P3: a number keeps the scale that upstream gives it", async () => {
  const client = await things.client();
  await client.query(insert("amount", "1.0"));
  const { rows } = await client.query("update mirror.things set amount = 1.00 where target = 'v0' returning amount");
  expect(rows).toEqual([{ amount: "1.00" }]);
  expect(toJson(things.api.record("v0")?.["amount"])).toBe("1.00");
});

test("P3: binary parameters come back in binary", async () => {
  const array = Buffer.concat([int4(1), int4(0), int4(25), int4(2), int4(1), sized("a,b"), sized('c"d')]);
  const values = [int8(77n), array, Buffer.from('\x01{"k": [1]}'), int8(826_000_000_123_456n)];
  const wire = await WireClient.login(things.port, "app", things.database);
  wire.send(
    serialize.parse({
      text: "insert into mirror.things (origin, target, tags, doc, at) values ($1, 'bin', $2, $3, $4) returning origin, tags, doc, at",
      types: [20, 1009, 3802, 1184],
    }),
    serialize.bind({ values, binary: true }),
    serialize.execute({}),
    serialize.sync(),
  );
  const row = (await wire.until("Z")).find(({ type }) => type === "D");
  wire.close();
  expect(row?.bytes.subarray(7)).toEqual(Buffer.concat(values.map(sized)));
  expect(things.api.record("bin")).toMatchObject({ tags: ["a,b", 'c"d'], doc: { k: [1] } });
});

function int4(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function int8(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes;
}

function sized(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([int4(bytes.length), bytes]);
}
