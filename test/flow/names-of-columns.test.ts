// Names that an API or a config gives: each works, and works again, or one line says which it is and what to write in the config.

import fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import { migrateAll } from "../../src/app/migrate.js";
import type { TableConfig } from "../../src/config/api.js";
import { quoteName } from "../../src/postgres/quote.js";
import { type DescribedApi, startDescribedApi } from "../support/described-api.js";
import { startManifestStack } from "../support/manifest-stack.js";
import type { ServedStack } from "../support/served-stack.js";

let stack: ServedStack | undefined;
afterEach(async () => {
  await stack?.close();
  stack = undefined;
});

async function start(api: DescribedApi, table: Partial<TableConfig> = {}): Promise<ServedStack> {
  const started = await startManifestStack({ ...api.own, table });
  stack = started;
  return started;
}

const migrateAgain = (of: ServedStack) => migrateAll(of.opened, { dryRun: false });

const long = "reference_number_in_the_old_billing_system_of_the_group_";
/** What SQL, JavaScript and the functions of a mirror know by these names. */
const known = [
  ...["constructor", "__proto__", "toString", "hasOwnProperty", "valueOf", "prototype", "length", "then"],
  ...["new", "old", "this", "key", "row", "x", "y", "w", "s", "entry", "full_row", "call", "excluded", "made", "gone"],
  ...["select", "user", "oid", "table", "order", "null", "page", "keys", "locked", "k", "t", "setting", "it", "n"],
  ...[
    "Email",
    "email",
    "EMAIL",
    'a"b',
    "a'b",
    "a\\b",
    "a b",
    "a.b",
    "a%b",
    "$1",
    "é",
    "日本",
    "🦉",
    "a,b",
    "{a}",
    "-- a",
    "ctid2",
  ],
  ...[`${long}a`, `${long}b`, "ü".repeat(31), "ü".repeat(32), "x".repeat(63), "x".repeat(64), "x".repeat(200)],
];
const anyName = fc.string({ unit: "grapheme", minLength: 1, maxLength: 80 }).map((name) => `z${name}`);

test("columns of any name are migrated twice, copied, updated and read", { timeout: 120_000 }, async () => {
  const generated = fc.sample(anyName, { numRuns: 60, seed: 63 });
  const names = [...new Set([...known, ...generated])];
  const api = await startDescribedApi(names.map((name, n) => ({ name, unique: n % 3 === 0 })));
  const key = api.add(Object.fromEntries(names.map((name) => [name, `old ${name}`])));
  const { admin, client } = await start(api);
  if (stack) expect(await migrateAgain(stack)).toEqual([]);
  const { rows } = await admin.query({
    text: "select c ->> 'name', c ->> 'upstream' from throughline.mirror, json_array_elements(columns) c where c ->> 'upstream' <> 'id'",
    rowMode: "array",
  });
  expect(rows.map(([, upstream]) => upstream)).toEqual(names);
  const columns: readonly string[] = rows.map(([name]) => name);
  const list = columns.map(quoteName).join(", ");
  const read = async () => {
    const result = await admin.query({ text: `select ${list} from own.records`, rowMode: "array" });
    return result.rows[0];
  };
  expect(await read()).toEqual(names.map((name) => `old ${name}`));
  const app = await client();
  const sets = columns.map((name, n) => `${quoteName(name)} = $${n + 1}`).join(", ");
  const told = await app.query({
    text: `update own.records set ${sets} returning ${list}`,
    values: names.map((name) => `new ${name}`),
    rowMode: "array",
  });
  expect(told.rows[0]).toEqual(names.map((name) => `new ${name}`));
  expect([...(api.records.get(key) ?? [])]).toEqual(names.map((name) => [name, `new ${name}`]));
  await app.query(`insert into own.records (${list}) values (${columns.map((_, n) => `$${n + 1}`).join(", ")})`, [
    ...names.map((name) => `more ${name}`),
  ]);
  expect([...(api.records.get("k2")?.keys() ?? [])].sort()).toEqual([...names].sort());
});

test("unique columns that begin alike, or whose index has its name taken, each have an index of their own", async () => {
  const api = await startDescribedApi([
    { name: `${long}a`, unique: true },
    { name: "b", unique: true },
  ]);
  const started = await start(api);
  const { admin } = started;
  await admin.query(`drop index own.records_b_key; create table own.records_b_key ()`);
  api.fields.push({ name: `${long}b`, unique: true });
  expect((await migrateAgain(started)).filter((sql) => sql.startsWith("create unique index"))).toHaveLength(2);
  expect(await migrateAgain(started)).toEqual([]);
  const { rows } = await admin.query(
    "select count(distinct indkey::text)::int from pg_index where indrelid = 'own.records'::regclass and indisunique and not indisprimary",
  );
  expect(rows).toEqual([{ count: 3 }]);
});

