// A write inside the client's own transaction: its one call, and what COMMIT, ROLLBACK and errors leave of it.

import type pg from "pg";
import { serialize } from "pg-protocol";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { untilBlocked } from "../support/sessions.js";
import { type Stack, startStack } from "../support/stack.js";
import { WireClient } from "../support/wire.js";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ seed: [{ email: "ada@example.com", firstname: "Ada" }] });
  await stack.admin.query("create table public.ledger (id int primary key, what text)");
  await stack.admin.query(
    "create table public.child (parent int references public.ledger deferrable initially deferred)",
  );
  await stack.admin.query("grant all on public.ledger, public.child to app");
});
afterAll(() => stack.close());
beforeEach(() => stack.sandbox.clearLog());

async function withNotices(): Promise<{ client: pg.Client; notices: string[] }> {
  const client = await stack.client();
  const notices: string[] = [];
  client.on("notice", (notice) => notices.push(`${notice.severity} ${notice.code}: ${notice.message}`));
  return { client, notices };
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "ok",
    (cause: { code: string }) => cause.code,
  );

/** What the journal says of the newest entry, once it is closed behind the client's back. */
async function newestEntry(): Promise<{ state: string; closed: boolean; applied: boolean }> {
  const found = await stack.admin.query(
    `select state, closed_at is not null as closed, exists (select from throughline.applied a where a.call = j.id) as applied
     from throughline.journal j order by intent_at desc limit 1`,
  );
  return found.rows[0];
}

test("P6: COMMIT keeps the accepted row and what stands beside it", async () => {
  const { client, notices } = await withNotices();
  await client.query("begin");
  await client.query("insert into public.ledger values (1, 'before')");
  const { rows } = await client.query(
    "insert into hubspot.contacts (email) values ('commit@example.com') returning id",
  );
  await client.query("insert into public.ledger values (2, $1)", [rows[0].id]);
  await client.query("commit");
  expect((await stack.admin.query("select what from public.ledger order by id")).rows).toEqual([
    { what: "before" },
    { what: rows[0].id },
  ]);
  expect((await stack.admin.query("select id from hubspot.contacts where email = 'commit@example.com'")).rows).toEqual(
    rows,
  );
  expect(notices).toEqual([]);
  expect(await newestEntry()).toMatchObject({ state: "accepted", applied: true });
});

test("P6: ROLLBACK does not undo what the API accepted: the row stays, and the client is warned", async () => {
  const { client, notices } = await withNotices();
  await client.query("begin");
  await client.query("insert into public.ledger values (3, 'undone')");
  const { rows } = await client.query(
    "insert into hubspot.contacts (email, firstname) values ('rollback@example.com', 'R') returning id",
  );
  await client.query("rollback");
  expect(notices).toEqual([`WARNING 01000: rollback did not undo 1 upstream write (hubspot.contacts ${rows[0].id})`]);
  expect(
    (await client.query("select id, firstname from hubspot.contacts where email = 'rollback@example.com'")).rows,
  ).toEqual([{ id: rows[0].id, firstname: "R" }]);
  expect((await stack.admin.query("select from public.ledger where id = 3")).rowCount).toBe(0);
});

test("P6: an update and a delete that are rolled back stay as the API has them", async () => {
  const { client, notices } = await withNotices();
  const { rows } = await client.query(
    "insert into hubspot.contacts (email) values ('r1@example.com'), ('r2@example.com') returning id",
  );
  await client.query("begin");
  await client.query("update hubspot.contacts set firstname = 'Stays' where id = $1", [rows[0].id]);
  await client.query("rollback");
  await client.query("begin");
  await client.query("delete from hubspot.contacts where id = $1", [rows[1].id]);
  await client.query("rollback");
  expect(notices).toHaveLength(2);
  const left = await client.query("select id, firstname from hubspot.contacts where email like 'r_@example.com'");
  expect(left.rows).toEqual([{ id: rows[0].id, firstname: "Stays" }]);
});

