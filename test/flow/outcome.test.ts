// What a client is told of each outcome of a call: refused, accepted in part, unknown, gone, not sent.

import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { isLookedForAgainSql } from "../../src/journal/states.js";
import { untilSent } from "../support/sessions.js";
import { type Stack, startStack } from "../support/stack.js";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({
    seed: [
      { email: "ada@example.com", firstname: "Ada" },
      { email: "bob@example.com", firstname: "Bob" },
      { email: "cat@example.com" },
    ],
    timeoutMs: 400,
    waitMs: 300,
  });
});
afterAll(() => stack.close());
beforeEach(() => {
  stack.sandbox.clearFaults();
  stack.sandbox.clearLog();
});

interface Raised {
  readonly code: string;
  readonly message: string;
  readonly detail?: string;
  readonly hint?: string;
  readonly column?: string;
  readonly constraint?: string;
}
async function raised(sql: string): Promise<Raised> {
  const client = await stack.client();
  const error = await client.query(sql).then(
    () => ({ code: "accepted", message: "" }),
    (cause) => cause,
  );
  // The session is as usable as after any error.
  expect((await client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  return error;
}
const mirror = async (email: string) =>
  (await stack.admin.query("select firstname, lastname from hubspot.contacts where email = $1", [email])).rows;
const entry = async () =>
  (
    await stack.admin.query(
      "select state, sqlstate, closed_at is null as open from throughline.journal order by intent_at desc limit 1",
    )
  ).rows[0];

test("P4: a refusal has the SQLSTATE, the column, and the API's own words", async () => {
  const error = await raised("insert into hubspot.contacts (email) values ('not-an-address')");
  expect(error).toMatchObject({ code: "22P02", column: "email", schema: "hubspot", table: "contacts" });
  expect(error.message).toBe("hubspot: Email address not-an-address is invalid");
  expect(error.detail).toMatch(/^code INVALID_EMAIL, status 400, request [0-9a-f-]{36}\.$/);
  expect(await entry()).toEqual({ state: "refused", sqlstate: "22P02", open: false });
});

test("P4: a duplicate that only the API knows of is 23505 with the column, the constraint and the other record", async () => {
  const [id] = stack.sandbox.seed("contacts", [{ email: "hidden@example.com" }]);
  const error = await raised("insert into hubspot.contacts (email) values ('hidden@example.com')");
  expect(error).toMatchObject({
    code: "23505",
    column: "email",
    constraint: "contacts_email_key",
    hint: `The record ${id} has it.`,
  });
});

test("P4: a bad row of a batch names its row and column, when no row was accepted", async () => {
  const error = await raised("insert into hubspot.contacts (email) values ('bad1'), ('bad2')");
  expect(error).toMatchObject({ code: "22P02", column: "email" });
  expect(error.detail).toContain("row 1");
});

test("TL001: the accepted rows of a batch are in the mirror, and the error lists accepted and refused ones", async () => {
  const error = await raised(
    "insert into hubspot.contacts (email, firstname) values ('good1@example.com', 'G1'), ('bad', 'B'), ('good2@example.com', 'G2')",
  );
  expect(error).toMatchObject({
    code: "TL001",
    column: "email",
    message: "hubspot: 2 of 3 rows were accepted",
  });
  expect(error.detail).toMatch(/^Accepted: rows 1, 3\. Not accepted: row 2: .*invalid/);
  expect(await mirror("good1@example.com")).toEqual([{ firstname: "G1", lastname: null }]);
  expect(await mirror("good2@example.com")).toEqual([{ firstname: "G2", lastname: null }]);
  expect(await entry()).toEqual({ state: "partial", sqlstate: "TL001", open: false });
});

test("TL001: inside a transaction that has touched the row, the mirror follows when it ends", async () => {
  const client = await stack.client();
  await stack.admin.query("alter table hubspot.contacts add column if not exists note text");
  const { migrateAll } = await import("../../src/app/migrate.js");
  await migrateAll(stack.opened, { dryRun: false });
  stack.sandbox.seed("contacts", [{ email: "taken@example.com" }]);
  await client.query("begin");
  await client.query("update hubspot.contacts set note = 'mine' where email = 'ada@example.com'");
  await client.query("savepoint s");
  const error = await client
    .query(
      `update hubspot.contacts set lastname = 'Partial', email = case email when 'bob@example.com' then 'taken@example.com' else email end
       where email in ('ada@example.com', 'bob@example.com')`,
    )
    .catch((cause) => cause);
  expect(error.code).toBe("TL001");
  await client.query("commit");
  expect((await client.query("select lastname from hubspot.contacts where email = 'ada@example.com'")).rows).toEqual([
    { lastname: "Partial" },
  ]);
});

test("P7: a hang-up after sending is TL007 with the journal id, whether or not it was applied", async () => {
  for (const kind of [
    "hang-up-after",
    "hang-up-before",
    "error-after-apply",
    "unavailable",
    "bad-json",
    "hang",
  ] as const) {
    stack.sandbox.fault({ kind, on: { path: "/crm/v3/objects/contacts" } });
    const error = await raised(`insert into hubspot.contacts (email) values ('${kind}@example.com')`);
    expect(error, kind).toMatchObject({ code: "TL007" });
    expect(error.detail, kind).toMatch(/^journal [0-9a-f-]{36}$/);
    expect(await entry()).toEqual({ state: "unknown", sqlstate: "TL007", open: true });
    expect(stack.writes().length, kind).toBe(1);
    stack.sandbox.clearLog();
  }
});

test("P7: a 2xx answer without the rows is no success", async () => {
  stack.sandbox.fault({ kind: "empty-ok", on: { path: "*/batch/create" } });
  const error = await raised("insert into hubspot.contacts (email) values ('e1@example.com'), ('e2@example.com')");
  expect(error).toMatchObject({ code: "TL007" });
  expect(await mirror("e1@example.com")).toEqual([]);
});

test("P7: a row that a batch answer leaves out is unknown, and the others are in the mirror", async () => {
  stack.sandbox.fault({ kind: "drop-row", on: { path: "*/batch/create" } });
  const error = await raised(
    "insert into hubspot.contacts (email) values ('d1@example.com'), ('d2@example.com'), ('d3@example.com')",
  );
  expect(error).toMatchObject({ code: "TL007" });
  expect((await stack.admin.query("select from hubspot.contacts where email like 'd_@example.com'")).rowCount).toBe(2);
  expect(await entry()).toEqual({ state: "unknown", sqlstate: "TL007", open: true });
});

test("an updated row that the answer leaves out is read again", async () => {
  stack.sandbox.fault({ kind: "drop-row", on: { path: "*/batch/update" } });
  const client = await stack.client();
  const { rows } = await client.query(
    "update hubspot.contacts set lastname = 'Read again' where email in ('bob@example.com', 'cat@example.com') returning lastname",
  );
  expect(rows).toEqual([{ lastname: "Read again" }, { lastname: "Read again" }]);
});

test("a row that is gone upstream: UPDATE is 40001 and forgets it, so that a repeat finds no row; DELETE succeeds", async () => {
  const [first, second] = stack.sandbox.seed("contacts", [
    { email: "gone1@example.com" },
    { email: "gone2@example.com" },
  ]);
  await stack.pull();
  stack.sandbox.archive("contacts", first ?? "");
  stack.sandbox.archive("contacts", second ?? "");
  const error = await raised("update hubspot.contacts set lastname = 'x' where email = 'gone1@example.com'");
  expect(error).toMatchObject({ code: "40001" });
  const client = await stack.client();
  expect(
    (await client.query("update hubspot.contacts set lastname = 'x' where email = 'gone1@example.com'")).rowCount,
  ).toBe(0);
  expect((await client.query("delete from hubspot.contacts where email = 'gone2@example.com'")).rowCount).toBe(1);
  expect(await mirror("gone2@example.com")).toEqual([]);
});

test("a field that the API silently leaves as it was is 42501 with its column", async () => {
  stack.sandbox.fault({ kind: "ignore-field", property: "lastname", on: { method: "PATCH" } });
  const error = await raised(
    "update hubspot.contacts set lastname = 'Ignored', firstname = 'Taken' where email = 'ada@example.com'",
  );
  expect(error).toMatchObject({ code: "42501", column: "lastname" });
  expect(await mirror("ada@example.com")).toMatchObject([{ firstname: "Taken" }]);
});

test("an API that can't be reached is HV00N: nothing was sent, nothing is open", async () => {
  const other = await startStack({});
  await other.sandbox.close();
  const client = await other.client();
  const error = await client
    .query("insert into hubspot.contacts (email) values ('x@example.com')")
    .catch((cause) => cause);
  expect(error).toMatchObject({ code: "HV00N" });
  expect((await other.admin.query("select state, closed_at is null as open from throughline.journal")).rows).toEqual([
    { state: "unsent", open: false },
  ]);
  await other.close();
});

test("a rate limit is waited for while the statement may wait, and then refused with the time to wait", async () => {
  const other = await startStack({ waitMs: 300 });
  const client = await other.client();
  const insert = (email: string) =>
    client.query("insert into hubspot.contacts (email) values ($1)", [email]).catch((cause) => cause);
  other.sandbox.fault({ kind: "rate-limit", retryAfterS: 0 });
  expect(await insert("waited@example.com")).toMatchObject({ rowCount: 1 });
  expect(other.writes()).toHaveLength(2);
  other.sandbox.fault({ kind: "daily-limit" });
  expect(await insert("daily@example.com")).toMatchObject({ code: "53400" });
  other.sandbox.fault({ kind: "rate-limit", retryAfterS: 2 });
  expect(await insert("refused@example.com")).toMatchObject({
    code: "53400",
    hint: "Nothing was changed. Retry after 2 s.",
  });
  await other.close();
});

test("a token that is not let in is 28000, and a missing scope 42501", async () => {
  const other = await startStack({});
  other.sandbox.fault({ kind: "unauthorized" });
  const client = await other.client();
  expect(
    await client.query("insert into hubspot.contacts (email) values ('x@example.com')").catch((cause) => cause),
  ).toMatchObject({ code: "28000" });
  other.sandbox.fault({ kind: "forbidden" });
  expect(
    await client.query("insert into hubspot.contacts (email) values ('x@example.com')").catch((cause) => cause),
  ).toMatchObject({ code: "42501" });
  await other.close();
});

test("P6: the journal keeps values only while an entry is open, or is looked for again", async () => {
  await raised("insert into hubspot.contacts (email) values ('values@example.com')");
  const { closeEntries } = await import("../../src/journal/settle.js");
  const done = await stack.admin.query("select call from throughline.applied");
  await closeEntries(
    stack.opened.pool,
    done.rows.map(({ call }) => call),
  );
  const left = await stack.admin.query(
    `select from throughline.journal where closed_at is not null and (request is not null or rows is not null)
       and not ${isLookedForAgainSql}`,
  );
  expect(left.rowCount).toBe(0);
  const newest = await stack.admin.query(
    "select role, application, client_address, verb, row_count, cardinality(keys) as keys, length(statement_hash) as hash from throughline.journal order by intent_at desc limit 1",
  );
  expect(newest.rows).toEqual([
    { role: "app", application: "", client_address: "127.0.0.1", verb: "insert", row_count: 1, keys: 1, hash: 64 },
  ]);
});

test("P7: an error of the proxy's own between sending and noting is told as unknown", async () => {
  const client = await stack.client();
  stack.sandbox.fault({ kind: "slow", ms: 300, on: { method: "POST" } });
  const writing = client.query("insert into hubspot.contacts (email) values ('lost@x.com')").catch((cause) => cause);
  await untilSent(stack.admin);
  await stack.admin.query("alter table throughline.journal rename to journal_gone");
  const error = await writing;
  await stack.admin.query("alter table throughline.journal_gone rename to journal");
  expect(error).toMatchObject({ code: "TL007" });
});
