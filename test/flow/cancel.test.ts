// Cancel requests, time-outs and a lost session around the call: before it is sent it is cancelled, afterwards its outcome is unknown.

import { beforeEach, expect, test } from "vitest";
import { refused } from "../support/answers.js";
import { cancel, untilAsleep, untilGone, untilSent, untilTrue } from "../support/sessions.js";
import { type Stack, startStack } from "../support/stack.js";

let stack: Stack;
beforeEach(async () => {
  stack = await startStack({ seed: [{ email: "ada@x.com" }], waitMs: 20_000, timeoutMs: 20_000 });
  return () => stack.close();
});

const insert = "insert into hubspot.contacts (email) values ('slow@x.com')";

test("P7: a statement cancelled while it waits for the rate limit is 57014, and nothing was sent", async () => {
  const client = await stack.client();
  stack.sandbox.fault({ kind: "rate-limit", retryAfterS: 15 });
  const asked = refused(client.query(insert));
  await untilTrue(stack.admin, "exists (select from throughline.journal where state = 'intent')");
  await cancel(client, stack.port);
  expect(await asked).toMatchObject({ code: "57014", message: "canceling statement due to user request" });
  expect((await stack.admin.query("select state from throughline.journal")).rows).toEqual([{ state: "unsent" }]);
  expect((await client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
});

test("P7: a statement cancelled while its call is under way is TL007, and the session goes on", async () => {
  const client = await stack.client();
  stack.sandbox.fault({ kind: "hang" });
  const asked = refused(client.query(insert));
  await expect.poll(() => stack.sandbox.log.length).toBeGreaterThan(0);
  await cancel(client, stack.port);
  expect(await asked).toMatchObject({ code: "TL007", message: expect.stringContaining("cancelled") });
  expect((await client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
});

test("P7: a string cancelled during its call is TL007: the statements before are undone, those behind don't run", async () => {
  await stack.admin.query("create table public.ledger (no int); grant all on public.ledger to app");
  const client = await stack.client();
  stack.sandbox.fault({ kind: "hang" });
  const asked = refused(client.query(`insert into ledger values (1); ${insert}; insert into ledger values (2)`));
  await expect.poll(() => stack.sandbox.log.length).toBeGreaterThan(0);
  await cancel(client, stack.port);
  expect(await asked).toMatchObject({ code: "TL007" });
  expect((await client.query("select from ledger")).rowCount).toBe(0);
  expect(stack.writes()).toHaveLength(1);
});

test("P7: a statement cancelled before its call could be noted is 57014, and nothing is sent", async () => {
  const client = await stack.client();
  await stack.admin.query("begin; lock table throughline.journal in exclusive mode");
  const asked = refused(client.query(insert));
  // What forgets old entries, at the start of the proxy, may wait for the same lock.
  const waitsToBeNoted = "wait_event_type = 'Lock' and query like 'insert into throughline.journal%'";
  await untilTrue(
    stack.admin,
    `exists (select from pg_stat_activity where datname = current_database() and ${waitsToBeNoted})`,
  );
  await cancel(client, stack.port);
  await stack.admin.query("commit");
  expect(await asked).toMatchObject({ code: "57014" });
  expect(stack.writes()).toEqual([]);
  expect((await client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
});

test("a cancel with a wrong key does nothing, and one while Postgres works is Postgres's", async () => {
  const client = await stack.client();
  stack.sandbox.fault({ kind: "slow", ms: 300 });
  const asked = client.query(insert);
  await untilSent(stack.admin);
  await cancel(
    Object.assign(Object.create(client), {
      processID: Object.assign({ processID: 0 }, client).processID,
      secretKey: 1,
    }),
    stack.port,
  );
  expect((await asked).rowCount).toBe(1);
  const sleeping = refused(client.query("update hubspot.contacts set firstname = pg_sleep(20)::text"));
  await untilAsleep(stack.admin);
  await cancel(client, stack.port);
  expect(await sleeping).toMatchObject({ code: "57014" });
});

test("statement_timeout caps the wait for the rate limit; lock_timeout the wait for a row, before the call", async () => {
  const client = await stack.client();
  await client.query("set statement_timeout = '2s'; set lock_timeout = '200ms'");
  stack.sandbox.fault({ kind: "rate-limit", retryAfterS: 15 });
  expect(await refused(client.query(insert))).toMatchObject({ code: "53400" });
  const other = await stack.direct();
  await stack.admin.query("grant select, update on hubspot.contacts to app");
  await other.query("begin");
  await other.query("select from hubspot.contacts for update");
  expect(await refused(client.query("update hubspot.contacts set firstname = 'x'"))).toMatchObject({ code: "55P03" });
  expect(stack.sandbox.log.filter(({ status }) => status !== 429)).toEqual([]);
});

test("transaction_timeout during the call ends the session with the call's outcome, where Postgres has that setting", async () => {
  const version = Number((await stack.admin.query("show server_version_num")).rows[0].server_version_num);
  const client = await stack.client();
  const set = refused(client.query("set transaction_timeout = '2s'"));
  if (version < 170_000) {
    expect(await set).toMatchObject({ code: "42704" });
    return;
  }
  await set;
  stack.sandbox.fault({ kind: "slow", ms: 4_000 });
  expect(await refused(client.query(insert))).toMatchObject({
    code: "TL002",
    severity: "FATAL",
    detail: expect.stringContaining("25P04"),
  });
});

test("P1: a session that is lost while its first call waits for the rate limit makes no second request", async () => {
  const client = await stack.client();
  const { rows } = await client.query("select pg_backend_pid() as pid");
  stack.sandbox.fault({ kind: "rate-limit", retryAfterS: 2 });
  client.query(insert).catch(() => undefined);
  await expect.poll(() => stack.sandbox.log.map(({ status }) => status)).toEqual([429]);
  await untilTrue(stack.admin, "exists (select from throughline.journal where state = 'intent')");
  await stack.admin.query("select pg_terminate_backend($1)", [rows[0].pid]);
  await untilGone(stack.admin);
  await untilTrue(stack.admin, "not exists (select from throughline.journal where state = 'intent')");
  expect((await stack.admin.query("select state from throughline.journal")).rows).toEqual([{ state: "unsent" }]);
  expect(stack.sandbox.log.map(({ status }) => status)).toEqual([429]);
});