test("P6: ROLLBACK TO and COMMIT: the row stays, and the client is warned", async () => {
  const { client, notices } = await withNotices();
  await client.query("begin");
  await client.query("savepoint s");
  await client.query("insert into hubspot.contacts (email) values ('savepoint@example.com')");
  await client.query("rollback to s");
  await client.query("commit");
  expect(notices).toHaveLength(1);
  expect((await client.query("select from hubspot.contacts where email = 'savepoint@example.com'")).rowCount).toBe(1);
});

test("P6: a transaction that an error ends keeps the accepted row", async () => {
  const { client, notices } = await withNotices();
  await client.query("begin");
  await client.query("insert into hubspot.contacts (email) values ('failed@example.com')");
  expect(await codeOf(client.query("select 1/0"))).toBe("22012");
  await client.query("commit");
  expect(notices).toHaveLength(1);
  expect((await client.query("select from hubspot.contacts where email = 'failed@example.com'")).rowCount).toBe(1);
});

test("P6: a COMMIT that fails leaves the accepted row in the mirror", async () => {
  const { client, notices } = await withNotices();
  await client.query("begin");
  await client.query("insert into public.child values (99)");
  await client.query("insert into hubspot.contacts (email) values ('deferred@example.com')");
  expect(await codeOf(client.query("commit"))).toBe("23503");
  expect((await client.query("select from hubspot.contacts where email = 'deferred@example.com'")).rowCount).toBe(1);
  expect(notices).toHaveLength(1);
});

test("P6: a client that vanishes in its transaction leaves the accepted row in the mirror", async () => {
  await stack.admin.query(
    `create function public.tell() returns trigger language plpgsql as $$begin perform pg_notify('seen', new.email); return new; end$$`,
  );
  await stack.admin.query(
    "create trigger tell after insert on hubspot.contacts for each row execute function public.tell()",
  );
  const told = new Promise<string | undefined>((resolve) =>
    stack.admin.once("notification", ({ payload }) => resolve(payload)),
  );
  await stack.admin.query("listen seen");
  const wire = await WireClient.login(stack.port, "app", stack.database);
  wire.send(serialize.query("begin"));
  await wire.until("Z");
  wire.send(serialize.query("insert into hubspot.contacts (email) values ('vanished@example.com')"));
  await wire.until("Z");
  wire.close();
  expect(await told).toBe("vanished@example.com");
  await stack.admin.query("drop trigger tell on hubspot.contacts");
});

test("P1: a second upstream write in one transaction is refused before it is sent", async () => {
  const { client } = await withNotices();
  await client.query("begin");
  await client.query("insert into hubspot.contacts (email) values ('one@example.com')");
  await client.query("savepoint s");
  const error = await client
    .query("insert into hubspot.contacts (email) values ('two@example.com')")
    .catch((cause) => cause);
  expect(error).toMatchObject({ code: "0A000" });
  expect(error.hint).toContain("Commit first");
  await client.query("rollback to s");
  await client.query("commit");
  expect(stack.writes()).toHaveLength(1);
  expect((await client.query("insert into hubspot.contacts (email) values ('three@example.com')")).rowCount).toBe(1);
});

test("P4: a refusal fails the transaction as Postgres would, and a savepoint saves it", async () => {
  const { client, notices } = await withNotices();
  await client.query("begin");
  await client.query("insert into public.ledger values (20, 'kept')");
  await client.query("savepoint s");
  expect(await codeOf(client.query("insert into hubspot.contacts (email) values ('nonsense')"))).toBe("22P02");
  expect(await codeOf(client.query("select 1"))).toBe("25P02");
  await client.query("rollback to s");
  expect((await client.query("insert into hubspot.contacts (email) values ('after@example.com')")).rowCount).toBe(1);
  await client.query("commit");
  expect(notices).toEqual([]);
  expect((await stack.admin.query("select from public.ledger where id = 20")).rowCount).toBe(1);
  expect((await stack.admin.query("select from hubspot.contacts where email = 'after@example.com'")).rowCount).toBe(1);
});

