// More traps that a reader with fresh eyes found: each failed before it was mended.

import pg from "pg";
import { serialize } from "pg-protocol";
import { beforeEach, expect, inject, test } from "vitest";
import { migrateAll } from "../../src/app/migrate.js";
import { openMirrors } from "../../src/app/open.js";
import { serve } from "../../src/app/serve.js";
import { serverTime } from "../../src/postgres/clock.js";
import { WatchList } from "../../src/sql/watch-list.js";
import { backfill } from "../../src/sync/backfill.js";
import { applyPage } from "../../src/sync/page.js";
import { type Line, startLine } from "../support/line.js";
import { untilTrue } from "../support/sessions.js";
import { shown, WireClient } from "../support/wire.js";

let line: Line;
beforeEach(async () => {
  line = await startLine({
    seed: [
      { email: "ada@example.com", firstname: "Ada" },
      { email: "bob@example.com", firstname: "Bob" },
    ],
  });
  return () => line.close();
});
const emails = () => line.sandbox.records("contacts").map(({ properties }) => properties["email"]);
const idOf = (email: string) =>
  line.sandbox.records("contacts").find(({ properties }) => properties["email"] === email)?.id ?? "";
const told = (asked: Promise<unknown>) =>
  asked.then(
    () => "ok",
    (cause) => `${cause.code} ${cause.message}`,
  );
const later = "do $$begin raise exception 'later' using errcode = '40001'; end$$";
const run = (text: string) => [serialize.parse({ text }), serialize.bind({}), serialize.execute({})];
const loud = "alter table hubspot.contacts add constraint loud check (email = upper(email)) not valid";

test("P2: a volatile value in a database that has no table but mirrors", async () => {
  const client = await line.client();
  const text = "insert into hubspot.contacts (email) values ('r' || gen_random_uuid() || '@example.com')";
  expect(await told(client.query(text))).toBe("ok");
});

test("P10: a text full of 'prepare' does not stop the proxy", () => {
  const watched = new WatchList();
  watched.set([{ schema: "hubspot", name: "contacts" }], []);
  expect(watched.suspects(`select '${"prepare ".repeat(100_000)}'`)).toBe(false);
});

test("P8: a late page does not take a unique value from what was accepted after it was asked for", async () => {
  const [found] = await openMirrors(line.opened);
  if (!found) throw new Error("no mirror");
  const { mirror, table } = found;
  const [ada, bob] = [idOf("ada@example.com"), idOf("bob@example.com")];
  line.sandbox.edit("contacts", ada, { email: "x@example.com" });
  const askedAt = await serverTime(line.opened.pool);
  const page = await table.get(mirror.columns, [ada]);
  line.sandbox.edit("contacts", ada, { email: "y@example.com" });
  const client = await line.client();
  await client.query("update hubspot.contacts set email = 'x@example.com' where id = $1", [bob]);
  await applyPage(line.opened.pool, {
    mirror,
    askedAt,
    rows: page.map(({ key, row }) => ({ key, row: { ...row, id: key } })),
  });
  const { rows } = await client.query("select email from hubspot.contacts where id = $1", [bob]);
  expect(rows).toEqual([{ email: "x@example.com" }]);
});

test("P8: what a rollback leaves to settle does not take one from what was accepted after it", async () => {
  const [ada, bob] = [idOf("ada@example.com"), idOf("bob@example.com")];
  const [one, two, three] = [await line.client(), await line.client(), await line.client()];
  await one.query("begin");
  await one.query("update hubspot.contacts set email = 'x@example.com' where id = $1", [ada]);
  line.sandbox.edit("contacts", ada, { email: "y@example.com" });
  await two.query("begin");
  // Nobody else will do: what settles may wait for a lock as well.
  const waiting: number = (await two.query("select pg_backend_pid() as pid")).rows[0].pid;
  const locked = two.query("select from hubspot.contacts where id = $1 for update", [ada]);
  await untilTrue(
    line.admin,
    `exists (select from pg_stat_activity where pid = ${waiting} and wait_event_type = 'Lock')`,
  );
  await one.query("rollback");
  await locked;
  await three.query("update hubspot.contacts set email = 'x@example.com' where id = $1", [bob]);
  await two.query("commit");
  await untilTrue(
    line.admin,
    "not exists (select from throughline.journal where closed_at is null and blocked is null)",
  );
  const { rows } = await three.query("select email from hubspot.contacts where id = $1", [bob]);
  expect(rows).toEqual([{ email: "x@example.com" }]);
});

test("P8: a user's trigger does not alter the row that a unique value is taken from", async () => {
  await line.admin.query(`create function public.meddle() returns trigger language plpgsql as
    $$begin new.firstname := new.firstname || '!'; return new; end$$;
    create trigger meddle before update on hubspot.contacts for each row execute function public.meddle()`);
  const bob = idOf("bob@example.com");
  line.sandbox.edit("contacts", bob, { email: "moved@example.com" });
  const client = await line.client();
  expect(await told(client.query("insert into hubspot.contacts (email) values ('BOB@example.com')"))).toMatch(/^TL002/);
  const { rows } = await client.query("select firstname from hubspot.contacts where id = $1", [bob]);
  expect(rows).toEqual([{ firstname: "Bob" }]);
});

test("P2: a function that writes another value each time into a local column of a mirror", async () => {
  await line.admin.query(`alter table hubspot.contacts add column note text; create table public.other ();
    create sequence public.numbers; grant all on public.numbers to app;
    create function public.bill() returns text language sql as $$update hubspot.contacts
      set note = nextval('public.numbers') || '@example.com' where email = 'ada@example.com' returning note$$`);
  await migrateAll(line.opened, { dryRun: false });
  const client = await line.client();
  const said = await told(client.query("insert into hubspot.contacts (email) values (public.bill())"));
  const { rows } = await line.admin.query("select note from hubspot.contacts where email = 'ada@example.com'");
  if (said === "ok") expect(emails()).toContain(rows[0].note);
  else expect(said).toMatch(/^0A000/);
});

