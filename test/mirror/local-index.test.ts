// Indexes of the user's own on a mirror: plain ones, built and dropped while clients go on.

import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { migrateAll } from "../../src/app/migrate.js";
import { asAdmin } from "../../src/app/open.js";
import { addLocalColumn } from "../../src/mirror/local-column.js";
import { addLocalIndex, dropLocalIndex, type LocalIndex } from "../../src/mirror/local-index.js";
import { MigrateError } from "../../src/mirror/migrate-error.js";
import { refused } from "../support/answers.js";
import { untilTrue } from "../support/sessions.js";
import { type Stack, startStack } from "../support/stack.js";

let stack: Stack;
let watcher: Stack["admin"];
beforeAll(async () => {
  stack = await startStack({
    seed: [{ email: "ada@example.com", firstname: "Ada" }],
    tables: ["contacts", "companies"],
  });
  watcher = await stack.direct("postgres");
  for (const [name, type] of [
    ["note", "text"],
    ["doc", "json"],
    ["long ünï ".repeat(5), "text"],
  ] as const)
    await asAdmin(stack.opened, (admin) => addLocalColumn(admin, { api: "hubspot", resource: "contacts", name }, type));
});
afterAll(() => stack.close());
beforeEach(async () => {
  const { rows } = await stack.admin.query(
    "select format('drop index hubspot.%I', indexname) as sql from pg_indexes where indexname like '%idx'",
  );
  for (const { sql } of rows) await stack.admin.query(sql);
});

const on = (columns: string): LocalIndex => ({ api: "hubspot", resource: "contacts", columns: columns.split(",") });
const add = (columns: string, work = {}) => addLocalIndex(stack.opened.pool, on(columns), work);
const drop = (columns: string, work = {}) => dropLocalIndex(stack.opened.pool, on(columns), work);
const refusal = async (work: Promise<string>) => {
  const cause = await refused(work);
  expect(cause).toBeInstanceOf(MigrateError);
  return cause.message;
};
const indexes = async () => {
  const { rows } = await stack.admin.query(
    `select pg_get_indexdef(indexrelid) as ddl, indisvalid as valid from pg_index where indrelid = 'hubspot.contacts'::regclass and not indisunique`,
  );
  return rows.map(({ ddl, valid }) => `${ddl.replace(/^.* USING /, "")}${valid ? "" : " unfinished"}`);
};

test("an index over columns is built by the DDL that is returned, and dropped by their names", async () => {
  const begun: string[] = [];
  const begin = (sql: string) => void begun.push(sql);
  const made = await add("lastname,firstname", { begin });
  expect(made).toMatch(
    /^create index concurrently "contacts_lastname_firstname_[0-9a-f]{16}_idx" on "hubspot"."contacts" \("lastname", "firstname"\)$/,
  );
  expect(await indexes()).toEqual(["btree (lastname, firstname)"]);
  const { rows } = await stack.admin.query(
    "select relowner::regrole::text as owner from pg_class where relname like 'contacts_lastname%'",
  );
  expect(rows).toEqual([{ owner: "throughline_mirror" }]);
  expect(await refusal(drop("firstname,lastname"))).toBe(
    '"hubspot"."contacts" has no index on (firstname, lastname); known here: lastname,firstname',
  );
  const dropped = await drop("lastname,firstname", { begin });
  expect(dropped).toMatch(/^drop index concurrently "hubspot"."contacts_lastname_firstname_[0-9a-f]{16}_idx"$/);
  expect(begun).toEqual([made, dropped]);
  expect(await indexes()).toEqual([]);
});

test("names are as long as Postgres takes them, and differ where they would be cut", async () => {
  const long = "long ünï ".repeat(5);
  const names = [await add(long), await add(`${long},note`), await add(`note,${long}`)].map(
    (sql) => sql.split('"')[1] ?? "",
  );
  expect(new Set(names).size).toBe(3);
  for (const name of names) expect(Buffer.byteLength(name)).toBeLessThanOrEqual(63);
  expect(await indexes()).toHaveLength(3);
});

const refusals: readonly (readonly [columns: string, says: string])[] = [
  ["emial", '"hubspot"."contacts" has no column "emial"; did you mean "email"?'],
  ["note,note", 'an index has each column once, and "note" is named twice'],
  ["lower(note)", '"hubspot"."contacts" has no column "lower(note)"; known here: '],
  ["email", '"hubspot"."contacts" has an index on (email) already: "contacts_email_key"'],
  ["id", '"hubspot"."contacts" has an index on (id) already: "contacts_pkey"'],
  [
    "doc",
    'the index on (doc) of "hubspot"."contacts" was not built: data type json has no default operator class for access method "btree"',
  ],
];

test.each(refusals)("no index is built on (%s)", async (columns, says) => {
  expect((await refusal(add(columns))).slice(0, says.length)).toBe(says);
  expect(await indexes()).toEqual([]);
});

