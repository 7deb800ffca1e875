// A value that upstream has twice, though its column is unique: both rows have it, the index goes, and comes back by itself.

import fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import { migrateAll } from "../../src/app/migrate.js";
import { openMirrors } from "../../src/app/open.js";
import { pullAll } from "../../src/app/pull.js";
import { checkMirror } from "../../src/cli/database-checks.js";
import { refused } from "../support/answers.js";
import { type DescribedApi, startDescribedApi } from "../support/described-api.js";
import { startManifestStack } from "../support/manifest-stack.js";
import type { ServedStack } from "../support/served-stack.js";
import { untilTrue } from "../support/sessions.js";

let stack: ServedStack;
afterEach(() => stack.close());

async function start(emails: readonly string[], page = 100): Promise<DescribedApi> {
  const api = await startDescribedApi([{ name: "email", unique: true }, "note"], page);
  for (const email of emails) api.add({ email, note: "" });
  stack = await startManifestStack(api.own);
  return api;
}

const mirrored = async () =>
  (await stack.admin.query("select id, email from own.records order by length(id), id")).rows.map(({ email }) => email);
const upstream = ({ records }: DescribedApi) => [...records.values()].map((fields) => fields.get("email"));

const indexSql =
  "exists (select from pg_index where indrelid = 'own.records'::regclass and indisunique and not indisprimary and indisvalid)";
const hasIndex = async () => (await stack.admin.query(`select ${indexSql} as yes`)).rows[0].yes;
/** Asks in statements of their own: Postgres builds an index CONCURRENTLY when older snapshots are gone. */
async function untilIndexed(): Promise<void> {
  const sql = `select ${indexSql} and (select missing_indexes = '{}' from throughline.mirror) as yes`;
  const deadlineMs = performance.now() + 60_000;
  while (!(await stack.admin.query(sql)).rows[0].yes)
    if (performance.now() > deadlineMs) throw new Error("after a minute the index is not back");
}

test.each([
  { where: "in one page", page: 100 },
  { where: "on two pages", page: 1 },
])(
  "two records with one value $where close nothing, and the index comes back without a migration",
  async ({ page }) => {
    const api = await start(["same@x", "same@x", "cy@x"], page);
    const client = await stack.client();
    for (let circle = 1; circle <= 2; circle += 1) {
      expect(await mirrored()).toEqual(["same@x", "same@x", "cy@x"]);
      expect(await hasIndex()).toBe(false);
      expect((await client.query("update own.records set note = $1 where id = 'k3'", [`${circle}`])).rowCount).toBe(1);
      const [found] = await openMirrors(stack.opened);
      const findings = found ? await checkMirror(stack.opened.pool, found.mirror, {}) : [];
      expect(findings).toMatchObject([
        { level: "warning", says: /"email" is the same in k1 and k2, .* its unique index is away/ },
      ]);
      await client.query("update own.records set email = 'other@x' where id = 'k2'");
      await untilIndexed();
      await client.query("insert into own.records (email) values ('cy@x') on conflict (email) do nothing");
      expect(await refused(client.query("select from own.records where 1 / 0 = 1"))).toMatchObject({ code: "22012" });
      api.set("k2", "email", "same@x");
      await stack.pull();
    }
  },
);

test("an ON CONFLICT over a column whose index is away names the two records and what to do", async () => {
  await start(["same@x", "same@x"]);
  const client = await stack.client();
  const hint =
    /In own\.records "email" is the same in k1 and k2, so that its unique index is away\. Change one of the two in own, .* by itself; until then use ON CONFLICT \(id\)\./;
  const sql = "insert into own.records (email) values ('new@x') on conflict (email) do nothing";
  expect(await refused(client.query(sql))).toMatchObject({ code: "42P10", hint: expect.stringMatching(hint) });
  const bound = client.query(sql.replace("'new@x'", "$1"), ["new@x"]);
  expect(await refused(bound)).toMatchObject({ code: "42P10", hint: expect.stringMatching(hint) });
  expect(await refused(client.query(`explain ${sql}`))).toMatchObject({ code: "42P10" });
  await stack.admin.query("create table public.plain (a int)");
  await stack.admin.query("grant insert, select on public.plain to app");
  expect((await client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
});

test("a pull without a proxy brings the index back, and tells of the one that went", async () => {
  const api = await start(["a@x", "b@x"]);
  api.set("k2", "email", "a@x");
  expect(await pullAll(stack.opened)).toMatchObject([
    { kind: "copied", parked: [], closed: [], missingIndexes: [{ column: "email", keys: ["k1", "k2"] }] },
  ]);
  api.set("k1", "email", "c@x");
  await pullAll(stack.opened);
  await untilIndexed();
  expect(await mirrored()).toEqual(["c@x", "a@x"]);
});

test("a value that moves from one record to another costs no index", async () => {
  const api = await start(["a@x", "b@x", "c@x"], 1);
  const { rows } = await stack.admin.query(
    "select indexrelid from pg_index where indrelid = 'own.records'::regclass and not indisprimary",
  );
  api.set("k1", "email", "b@x");
  api.set("k2", "email", "c@x");
  api.set("k3", "email", "a@x");
  await stack.pull();
  expect(await mirrored()).toEqual(["b@x", "c@x", "a@x"]);
  expect(
    (
      await stack.admin.query(
        "select indexrelid from pg_index where indrelid = 'own.records'::regclass and not indisprimary",
      )
    ).rows,
  ).toEqual(rows);
});

test("a migration builds no index over shared values, says so, and changes nothing a second time", async () => {
  const api = await start(["same@x", "same@x"]);
  const sentence = '-- own.records: "email" is the same in k1 and k2, so that its unique index is away';
  expect(await migrateAll(stack.opened, { dryRun: false })).toEqual([sentence]);
  expect(await hasIndex()).toBe(false);
  api.fields.push({ name: "n", unique: true });
  for (const key of api.records.keys()) api.set(key, "n", "1");
  await migrateAll(stack.opened, { dryRun: false });
  await stack.pull();
  const { rows } = await stack.admin.query("select missing_indexes from throughline.mirror");
  expect(rows).toEqual([{ missing_indexes: { email: ["k1", "k2"], n: ["k1", "k2"] } }]);
});

test("a client that holds the table keeps shared values waiting, and loses none", async () => {
  const api = await start(["a@x", "b@x", "c@x"]);
  const holder = await stack.direct();
  await holder.query("begin; select from own.records");
  api.set("k2", "email", "a@x");
  await pullAll(stack.opened);
  expect((await mirrored())[2]).toBe("c@x");
  await holder.query("commit");
  await untilTrue(stack.admin, "not exists (select from throughline.parked)");
  expect(await mirrored()).toEqual(["a@x", "a@x", "c@x"]);
});

test("whatever records share, the mirror is what the API has, and the index is there when they share nothing", {
  timeout: 120_000,
}, async () => {
  const api = await start(["0", "1", "2", "3", "4"], 2);
  const rounds = fc.sample(fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 5, maxLength: 5 }), {
    numRuns: 12,
    seed: 4,
  });
  for (const values of [...rounds, [0, 1, 2, 3, 4]]) {
    for (const [n, value] of values.entries()) api.set(`k${n + 1}`, "email", String(value));
    await stack.pull();
    await untilTrue(stack.admin, "not exists (select from throughline.parked)");
    expect(await mirrored()).toEqual(upstream(api));
    if (new Set(values).size < values.length) expect(await hasIndex()).toBe(false);
    else await untilIndexed();
  }
});
