// A cancel, a time-out or a killed backend between acceptance and the end of COMMIT is TL002, and the accepted row is in the
// mirror all the same.

import type pg from "pg";
import { serialize } from "pg-protocol";
import { afterAll, beforeAll, expect, test } from "vitest";
import { mirroredEmails, refused, upstreamEmails } from "../support/answers.js";
import { query, run } from "../support/conversation.js";
import { cancel, untilAsleep, untilTrue } from "../support/sessions.js";
import { type Stack, startStack } from "../support/stack.js";
import { shown, WireClient } from "../support/wire.js";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ seed: [{ email: "ada@x.com" }] });
  await stack.admin.query(sleepsInApply);
  await stack.admin.query(sleepsInCommit);
});
afterAll(() => stack.close());

const insert = (name: string) => `insert into hubspot.contacts (email) values ('${name}@x.com')`;
const insertLate = "insert into public.late values (1)";
/** Of the application only: what is settled on our own connection is not held up. */
const sleeps = (name: string, when: string) =>
  `create function public.${name}() returns trigger language plpgsql as
     $$begin if session_user = 'app' and ${when} then perform pg_sleep(20); end if; return null; end$$`;
/** Where the row is applied: where it is planned, it has a placeholder for its key. */
const sleepsInApply = `${sleeps("nap", "new.email ~ '^apply' and new.id !~ '^throughline'")};
  create trigger nap after insert on hubspot.contacts for each row execute function public.nap()`;
const sleepsInCommit = `${sleeps("late", "true")};
  create table public.late (no int); grant all on public.late to app;
  create constraint trigger late after insert on public.late deferrable initially deferred for each row execute function public.late()`;

/** The session that sleeps. */
const signal = (how: "cancel" | "terminate") =>
  stack.admin.query(
    `select pg_${how}_backend(pid) from pg_stat_activity where wait_event = 'PgSleep' and usename = 'app' and datname = current_database()`,
  );
async function expectInStep(name: string): Promise<void> {
  await untilTrue(stack.admin, "not exists (select from throughline.journal where closed_at is null)");
  expect(await mirroredEmails(stack)).toEqual(upstreamEmails(stack));
  expect(await mirroredEmails(stack)).toContain(`${name}@x.com`);
}
function warningsOf(client: pg.Client): string[] {
  const warnings: string[] = [];
  client.on("notice", ({ message }) => warnings.push(message ?? ""));
  return warnings;
}

test.each([
  ["cancelled by its client", "apply1", "57014", "ERROR", (client: pg.Client) => cancel(client, stack.port)],
  ["cancelled by an administrator", "apply2", "57014", "ERROR", () => signal("cancel")],
  ["killed", "apply3", "57P01", "FATAL", () => signal("terminate")],
])("TL002: %s while it is applied", async (_, name, code, severity, end) => {
  const client = await stack.client();
  const asked = refused(client.query(insert(name)));
  await untilAsleep(stack.admin);
  await end(client);
  expect(await asked).toMatchObject({ code: "TL002", severity, detail: expect.stringContaining(code) });
  await expectInStep(name);
});

test("TL002: statement_timeout while it is applied", async () => {
  const client = await stack.client();
  await client.query("set statement_timeout = '1s'");
  expect(await refused(client.query(insert("apply4")))).toMatchObject({
    code: "TL002",
    detail: expect.stringContaining("57014"),
  });
  await expectInStep("apply4");
});

test.each([
  ["a pipeline", "commit1", [...run(insert("commit1")), ...run(insertLate), serialize.sync()]],
  ["a string", "commit2", query(`${insertLate}; ${insert("commit2")}`)],
])("TL002: cancelled in the COMMIT of %s", async (_, name, messages) => {
  const wire = await WireClient.login(stack.port, "app", stack.database);
  wire.send(...messages);
  await untilAsleep(stack.admin);
  await signal("cancel");
  const said = shown(await wire.until("Z"));
  wire.close();
  expect(said.filter((message) => /^[EZ]/.test(message))).toEqual(["E TL002", "Z I"]);
  await expectInStep(name);
});

test("P6: a COMMIT of the client's own that is cancelled is Postgres's 57014, with a warning of the write", async () => {
  const client = await stack.client();
  const warnings = warningsOf(client);
  await client.query(`begin; ${insertLate}; ${insert("commit3")}`);
  const asked = refused(client.query("commit"));
  await untilAsleep(stack.admin);
  await signal("cancel");
  expect(await asked).toMatchObject({ code: "57014" });
  await client.query("select 1");
  expect(warnings).toEqual([expect.stringMatching(/^rollback did not undo 1 upstream write/)]);
  await expectInStep("commit3");
});

test("TL002: killed in the COMMIT of a transaction with an accepted write", async () => {
  const client = await stack.client();
  await client.query(`begin; ${insertLate}; ${insert("commit4")}`);
  const asked = refused(client.query("commit"));
  await untilAsleep(stack.admin);
  await signal("terminate");
  expect(await asked).toMatchObject({
    code: "TL002",
    severity: "FATAL",
    detail: expect.stringContaining("57P01"),
  });
  await expectInStep("commit4");
});

test("TL002: idle_in_transaction_session_timeout after an accepted write", async () => {
  const client = await stack.client();
  const ended = new Promise<Error>((resolve) => client.on("error", resolve));
  await client.query("begin");
  await client.query(insert("idle"));
  await client.query("set idle_in_transaction_session_timeout = '100ms'");
  expect(await ended).toMatchObject({ code: "TL002", detail: expect.stringContaining("25P03") });
  await expectInStep("idle");
});