test("P5: SERIALIZABLE and READ ONLY are refused before the call; REPEATABLE READ works", async () => {
  const { client } = await withNotices();
  const write = "insert into hubspot.contacts (email) values ('level@example.com')";
  await client.query("begin isolation level serializable");
  expect(await codeOf(client.query(write))).toBe("0A000");
  await client.query("rollback");
  await client.query("begin read only");
  expect(await codeOf(client.query(write))).toBe("25006");
  await client.query("rollback");
  expect(stack.writes()).toEqual([]);
  await client.query("begin isolation level repeatable read");
  expect((await client.query(`${write} returning email`)).rows).toEqual([{ email: "level@example.com" }]);
  await client.query("commit");
  expect(await newestEntry()).toMatchObject({ state: "accepted", applied: true });
});

test("P4: REPEATABLE READ and a row that has changed since: 40001, and nothing is sent", async () => {
  const [one, two] = [await stack.client(), await stack.client()];
  await one.query("begin isolation level repeatable read");
  await one.query("select from hubspot.contacts");
  await two.query("update hubspot.contacts set firstname = 'Two' where email = 'ada@example.com'");
  stack.sandbox.clearLog();
  const outrun = one.query("update hubspot.contacts set firstname = 'One' where email = 'ada@example.com'");
  expect(await codeOf(outrun)).toBe("40001");
  expect(stack.sandbox.log).toEqual([]);
  await one.query("rollback");
});

test("P5: a local constraint that is deferred is checked before the call", async () => {
  await stack.admin.query(
    "create table public.fan (contact text references hubspot.contacts deferrable initially deferred)",
  );
  await stack.admin.query("grant all on public.fan to app");
  const { client } = await withNotices();
  const { rows } = await client.query("insert into hubspot.contacts (email) values ('star@example.com') returning id");
  await client.query("insert into public.fan values ($1)", [rows[0].id]);
  stack.sandbox.clearLog();
  expect(await codeOf(client.query("delete from hubspot.contacts where id = $1", [rows[0].id]))).toBe("23503");
  expect(stack.writes()).toEqual([]);
  await stack.admin.query("drop table public.fan");
});

test("P5: a deferred constraint on the mirror is checked before the call in a transaction of the client's own", async () => {
  await stack.admin.query(
    "create table public.fan (contact text references hubspot.contacts deferrable initially deferred); grant all on public.fan to app",
  );
  const client = await stack.client();
  const [{ id }] = (await client.query("select id from hubspot.contacts limit 1")).rows;
  await client.query("insert into public.fan values ($1)", [id]);
  await client.query("begin");
  expect(await codeOf(client.query("delete from hubspot.contacts where id = $1", [id]))).toBe("23503");
  await client.query("rollback");
  expect(stack.writes()).toEqual([]);
  await stack.admin.query("drop table public.fan");
});

test("TL002: an error after acceptance says so, and the row is in the mirror afterwards", async () => {
  const { client, notices } = await withNotices();
  const error = await client
    .query(
      "insert into hubspot.contacts (email) values ('tl002@example.com') returning 1 / (case when id like 'throughline:%' then 1 else 0 end)",
    )
    .catch((cause) => cause);
  expect(error).toMatchObject({ code: "TL002", detail: "22012: division by zero" });
  expect(error.message).toMatch(
    /^hubspot: accepted upstream \(hubspot\.contacts \d+\), not applied here; do not repeat$/,
  );
  expect((await client.query("select from hubspot.contacts where email = 'tl002@example.com'")).rowCount).toBe(1);
  expect(notices).toHaveLength(1);
  expect(stack.writes()).toHaveLength(1);
});

test("of two statements on one row the second is planned anew with what the first left", async () => {
  const one = await stack.client();
  const two = await stack.client();
  await one.query("begin");
  await one.query("update hubspot.contacts set annualrevenue = 1 where email = 'ada@example.com'");
  const waiting = two.query(
    "update hubspot.contacts set annualrevenue = annualrevenue + 1 where email = 'ada@example.com' returning annualrevenue",
  );
  await untilBlocked(stack.admin);
  await one.query("commit");
  expect((await waiting).rows).toEqual([{ annualrevenue: "2" }]);
  expect(stack.writes()).toHaveLength(2);
});