test("P2: the same into a foreign table", async () => {
  await line.admin.query(`create extension postgres_fdw; create sequence public.numbers; create table public.invoices (no bigint);
    create server back foreign data wrapper postgres_fdw
      options (host '127.0.0.1', port '${new URL(inject("postgres")).port}', dbname '${line.database}');
    create user mapping for app server back options (user 'app', password 'app', password_required 'false');
    create foreign table public.remote (no bigint) server back options (table_name 'invoices', schema_name 'public');
    create function public.bill() returns text language sql as
      $$insert into public.remote values (nextval('public.numbers')) returning 'i' || no || '@example.com'$$;
    grant all on public.remote, public.invoices, public.numbers to app; grant usage on foreign server back to app`);
  const client = await line.client();
  expect(await told(client.query("insert into hubspot.contacts (email) values (public.bill())"))).toMatch(/^0A000/);
});

test("P6: a blocked row comes with the pull once what blocked it is gone", async () => {
  await line.admin.query(loud);
  const client = await line.client();
  expect(await told(client.query("insert into hubspot.contacts (email) values ('EVE@EXAMPLE.COM')"))).toMatch(/^TL002/);
  await client.query("select 1");
  await line.admin.query("alter table hubspot.contacts drop constraint loud");
  const [found] = await openMirrors(line.opened);
  if (!found) throw new Error("no mirror");
  const options = { full: true, progress: () => undefined };
  expect((await backfill(line.opened.pool, found.mirror, found.table, options)).parked).toEqual([]);
  expect((await client.query("select from hubspot.contacts where email = 'eve@example.com'")).rowCount).toBe(1);
});

test("TL001: what Postgres refuses is not said to be in the mirror", async () => {
  await line.admin.query(loud);
  const client = await line.client();
  const said = await told(client.query("insert into hubspot.contacts (email) values ('EVE@EXAMPLE.COM'), ('BAD')"));
  const { rowCount } = await client.query("select from hubspot.contacts where email = 'eve@example.com'");
  expect({ rowCount, claims: said.includes("are in the mirror") }).toEqual({ rowCount: 0, claims: false });
});

test.each(["simple", "pipeline"])(
  "TL002: an error behind COMMIT is not the committed transaction's: %s",
  async (how) => {
    const insert = "insert into hubspot.contacts (email) values ('done@example.com')";
    const wire = await WireClient.login(line.port, "app", line.database);
    if (how === "pipeline") wire.send(...["begin", insert, "commit", later].flatMap(run), serialize.sync());
    else {
      for (const text of ["begin", insert]) {
        wire.send(serialize.query(text));
        await wire.until("Z");
      }
      wire.send(serialize.query(`commit; ${later}`));
    }
    expect(shown(await wire.until("Z"))).toContain("E 40001");
    wire.close();
  },
);

test.each(["('eve@example.com')", "('eve@example.com'), ('bad')"])(
  "TL002: TL007 or TL001, a savepoint, then an error that invites to repeat the transaction: %s",
  async (values) => {
    const client = await line.client();
    await client.query("begin; savepoint s");
    if (!values.includes("bad")) line.sandbox.fault({ kind: "hang-up-after" });
    expect(await told(client.query(`insert into hubspot.contacts (email) values ${values}`))).toMatch(/^TL00[17]/);
    await client.query("rollback to s");
    expect(await told(client.query(later))).not.toMatch(/^40/);
  },
);

test("P1: PREPARE TRANSACTION without a call, in one batch behind the COMMIT of a transaction with one", async () => {
  const wire = await WireClient.login(line.port, "app", line.database);
  for (const text of ["begin", "insert into hubspot.contacts (email) values ('done@example.com')"]) {
    wire.send(serialize.query(text));
    await wire.until("Z");
  }
  wire.send(...["commit", "begin", "select 1", "prepare transaction 'x'"].map((text) => serialize.query(text)));
  for (let i = 0; i < 3; i += 1) await wire.until("Z");
  expect(shown(await wire.until("Z"))).toContain("E 55000"); // Postgres's own: "prepared transactions are disabled"
  wire.close();
});

test("TL002: a proxy that stops in a transaction with an accepted write says so", async () => {
  const proxy = await serve(line.opened, { host: "127.0.0.1", port: 0 });
  const client = new pg.Client({ connectionString: `postgres://app:app@127.0.0.1:${proxy.port}/${line.database}` });
  const ended = new Promise<Error>((resolve) => client.on("error", resolve));
  await client.connect();
  await client.query("begin");
  await client.query("insert into hubspot.contacts (email) values ('open@example.com')");
  await proxy.close();
  expect(await ended).toMatchObject({ code: "TL002" });
});

test("P4: a BEGIN behind a write in one pipeline leaves the transaction open, as Postgres does", async () => {
  await line.admin.query("create table public.ledger (no int); grant all on public.ledger to app");
  const statusAfter = async (write: string) => {
    const wire = await WireClient.login(line.port, "app", line.database);
    wire.send(...run(write), ...run("begin"), serialize.sync());
    const last = shown(await wire.until("Z")).at(-1);
    wire.close();
    return last;
  };
  const native = await statusAfter("insert into public.ledger values (1)");
  expect(await statusAfter("insert into hubspot.contacts (email) values ('p@example.com')")).toBe(native);
});
