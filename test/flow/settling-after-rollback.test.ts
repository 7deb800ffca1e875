// Traps that a reader with fresh eyes found: each failed before it was mended.

import { serialize } from "pg-protocol";
import { beforeEach, expect, test } from "vitest";
import { migrateAll } from "../../src/app/migrate.js";
import { type Line, startLine } from "../support/line.js";
import { untilBlocked, untilSent } from "../support/sessions.js";
import { shown, WireClient } from "../support/wire.js";

let line: Line;
beforeEach(async () => {
  line = await startLine({ seed: Array.from({ length: 5 }, (_, i) => ({ email: `s${i}@x.com`, firstname: `F${i}` })) });
  return () => line.close();
});

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "ok",
    (cause: { code: string }) => cause.code,
  );
const idOf = async (email: string): Promise<string> =>
  (await line.admin.query("select id from hubspot.contacts where email = $1", [email])).rows[0].id;

test.each(["notice", "error"])(
  "P4: a BEGIN in the same batch stays the client's, with client_min_messages %s",
  async (level) => {
    await line.admin.query("create table public.ledger (id int primary key); grant all on public.ledger to app");
    const wire = await WireClient.login(line.port, "app", line.database);
    wire.send(serialize.query(`set client_min_messages = '${level}'`));
    await wire.until("Z");
    const run = (text: string, values: string[] = []) => [
      serialize.parse({ text }),
      serialize.bind({ values }),
      serialize.execute({}),
    ];
    wire.send(
      ...run("begin"),
      ...run("insert into public.ledger values (1)"),
      ...run("insert into hubspot.contacts (email) values ($1)", ["j@x.com"]),
      serialize.sync(),
    );
    expect(shown(await wire.until("Z")).at(-1)).toBe("Z T");
    wire.send(serialize.query("rollback"));
    await wire.until("Z");
    expect((await line.admin.query("select from public.ledger")).rowCount).toBe(0);
    wire.send(serialize.query("show client_min_messages"));
    expect(shown(await wire.until("Z"))).toContain(`D ${level}`);
    wire.close();
  },
);

test("P8: what a rollback leaves to settle does not overwrite what was accepted after it", async () => {
  const id = await idOf("s2@x.com");
  const one = await line.client();
  const two = await line.client();
  await one.query("begin");
  await one.query("update hubspot.contacts set lastname = 'from one' where id = $1", [id]);
  line.sandbox.fault({ kind: "slow", ms: 600, on: { method: "PATCH" } });
  const second = two.query("update hubspot.contacts set lastname = 'from two' where id = $1", [id]);
  await untilBlocked(line.admin);
  await one.query("rollback");
  await second;
  await line.pull();
  expect((await line.admin.query("select lastname from hubspot.contacts where id = $1", [id])).rows).toEqual([
    { lastname: "from two" },
  ]);
});

test("P6: a rolled back write reaches the mirror though somebody held the row for a while", async () => {
  const id = await idOf("s3@x.com");
  const one = await line.client();
  const two = await line.client();
  await line.admin.query(
    "create function public.tell() returns trigger language plpgsql as $$begin perform pg_notify('seen', new.lastname); return new; end$$",
  );
  await line.admin.query(
    "create trigger tell after update on hubspot.contacts for each row execute function public.tell()",
  );
  await line.admin.query("listen seen");
  const told = new Promise<string | undefined>((resolve) =>
    line.admin.on("notification", ({ payload }) => resolve(payload)),
  );
  await one.query("begin");
  await one.query("update hubspot.contacts set lastname = 'kept' where id = $1", [id]);
  await two.query("begin");
  const locked = two.query("select 1 from hubspot.contacts where id = $1 for update", [id]);
  await untilBlocked(line.admin);
  await one.query("rollback");
  await locked;
  await two.query("commit");
  expect(await told).toBe("kept");
});

