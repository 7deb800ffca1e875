// Values of every type and codec: what goes out comes back as it was, and whatever comes in is a text that Postgres takes.

import fc from "fast-check";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseJson, toJson } from "../../src/manifest/lossless-json.js";
import { lookUp } from "../../src/manifest/pointer.js";
import { readArray } from "../../src/upstream/array-text.js";
import { encode } from "../../src/upstream/codec.js";
import { decode } from "../../src/upstream/decode.js";
import { sameValue } from "../../src/upstream/same-value.js";
import type { ValueRules } from "../../src/upstream/value-rules.js";
import { makeDatabase, type TestDatabase } from "../support/database.js";
import { column } from "../write/column.js";

const seeded = { seed: 7 };
const rules: readonly ValueRules[] = [
  { asStrings: false, clear: null, emptyIsNull: false, createClears: true },
  { asStrings: true, clear: "", emptyIsNull: true, createClears: true },
];

let database: TestDatabase;
let postgres: pg.Client;
beforeAll(async () => {
  database = await makeDatabase();
  postgres = new pg.Client({ connectionString: database.urlOf(), options: "-c timezone=UTC -c datestyle=ISO" });
  await postgres.connect();
  await postgres.query(
    `create function stored(value text, type text) returns text language plpgsql as $$
     declare canonical text;
     begin
       execute format('select (%L::%s)::text', value, type) into canonical;
       return canonical;
     exception when others then
       return null;
     end $$`,
  );
});
afterAll(async () => {
  await postgres.end();
  await database.drop();
});

/** As Postgres has them; null for what it refuses. */
async function canonical(type: string, texts: readonly string[]): Promise<(string | null)[]> {
  const { rows } = await postgres.query<{ text: string | null }>(
    "select stored(value, $2) as text from unnest($1::text[]) with ordinality t(value, n) order by n",
    [texts, type],
  );
  return rows.map(({ text }) => text);
}

const integer = (bits: bigint) => fc.bigInt({ min: -(2n ** bits), max: 2n ** bits - 1n }).map(String);
const decimal = fc
  .tuple(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), fc.stringMatching(/^\d{0,20}$/))
  .map(([whole, tail]) => (tail === "" ? String(whole) : `${whole}.${tail}`));
const text = fc.string({ unit: "binary", minLength: 1 }).filter((one) => !one.includes("\0"));
const micros = fc
  .tuple(
    fc.date({ min: new Date("0001-01-02T00:00:00Z"), max: new Date("9999-12-30T00:00:00Z"), noInvalidDate: true }),
    fc.nat(999_999),
  )
  .map(
    ([date, fraction]) => `${date.toISOString().slice(0, 19).replace("T", " ")}.${String(fraction).padStart(6, "0")}`,
  );
const seconds = micros.map((one) => `${one.slice(0, 19)}+00`);
const noEmpty = (one: unknown): boolean => one !== "" && one !== null;
const jsonb = fc
  .jsonValue({ maxDepth: 4 })
  .filter(noEmpty)
  .map((one) => JSON.stringify(one).replaceAll("\\u0000", "0"));

/** Texts of each type, and the codecs that can carry them without loss. */
const travellers: readonly (readonly [string, readonly string[], fc.Arbitrary<string>])[] = [
  ["text", ["plain", "string"], text],
  ["boolean", ["plain"], fc.constantFrom("true", "false")],
  ["smallint", ["plain", "string"], integer(15n)],
  ["integer", ["plain", "string"], integer(31n)],
  ["bigint", ["plain", "string"], integer(63n)],
  ["numeric", ["plain", "string"], decimal],
  ["real", ["plain", "string"], fc.float({ noNaN: true, noDefaultInfinity: true }).map(String)],
  ["double precision", ["plain", "string"], fc.double({ noNaN: true, noDefaultInfinity: true }).map(String)],
  ["date", ["plain", "utc_midnight"], micros.map((one) => one.slice(0, 10))],
  ["time", ["plain"], micros.map((one) => one.slice(11))],
  ["timestamp", ["plain"], micros],
  ["timestamptz", ["plain", "string"], micros.map((one) => `${one}+00`)],
  ["timestamptz", ["unix", "unix_ms"], seconds],
  ["uuid", ["plain"], fc.uuid()],
  ["jsonb", ["plain", "string"], jsonb],
  ["text[]", ["plain"], fc.array(text).map(literal)],
  [
    "text[]",
    ["join(;)"],
    fc
      .array(
        text.filter((one) => !one.includes(";")),
        { minLength: 1 },
      )
      .map(literal),
  ],
  ["integer[]", ["join(, )"], fc.array(integer(31n), { minLength: 1 }).map(literal)],
  ["boolean[]", ["plain"], fc.array(fc.constantFrom("t", "f")).map(literal)],
  ["bigint[]", ["plain"], fc.array(integer(63n)).map(literal)],
  ["numeric[]", ["plain"], fc.array(decimal).map(literal)],
  ["uuid[]", ["plain"], fc.array(fc.uuid()).map(literal)],
  ["jsonb[]", ["plain"], fc.array(jsonb).map(literal)],
  ["timestamptz[]", ["plain"], fc.array(micros.map((one) => `${one}+00`)).map(literal)],
];
const ways = travellers.flatMap(([type, codecs, texts]) => codecs.map((codec) => ({ type, codec, texts })));

