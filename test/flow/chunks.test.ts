// throughline.chunk: a statement of several calls that is undone, refused, cancelled or abandoned between two of them.
// What was accepted is in the mirror (P6), and the client hears how far it came (TL001, TL007).

import { beforeEach, expect, test } from "vitest";
import { mirroredEmails, refused, upstreamEmails } from "../support/answers.js";
import { cancel, untilTrue, vanish } from "../support/sessions.js";
import { type Stack, startStack } from "../support/stack.js";

let stack: Stack;
beforeEach(async () => {
  stack = await startStack({ seed: [{ email: "ada@x.com" }], timeoutMs: 20_000, waitMs: 20_000 });
  return () => stack.close();
});

const many = (n: number, name: string) =>
  `insert into hubspot.contacts (email) select '${name}' || i || '@x.com' from generate_series(1, ${n}) i`;
const create = { path: "*/batch/create" };

async function chunking() {
  const client = await stack.client();
  const warnings: string[] = [];
  client.on("notice", ({ message }) => warnings.push(message ?? ""));
  await client.query("set throughline.chunk = on");
  return { client, warnings };
}

/** Once all is settled. */
async function expectInStep(accepted: number): Promise<void> {
  await untilTrue(stack.admin, "not exists (select from throughline.journal where closed_at is null)");
  expect(upstreamEmails(stack)).toHaveLength(1 + accepted);
  expect(await mirroredEmails(stack)).toEqual(upstreamEmails(stack));
}

test.each([
  ["ROLLBACK", "begin", "rollback"],
  ["ROLLBACK TO", "begin; savepoint s", "rollback to s; commit"],
])("P6: the rows of several calls stay after %s, and the client is warned", async (_, before, after) => {
  const { client, warnings } = await chunking();
  await client.query(before);
  await client.query(many(101, "m"));
  await client.query(after);
  expect(warnings).toEqual([expect.stringMatching(/^rollback did not undo 2 upstream writes/)]);
  await expectInStep(101);
});

test("P1: a partly accepted statement is its transaction's one write, even after a savepoint has undone it", async () => {
  const { client } = await chunking();
  await client.query("begin; savepoint s");
  const partly = `insert into hubspot.contacts (email) select case i when 150 then 'bad' else 'p' || i || '@x.com' end from generate_series(1, 200) i`;
  expect(await refused(client.query(partly))).toMatchObject({ code: "TL001" });
  await client.query("rollback to s");
  const another = refused(client.query("insert into hubspot.contacts (email) values ('after@x.com')"));
  expect(await another).toMatchObject({ code: "0A000" });
  await client.query("rollback to s; commit");
  await expectInStep(199);
});

test("TL001: cancelled while the second call waits for the rate limit: the first one's rows stay", async () => {
  const { client } = await chunking();
  stack.sandbox.fault({ kind: "slow", ms: 1, on: create });
  stack.sandbox.fault({ kind: "rate-limit", retryAfterS: 15, on: create });
  const asked = refused(client.query(many(150, "a")));
  await expect.poll(() => stack.sandbox.log.map(({ status }) => status)).toContain(429);
  await untilTrue(stack.admin, "exists (select from throughline.journal where state = 'intent')");
  await cancel(client, stack.port);
  expect(await asked).toMatchObject({ code: "TL001", detail: expect.stringContaining("57014") });
  await expectInStep(100);
});

test("TL007: cancelled while the second call is under way: the first one's rows stay", async () => {
  const { client } = await chunking();
  stack.sandbox.fault({ kind: "slow", ms: 1, on: create });
  stack.sandbox.fault({ kind: "hang", on: create });
  const asked = refused(client.query(many(150, "a")));
  await untilTrue(stack.admin, "(select count(*) from throughline.journal where state in ('sent', 'accepted')) = 2");
  await cancel(client, stack.port);
  expect(await asked).toMatchObject({ code: "TL007" });
  await untilTrue(stack.admin, "(select count(*) from hubspot.contacts) >= 101");
});

test("P6: a client that vanishes during the second call leaves what was accepted in the mirror", async () => {
  const { client } = await chunking();
  stack.sandbox.fault({ kind: "slow", ms: 300, on: create, times: 2 });
  client.query(many(150, "a")).catch(() => undefined);
  await untilTrue(stack.admin, "(select count(*) from throughline.journal where state in ('sent', 'accepted')) = 2");
  vanish(client);
  await untilTrue(stack.admin, "(select count(*) from hubspot.contacts) = 151");
  await expectInStep(150);
});

test("P7: a statement of several calls is TL007 when the outcome of one is unknown", async () => {
  await stack.close();
  stack = await startStack({ seed: [{ email: "ada@x.com" }], timeoutMs: 800 });
  const { client } = await chunking();
  stack.sandbox.fault({ kind: "slow", ms: 1, on: { path: "*/batch/create" } });
  stack.sandbox.fault({ kind: "slow", ms: 2_500, on: { path: "*/batch/create" } });
  const error = await refused(
    client.query("insert into hubspot.contacts (email) select 'm' || i || '@x.com' from generate_series(1, 150) i"),
  );
  expect(error).toMatchObject({ code: "TL007", hint: expect.not.stringContaining("Repeat only the rows") });
});

test("no further call is begun for a session that is gone", async () => {
  const { client } = await chunking();
  stack.sandbox.fault({ kind: "slow", ms: 500, on: { path: "*/batch/create" } });
  const running = refused(
    client.query("insert into hubspot.contacts (email) select 'm' || i || '@x.com' from generate_series(1, 1000) i"),
  );
  await expect.poll(() => stack.writes().length, { timeout: 5_000, interval: 10 }).toBe(1);
  await stack.admin.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename = 'app'",
  );
  await running;
  expect(stack.writes()).toHaveLength(1);
});