test("what an earlier version called by a name that Postgres cut is known, and is not built again", async () => {
  const api = await startDescribedApi([{ name: `${long}a`, unique: true }]);
  const started = await start(api);
  const index = await started.admin.query(
    "select indexrelid::regclass::text as name from pg_index where indrelid = 'own.records'::regclass and not indisprimary",
  );
  await started.admin.query(`alter index ${index.rows[0].name} rename to "${`records_${long}a_key`.slice(0, 63)}"`);
  expect(await migrateAgain(started)).toEqual([]);
});

test("`unique: false` takes our index away, and without it the index comes again", async () => {
  const api = await startDescribedApi([
    { name: "email", unique: true },
    { name: "n", unique: true },
  ]);
  const started = await start(api, { unique: ["n"] });
  const indexed = async () => {
    const { rows } = await started.admin.query(
      "select indexrelid::regclass::text as name from pg_index where indrelid = 'own.records'::regclass and not indisprimary order by 1",
    );
    return rows.map(({ name }) => name);
  };
  expect(await indexed()).toEqual(["own.records_n_key"]);
  const { tables } = started.opened;
  const withUnique = async (unique: TableConfig["unique"]) => {
    for (const { config } of tables) Object.assign(config, { unique });
    await migrateAgain(started);
    return indexed();
  };
  expect(await withUnique(false)).toEqual([]);
  expect(await withUnique(undefined)).toEqual(["own.records_email_key", "own.records_n_key"]);
  await expect(withUnique(["mail"])).rejects.toThrow(
    'apis.own.tables.records: there is no column "mail"; did you mean "email"?',
  );
});

const refused: readonly (readonly [
  what: string,
  fields: readonly string[],
  table: Partial<TableConfig>,
  says: RegExp,
])[] = [
  ["of a system column", ["ctid"], {}, /"ctid" is a name that Postgres keeps for itself: .*rename: \{"ctid": NAME\}/],
  ["renamed to a system column", ["a"], { rename: { a: "xmin" } }, /"xmin" is a name .*rename: \{"a": NAME\}/],
  [
    "renamed to another's name",
    ["a", "b"],
    { rename: { a: "b" } },
    /2 columns would be called "b" \(a, b\): .*"rename"/,
  ],
  ["two renamed to one name", ["a", "b"], { rename: { a: "c", b: "c" } }, /2 columns would be called "c" \(a, b\)/],
  ["renamed to the key's name", ["a"], { rename: { a: "id" } }, /2 columns would be called "id" \(id, a\)/],
  [
    "renamed to a long name",
    ["a"],
    { rename: { a: "ü".repeat(32) } },
    /has 64 bytes, and Postgres keeps 63: .*"rename"/,
  ],
  ["renamed to what can't be shown", ["a"], { rename: { a: "b\0" } }, /characters that can't be shown: .*"rename"/],
  [
    "of more columns than a table has",
    Array.from({ length: 1_600 }, (_, n) => `c${n}`),
    {},
    /^apis\.own\.tables\.records: 1601 columns are more than the 1600 .* columns: \[NAME, NAME\]$/,
  ],
];
test.each(refused)("a migration refuses a name %s in one line", async (_, fields, table, says) => {
  const api = await startDescribedApi(fields);
  const failure = await startManifestStack({ ...api.own, table }).then(
    () => undefined,
    (cause: unknown) => (cause instanceof Error ? cause.message : String(cause)),
  );
  await api.own.close();
  expect(failure).toMatch(says);
  expect(failure?.split("\n")).toHaveLength(1);
});

test("names that are swapped, or that differ by case alone, are as good as any", async () => {
  const api = await startDescribedApi(["a", "b", "B"]);
  api.add({ a: "1", b: "2", B: "3" });
  const { admin } = await start(api, { rename: { a: "b", b: "a" } });
  expect((await admin.query('select a, b, "B" from own.records')).rows).toEqual([{ a: "2", b: "1", B: "3" }]);
});

test("a table of 1,600 columns is migrated twice", { timeout: 60_000 }, async () => {
  const api = await startDescribedApi(Array.from({ length: 1_599 }, (_, n) => `c${n}`));
  expect(await migrateAgain(await start(api))).toEqual([]);
});

test("columns that Postgres has no room for beside dropped and local ones are named in one line", async () => {
  const api = await startDescribedApi(Array.from({ length: 1_590 }, (_, n) => `c${n}`));
  const started = await start(api);
  for (let n = 0; n < 20; n += 1) api.fields.push({ name: `more${n}` });
  api.fields.splice(0, 20);
  await expect(migrateAgain(started)).rejects.toThrow(
    /^"own"\."records" has no room for more columns: .*1600.*"columns" of apis\.own\.tables\.records/,
  );
});

test("a mirror whose name an index has already is refused in one line", async () => {
  const api = await startDescribedApi([{ name: "a", unique: true }]);
  const started = await start(api);
  for (const { config } of started.opened.tables) Object.assign(config, { as: "records_a_key" });
  await expect(migrateAgain(started)).rejects.toThrow(
    /there is an index, a view or a sequence "own"\."records_a_key" already: .*"as" of apis\.own\.tables\.records/,
  );
});