test("one that is there is not built again, and one of others is neither built nor dropped", async () => {
  await add("note");
  expect(await refusal(add("note"))).toMatch(
    /^"hubspot"."contacts" has an index on \(note\) already: "contacts_note_[0-9a-f]{16}_idx"$/,
  );
  await stack.admin.query(
    "create index by_hand_idx on hubspot.contacts (city); create index reverse_idx on hubspot.contacts (zip desc); create index part_idx on hubspot.contacts (zip) where zip is null",
  );
  expect(await refusal(add("city"))).toBe('"hubspot"."contacts" has an index on (city) already: "by_hand_idx"');
  expect(await refusal(drop("city"))).toBe(
    '"by_hand_idx" on (city) of "hubspot"."contacts" was not made by "throughline index": the role that made it drops it',
  );
  await add("zip");
  await drop("zip");
  expect((await indexes()).sort()).toEqual([
    "btree (city)",
    "btree (note)",
    "btree (zip DESC)",
    "btree (zip) WHERE (zip IS NULL)",
  ]);
});

test("an index that keeps values unique is not dropped", async () => {
  expect(await refusal(drop("email"))).toBe(
    '"contacts_email_key" keeps the values of (email) in "hubspot"."contacts" unique, and stays',
  );
  expect(await refusal(drop("id"))).toBe(
    '"contacts_pkey" keeps the values of (id) in "hubspot"."contacts" unique, and stays',
  );
  expect(await refusal(drop("note"))).toBe('"hubspot"."contacts" has no index on (note); there are none');
});

test("clients read and write while an index waits for a transaction that was open before", async () => {
  await stack.admin.query("begin; update hubspot.contacts set note = 'open'");
  const client = await stack.client();
  const building = add("note");
  await untilTrue(
    watcher,
    "exists (select from pg_stat_activity where query like 'create index concurrently%' and wait_event_type = 'Lock')",
  );
  const { rows } = await client.query(
    "insert into hubspot.contacts (email, note) values ('new@example.com', 'theirs') returning note",
  );
  expect(rows).toEqual([{ note: "theirs" }]);
  expect(await refusal(add("city"))).toBe(
    'a migration or another "throughline index" is at work: try again when it has ended',
  );
  expect(await refused(migrateAll(stack.opened, { dryRun: false }))).toMatchObject({
    message: "an index is being built or dropped: nothing was changed, try again when that has ended",
  });
  await stack.admin.query("commit");
  await building;
  expect(await indexes()).toEqual(["btree (note)"]);
  await migrateAll(stack.opened, { dryRun: false });
});

test("a transaction that does not end is not waited for for ever, and what was begun is dropped, at the next time at the latest", async () => {
  await stack.admin.query("begin; update hubspot.contacts set note = 'open'");
  const what =
    'the index on (note) of "hubspot"."contacts" was not built: a transaction that was open when this began has not ended; try again when it has';
  expect(await refusal(add("note", { waitMs: 300 }))).toBe(
    `${what}; what there is of it is of no use, and the next "throughline index" takes it away`,
  );
  await stack.admin.query("rollback");
  expect(await indexes()).toEqual(["btree (note) unfinished"]);
  await add("note");
  expect(await indexes()).toEqual(["btree (note)"]);
  await stack.admin.query("begin; select count(*) from hubspot.contacts");
  expect(await refusal(drop("note", { waitMs: 300 }))).toBe(
    'the index on (note) of "hubspot"."contacts" was not dropped: a transaction that was open when this began has not ended; try again when it has',
  );
  await stack.admin.query("rollback");
  await drop("note");
  expect(await indexes()).toEqual([]);
});

/** Nothing makes it shorter. */
const long = "(select pg_catalog.string_agg(pg_catalog.md5(i::text), '') from pg_catalog.generate_series(1, 150) i)";

test("a value that is too long for an index is told, and nothing is left behind", async () => {
  await stack.admin.query(`update hubspot.contacts set note = ${long} where email = 'ada@example.com'`);
  expect(await refusal(add("note"))).toMatch(
    / was not built: index row size \d+ exceeds btree version 4 maximum 2704 for index /,
  );
  expect(await indexes()).toEqual([]);
});

test("P5: a value that is too long for an index of the user's fails before it is sent, and the API's own is parked", async () => {
  await add("lastname");
  const client = await stack.client();
  const insert = `insert into hubspot.contacts (email, lastname) values ('long@example.com', ${long})`;
  stack.sandbox.clearLog();
  expect(await refused(client.query(insert))).toMatchObject({ code: "54000" });
  expect(stack.writes()).toEqual([]);
  stack.sandbox.seed("contacts", [
    { email: "long@example.com", lastname: (await stack.admin.query(`select ${long} as long`)).rows[0].long },
  ]);
  await stack.pull();
  expect((await stack.admin.query("select sqlstate from throughline.parked")).rows).toEqual([{ sqlstate: "54000" }]);
});