test("P8: a create that a local constraint blocks does not keep other new rows out", async () => {
  line.sandbox.edit("contacts", await idOf("s4@x.com"), { email: "moved@x.com" });
  const client = await line.client();
  expect(await codeOf(client.query("insert into hubspot.contacts (email) values ('S4@x.com')"))).toBe("TL002");
  const [id] = line.sandbox.seed("contacts", [{ email: "brandnew@x.com" }]);
  await line.pull().catch(() => undefined);
  expect((await line.admin.query("select from hubspot.contacts where id = $1", [id])).rowCount).toBe(1);
});

test("P5: a local column may have a type of the user's own, and odd settings change nothing", async () => {
  await line.admin.query("create type public.mood as enum ('ok', 'sad')");
  await line.admin.query(
    "alter table hubspot.contacts add column mood public.mood, add column tags text[], add column doc xml",
  );
  await migrateAll(line.opened, { dryRun: false });
  const client = await line.client();
  await client.query("set array_nulls = off");
  const { rows } = await client.query(
    "insert into hubspot.contacts (email, mood, tags, doc) values ('m@x.com', 'sad', array['a', null], 'just text') returning mood, tags",
  );
  expect(rows).toEqual([{ mood: "sad", tags: ["a", null] }]);
  await client.query("set xmloption = document");
  expect(await codeOf(client.query("update hubspot.contacts set firstname = 'y' where email = 'm@x.com'"))).toBe("ok");
});

test("P5: a deferred constraint on the mirror is checked before the call in a transaction of the client's own", async () => {
  await line.admin.query(
    "create table public.fan (contact text references hubspot.contacts deferrable initially deferred); grant all on public.fan to app",
  );
  const client = await line.client();
  const id = await idOf("s1@x.com");
  await client.query("insert into public.fan values ($1)", [id]);
  await client.query("begin");
  expect(await codeOf(client.query("delete from hubspot.contacts where id = $1", [id]))).toBe("23503");
  await client.query("rollback");
  expect(line.writes()).toEqual([]);
});

test("P4: after a refusal and a failing pipeline the next write finds no leftover of ours", async () => {
  const wire = await WireClient.login(line.port, "app", line.database);
  const run = async (text: string) => {
    wire.send(serialize.query(text));
    return shown(await wire.until("Z"));
  };
  for (const text of ["begin", "savepoint s", "insert into hubspot.contacts (email) values ('bad')", "rollback to s"])
    await run(text);
  const part = (text: string) => [serialize.parse({ text }), serialize.bind({}), serialize.execute({})];
  wire.send(
    ...part("select 1/0"),
    ...part("insert into hubspot.contacts (email) values ('p@x.com')"),
    serialize.sync(),
  );
  await wire.until("Z");
  await run("rollback");
  expect(await run("insert into hubspot.contacts (email) values ('after@x.com')")).toEqual(["C INSERT 0 1", "Z I"]);
  wire.close();
});

test("local columns need no call: neither the row limit nor the one write of a transaction counts for them", async () => {
  line.sandbox.seed(
    "contacts",
    Array.from({ length: 150 }, (_, i) => ({ email: `many${i}@x.com` })),
  );
  await line.admin.query("alter table hubspot.contacts add column note text");
  await migrateAll(line.opened, { dryRun: false });
  await line.pull();
  const client = await line.client();
  await client.query("begin");
  await client.query("insert into hubspot.contacts (email) values ('first@x.com')");
  expect((await client.query("update hubspot.contacts set note = 'x'")).rowCount).toBe(156);
  await client.query("commit");
  expect(line.writes()).toHaveLength(1);
});

test("P9: the proxy's own login is not let in through the proxy", async () => {
  await expect(line.client("throughline")).rejects.toMatchObject({ code: "28000" });
});

test("P7: an error of ours between sending and noting is told as unknown, with the journal's id", async () => {
  const client = await line.client();
  line.sandbox.fault({ kind: "slow", ms: 300, on: { method: "POST" } });
  const writing = client.query("insert into hubspot.contacts (email) values ('lost@x.com')").catch((cause) => cause);
  await untilSent(line.admin);
  await line.admin.query("alter table throughline.journal rename to journal_gone");
  const error = await writing;
  await line.admin.query("alter table throughline.journal_gone rename to journal");
  expect(error).toMatchObject({ code: "TL007" });
});
