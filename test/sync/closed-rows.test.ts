// A row that Postgres refuses is closed by itself: people are told of it by key, column and reason, and its table stays open.

import { afterEach, expect, test } from "vitest";
import { openMirrors } from "../../src/app/open.js";
import { pullAll } from "../../src/app/pull.js";
import { checkMirror } from "../../src/cli/database-checks.js";
import { listEntries } from "../../src/journal/listing.js";
import { loadClosedRows } from "../../src/mirror/closed-rows.js";
import { refused } from "../support/answers.js";
import { type DescribedApi, startDescribedApi } from "../support/described-api.js";
import { startManifestStack } from "../support/manifest-stack.js";
import type { ServedStack } from "../support/served-stack.js";
import { untilTrue } from "../support/sessions.js";

let stack: ServedStack;
afterEach(() => stack.close());

/** Text that no compression makes short. */
function noise(length: number): string {
  let seed = 7;
  const letter = () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return String.fromCharCode(33 + (seed % 90));
  };
  return Array.from({ length }, letter).join("");
}

const many = Array.from({ length: 380 }, (_, n) => `c${n}`);

interface Refusal {
  readonly what: string;
  readonly fields: readonly (string | { readonly name: string; readonly unique: boolean })[];
  /** What Postgres refuses of a record. */
  readonly bad: Readonly<Record<string, string>>;
  readonly good: Readonly<Record<string, string>>;
  /** What others have put on the mirror. */
  readonly sql?: string;
  readonly closed: { readonly sqlstate: string; readonly columns: string | null; readonly reason: RegExp };
}

const refusals: readonly Refusal[] = [
  {
    what: "a value that is too long for its unique index",
    fields: [{ name: "code", unique: true }],
    bad: { code: noise(6_000) },
    good: { code: "short" },
    closed: { sqlstate: "54000", columns: "code", reason: /index row size \d+ exceeds .*"records_code_key"/ },
  },
  {
    what: "a value that is too long for an index of the user's",
    fields: ["bio"],
    bad: { bio: noise(6_000) },
    good: { bio: "short" },
    sql: "create index by_bio on own.records (bio)",
    closed: { sqlstate: "54000", columns: "bio", reason: /index row size \d+ exceeds .*"by_bio"/ },
  },
  {
    what: "a row that is too long",
    fields: many,
    bad: Object.fromEntries(many.map((name) => [name, name === "c9" ? noise(22) : noise(21)])),
    good: Object.fromEntries(many.map((name) => [name, "x"])),
    closed: { sqlstate: "54000", columns: "c9", reason: /row is too big: size \d+, maximum size 8160/ },
  },
  {
    what: "a value that a constraint of the user's refuses",
    fields: ["age"],
    bad: { age: "old" },
    good: { age: "7" },
    sql: "alter table own.records add constraint digits check (age ~ '^[0-9]*$')",
    closed: { sqlstate: "23514", columns: "age", reason: /"digits"/ },
  },
  {
    what: "a value that a unique index of the user's refuses",
    fields: ["a", "b"],
    bad: { a: "1", b: "2" },
    good: { a: "1", b: "3" },
    sql: "create unique index of_two on own.records (a, b)",
    closed: { sqlstate: "23505", columns: "a, b", reason: /"of_two"/ },
  },
];

async function start({ fields, sql }: Refusal): Promise<DescribedApi> {
  const api = await startDescribedApi([...fields, "note"]);
  api.add({ a: "1", b: "2", note: "" });
  stack = await startManifestStack(api.own);
  if (sql !== undefined) await stack.admin.query(sql);
  return api;
}

test.each(refusals)("$what closes its row alone, and no other", { timeout: 60_000 }, async (refusal) => {
  const { bad, good, closed } = refusal;
  const api = await start(refusal);
  api.add({ ...bad, note: "bad" });
  api.add({ note: "good" });
  const row = {
    key: "k2",
    sqlstate: closed.sqlstate,
    columns: closed.columns,
    reason: expect.stringMatching(closed.reason),
  };
  expect(await pullAll(stack.opened)).toMatchObject([{ kind: "copied", rows: 3, closed: [row], missingIndexes: [] }]);
  expect(await loadClosedRows(stack.opened.pool, 3)).toMatchObject([{ ...row, count: 1 }]);
  const [found] = await openMirrors(stack.opened);
  const findings = found ? await checkMirror(stack.opened.pool, found.mirror, {}) : [];
  expect(findings).toMatchObject([{ level: "warning", says: expect.stringMatching(/1 rows? .*closed.* k2, /) }]);

  const client = await stack.client();
  for (const key of ["k1", "k3"])
    expect((await client.query("update own.records set note = 'new' where id = $1", [key])).rowCount).toBe(1);
  expect((await client.query("delete from own.records where id = 'k3'")).rowCount).toBe(1);
  const writes = api.writes.length;

  for (const [name, value] of Object.entries(good)) api.set("k2", name, value);
  expect(await pullAll(stack.opened)).toMatchObject([{ kind: "copied", parked: [], closed: [] }]);
  expect((await client.query("update own.records set note = 'open' where id = 'k2'")).rowCount).toBe(1);
  expect(api.writes).toHaveLength(writes + 1);
});

test.each(refusals.filter(({ closed }) => closed.sqlstate === "54000"))(
  "a statement that is about a row of $what is refused before anything is sent",
  { timeout: 60_000 },
  async (refusal) => {
    const api = await start(refusal);
    api.add({ ...refusal.bad, note: "bad" });
    await stack.pull();
    const client = await stack.client();
    const error = {
      code: "55000",
      message: 'throughline: a row of "own"."records" is closed, because Postgres refuses what its API has of it',
      detail: `Its key is k2. It is refused with 54000, for ${refusal.closed.columns}.`,
      hint: expect.stringContaining('then run "throughline pull own.records"'),
    };
    expect(await refused(client.query("update own.records set note = 'x' where id = 'k2'"))).toMatchObject(error);
    const lazy = client.query("update own.records set note = 'x' where id in (select 'k' || 2)");
    expect(await refused(lazy)).toMatchObject(error);
    expect(await refused(client.query("delete from own.records where id = $1", ["k2"]))).toMatchObject(error);
    expect(api.writes).toEqual([]);
  },
);

test("a row that was there before it was refused stays as it was, and is closed", async () => {
  const [refusal] = refusals;
  if (!refusal) throw new Error("there is no refusal");
  const api = await start(refusal);
  api.set("k1", "code", noise(6_000));
  await stack.pull();
  const client = await stack.client();
  expect((await client.query("select id, note from own.records")).rows).toEqual([{ id: "k1", note: "" }]);
  expect(await refused(client.query("update own.records set note = 'x'"))).toMatchObject({ code: "55000" });
});

test("an accepted write whose row Postgres refuses is in the journal with column and reason", async () => {
  const [, refusal] = refusals;
  if (!refusal) throw new Error("there is no refusal");
  const api = await start(refusal);
  api.meddle = (fields) => void fields.set("bio", noise(6_000));
  const client = await stack.client();
  const insert = client.query("insert into own.records (bio) values ('short')");
  expect(await refused(insert)).toMatchObject({ code: "TL002" });
  await untilTrue(stack.admin, "exists (select from throughline.journal where blocked is not null)");
  const [entry] = await listEntries(stack.opened.pool, { limit: 1 });
  expect(entry).toMatchObject({ blocked: "54000", blockedBecause: expect.stringMatching(/^bio: index row size/) });
  expect((await client.query("update own.records set note = 'x' where id = 'k1'")).rowCount).toBe(1);
});
