// Recovery keeps the order of what was accepted: it undoes no later write, and a client hears what is not known.

import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readYaml } from "../../src/config/yaml.js";
import { manifestSchema } from "../../src/manifest/manifest.js";
import { type FaultyApi, startApi } from "../faults/api.js";
import { refused } from "../support/answers.js";
import { startManifestStack } from "../support/manifest-stack.js";
import type { ServedStack } from "../support/served-stack.js";
import { cancel, untilAsleep, untilBlocked, untilSent, untilTrue } from "../support/sessions.js";

let api: FaultyApi;
let own: ServedStack;
beforeEach(async () => {
  api = await startApi();
  const text = readFileSync(new URL("../faults/manifest.yaml", import.meta.url), "utf8")
    .replace(/^ *find:.*\n/m, "")
    .replace(", unique: true", "")
    .replace("types: {}", "types: {}\nidempotency: { header: idempotency-key, keeps: 24h }");
  const manifest = readYaml("manifest.yaml", text, manifestSchema);
  for (const name of ["a", "b"]) api.add(name, "old");
  const close = async () => api.close();
  own = await startManifestStack({ schema: "own", manifest, resource: "records", url: api.url, timeoutMs: 500, close });
});
afterEach(() => own.close());

const atRest = () => untilTrue(own.admin, "not exists (select from throughline.journal where closed_at is null)");
const upstream = () => api.records().map(({ name, note }) => `${name} ${note}`);
const mirrored = async () =>
  (await own.admin.query("select name, note from own.records order by name")).rows.map(
    ({ name, note }) => `${name} ${note}`,
  );

describe("P6", () => {
  test("an unknown change that never arrived is not made over a later accepted one", async () => {
    const client = await own.client();
    api.set("a", "hangs up before");
    expect(await refused(client.query("update own.records set note = 'two'"))).toMatchObject({ code: "TL007" });
    await client.query("update own.records set note = 'three'");
    await atRest();
    expect(upstream()).toEqual(["a three", "b three"]);
    expect(await mirrored()).toEqual(upstream());
  });

  test("an accepted write is not lost behind an unknown one that never arrived", async () => {
    const [one, two] = [await own.client(), await own.client()];
    await one.query("begin");
    await one.query("update own.records set note = 'accepted'");
    await two.query("begin");
    const locked = two.query("select from own.records for update");
    await untilBlocked(own.admin);
    // Its settling finds the rows locked by the other, whose call hangs.
    await one.query("rollback");
    await locked;
    api.set("a", "hangs before");
    expect(await refused(two.query("update own.records set note = note || '!'"))).toMatchObject({ code: "TL007" });
    await two.query("rollback");
    await atRest();
    expect(upstream()).toEqual(["a accepted", "b accepted"]);
    expect(await mirrored()).toEqual(upstream());
  });
});

test("P8: rows of an unknown call are not written over a page that was asked for later", async () => {
  const client = await own.client();
  api.set("new", "leaves a row out");
  // Its settling has to wait.
  await own.admin.query("begin; lock table throughline.applied in share row exclusive mode");
  const told = refused(
    client.query("insert into own.records (name, note) values ('new1', 'first'), ('new2', 'first')"),
  );
  expect(await told).toMatchObject({ code: "TL007" });
  const made = api.records().find(({ name }) => name === "new1");
  api.apply("update", { id: made?.id ?? "", name: "new1", note: "newer" });
  const pulling = own.pull().catch(() => undefined);
  await own.admin.query("commit");
  await pulling;
  // Until it is settled, a page keeps away from what it may have created.
  await untilTrue(own.admin, "not exists (select from throughline.journal where rows::text <> '[]')");
  await own.pull();
  expect(await mirrored()).toContain("new1 newer");
});

test("P7: an unknown outcome is told even when the client cancels twice", async () => {
  const client = await own.client();
  // The moment in which the second one arrives, made longer.
  const { rows } = await own.admin.query("select pg_get_functiondef('throughline.refuse'::regproc) as sql");
  await own.admin.query(rows[0].sql.replace("begin", "begin perform pg_sleep(10);"));
  api.set("a", "hangs before");
  const told = refused(client.query("update own.records set note = 'two'"));
  await untilSent(own.admin);
  await cancel(client, own.port);
  await untilAsleep(own.admin);
  await cancel(client, own.port);
  expect(await told).toMatchObject({ code: "TL007" });
});

test.each(["simple", "extended"])(
  "TL002: a deferred constraint that fails after acceptance is no refusal (%s)",
  async (protocol) => {
    await own.admin.query(`create table public.parent (id int primary key); insert into public.parent values (1);
    grant select on public.parent to app;
    alter table own.records add column parent int references public.parent deferrable initially deferred`);
    const client = await own.client();
    api.set("new", "tells when it is there", async () => {
      await own.admin.query("delete from public.parent");
    });
    const sql = "insert into own.records (name, note, parent) values ";
    const told = await refused(
      protocol === "simple" ? client.query(`${sql} ('new', 'n', 1)`) : client.query(`${sql} ($1, 'n', 1)`, ["new"]),
    );
    expect(api.created("new")).toEqual(["new"]);
    expect(told).toMatchObject({ code: "TL002" });
  },
);