/** As it is read out of an answer. */
function wired(body: string): unknown {
  return lookUp(parseJson(`{"v":${body}}`), "/v") ?? null;
}

function literal(elements: readonly string[]): string {
  return `{${elements.map((one) => `"${one.replaceAll(/(["\\])/g, "\\$1")}"`).join(",")}}`;
}

test.each(ways)("$type by $codec comes back as it went out", async ({ type, codec, texts }) => {
  const of = column("c", { type, codec });
  const property = fc.asyncProperty(
    fc.constantFrom(...rules),
    fc.array(texts, { minLength: 1, maxLength: 20 }),
    async (rule, many) => {
      const before = await canonical(type, many);
      const back = before.map((one) => decode(of, wired(toJson(encode(of, one, rule))), rule) ?? "NULL");
      expect(await canonical(type, back)).toEqual(before);
      for (const [index, one] of back.entries()) expect(sameValue(of, one, before[index] ?? null)).toBe(true);
    },
  );
  await fc.assert(property, { ...seeded, numRuns: 40 });
});

const nasty = [
  '"\\u0000"',
  '"\\ud800x"',
  '"{\\"a\\": \\"\\\\u0000\\"}"',
  '{"\\u0000\\udfff":"\\ud800"}',
  '{"a":1e200000,"b":[-1e-20000]}',
  "1e400",
  "-1e-400",
  "1e-50",
  "1e39",
  "1e308",
  "NaN",
  '"NaN"',
  '"Infinity"',
  '"-0"',
  "-0",
  "1.5",
  "5.0",
  "12e2",
  "1E+2",
  "123e-2",
  "9223372036854775808",
  "-9223372036854775808",
  "32768",
  '"0x10"',
  '"1_000"',
  '" 1"',
  '"."',
  '"1."',
  '".5e3"',
  '"2026"',
  '"2026-02"',
  '"2026-02-30"',
  '"1"',
  '"soon 1"',
  '"0000-00-00"',
  '"0001-01-01T00:00:00+14:00"',
  '"9999-12-31T23:59:59.9999999-12:00"',
  '"2026-02-28T24:00:00Z"',
  '"2026-02-28T23:59:60Z"',
  '"2026-02-28T12:00:00.123456789123+05:30"',
  '"2026-02-28T12:00:00.1234+99:99"',
  '"Sat, 28 Feb 2026 12:30:00 GMT"',
  '"Sat 1.12345"',
  '"24:00"',
  '"12:60"',
  '"10:00:00.1234567890123456789012345"',
  "1e20",
  "-62135596800",
  "253402300800000",
  '"{}"',
  '"[1"',
  '"a,b"',
  '"{1,2}"',
  "[[1],[2]]",
  '[null,"",{}]',
  "true",
  '"T"',
  '"f"',
  '"{6ba7b810-9dad-11d1-80b4-00c04fd430c8}"',
  '"6ba7b8109dad11d180b400c04fd430c8"',
  `${"[".repeat(3000)}${"]".repeat(3000)}`,
  `1${"0".repeat(140_000)}`,
  `0.${"1".repeat(20_000)}`,
];
const answered = fc.oneof(
  fc.constantFrom(...nasty),
  fc.jsonValue().map((one) => JSON.stringify(one)),
  fc.tuple(decimal, fc.integer({ min: -400, max: 400 })).map(([digits, exponent]) => `${digits}e${exponent}`),
  fc.string({ unit: "binary" }).map((one) => JSON.stringify(one)),
  fc
    .tuple(
      fc.nat(9999),
      fc.nat(13),
      fc.nat(32),
      fc.nat(25),
      fc.nat(61),
      fc.constantFrom("", "Z", "+05:30", "-16:00", " UTC"),
    )
    .map(([year, month, day, hour, minute, zone]) => {
      const two = (part: number) => String(part).padStart(2, "0");
      return `"${String(year).padStart(4, "0")}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}:00.12345${zone}"`;
    }),
);

const kinds = [
  ...[...new Set(travellers.map(([type]) => type))].flatMap((type) =>
    ["plain", type.endsWith("[]") ? "join(,)" : "string"].map((codec) => ({ type, codec })),
  ),
  { type: "date", codec: "utc_midnight" },
  { type: "timestamptz", codec: "unix" },
  { type: "timestamptz", codec: "unix_ms" },
];

test.each(kinds)(
  "whatever an API answers for $type by $codec is NULL, or what Postgres takes",
  async ({ type, codec }) => {
    const of = column("c", { type, codec });
    const property = fc.asyncProperty(
      fc.constantFrom(...rules),
      fc.array(answered, { minLength: 1, maxLength: 40 }),
      async (rule, bodies) => {
        const texts = bodies.flatMap((body) => decode(of, wired(body), rule) ?? []);
        const stored = await canonical(type, texts);
        expect(texts.filter((_, index) => stored[index] === null)).toEqual([]);
      },
    );
    await fc.assert(property, { ...seeded, numRuns: 30 });
  },
);

test("an array is read as Postgres writes it", async () => {
  const property = fc.asyncProperty(fc.array(fc.string({ unit: "binary" })), async (elements) => {
    const plain = elements.map((one) => one.replaceAll("\0", "0"));
    const { rows } = await postgres.query<{ text: string }>("select $1::text[]::text as text", [plain]);
    expect(readArray(rows[0]?.text ?? "")).toEqual(plain);
  });
  await fc.assert(property, { ...seeded, numRuns: 100 });
});
