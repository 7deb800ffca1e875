// Once upstream has accepted a write, the client hears nothing that looks as if the statement could be repeated (TL002).

import { serialize } from "pg-protocol";
import { beforeEach, expect, test } from "vitest";
import { refused } from "../support/answers.js";
import { run } from "../support/conversation.js";
import { untilSent, untilTrue } from "../support/sessions.js";
import { type Stack, startStack } from "../support/stack.js";
import { shown, WireClient } from "../support/wire.js";

let stack: Stack;
beforeEach(async () => {
  stack = await startStack({ seed: [{ email: "ada@example.com", firstname: "Ada" }] });
  return () => stack.close();
});

const later = "do $$begin raise exception 'later' using errcode = '40001'; end$$";
const emails = () => stack.sandbox.records("contacts").map(({ properties }) => properties["email"]);

async function killed(faults: "slow" | "hang-up-after" | "unavailable", ...before: string[]): Promise<unknown> {
  const client = await stack.client();
  for (const text of before) await client.query(text);
  const { rows } = await client.query("select pg_backend_pid() as pid");
  if (faults !== "slow") stack.sandbox.fault({ kind: faults });
  else stack.sandbox.fault({ kind: "slow", ms: 400 });
  const asked = client
    .query("insert into hubspot.contacts (email) values ('killed@example.com') returning id")
    .catch((cause) => cause);
  await untilSent(stack.admin);
  await stack.admin.query("select pg_terminate_backend($1)", [rows[0].pid]);
  return asked;
}

test.each([[], ["begin"]])(
  "TL002: a backend that is killed during an accepted call ends the session with the outcome of the call %#",
  async (...before) => {
    const told = await killed("slow", ...before);
    expect(told).toMatchObject({ code: "TL002", severity: "FATAL", detail: expect.stringContaining("57P01") });
    expect(emails()).toContain("killed@example.com");
  },
);

test("TL002: a session that Postgres ends in a transaction with an accepted write is told so", async () => {
  const client = await stack.client();
  const ended = new Promise<Error>((resolve) => client.on("error", resolve));
  await client.query("begin");
  await client.query("insert into hubspot.contacts (email) values ('open@example.com')");
  const { rows } = await client.query("select pg_backend_pid() as pid");
  await stack.admin.query("select pg_terminate_backend($1)", [rows[0].pid]);
  expect(await ended).toMatchObject({ code: "TL002", detail: expect.stringContaining("57P01") });
});

test("P4: a backend that is killed during a call that upstream refuses: the client hears the refusal", async () => {
  const client = await stack.client();
  const { rows } = await client.query("select pg_backend_pid() as pid");
  stack.sandbox.fault({ kind: "slow", ms: 400 });
  const told = client.query("insert into hubspot.contacts (email) values ('no address')").catch((cause) => cause);
  await untilSent(stack.admin);
  await stack.admin.query("select pg_terminate_backend($1)", [rows[0].pid]);
  expect(await told).toMatchObject({
    severity: "FATAL",
    column: "email",
    message: expect.stringMatching(/^hubspot: /),
  });
});

test("TL002: a row that is gone upstream, and that a local foreign key keeps here, can't be forgotten yet", async () => {
  await stack.admin.query(
    `create table public.note (contact text references hubspot.contacts);
     insert into public.note select id from hubspot.contacts`,
  );
  for (const { id } of stack.sandbox.records("contacts")) stack.sandbox.archive("contacts", id);
  const client = await stack.client();
  const update = () =>
    client.query("update hubspot.contacts set firstname = 'x' where email = 'ada@example.com'").catch((cause) => cause);
  expect(await update()).toMatchObject({ code: "TL002", detail: expect.stringContaining("23503") });
  expect(await update()).toMatchObject({ code: "TL002", hint: expect.stringContaining("refers to the row") });
});

test("AND CHAIN ends a transaction: its call is settled, and the next one has a write of its own", async () => {
  const client = await stack.client();
  const notices: string[] = [];
  client.on("notice", ({ message }) => notices.push(message ?? ""));
  await client.query("begin");
  await client.query("insert into hubspot.contacts (email) values ('one@example.com')");
  await client.query("commit and chain");
  await client.query("insert into hubspot.contacts (email) values ('two@example.com')");
  expect(notices).toEqual([]);
  await client.query("rollback and chain");
  expect(notices).toEqual([expect.stringMatching(/^rollback did not undo 1 upstream write/)]);
  await client.query("savepoint s");
  await client.query("insert into hubspot.contacts (email) values ('three@example.com')");
  await client.query("rollback to s");
  const second = await client
    .query("insert into hubspot.contacts (email) values ('four@example.com')")
    .catch((cause) => cause);
  expect(second).toMatchObject({ code: "0A000" });
  await client.query("rollback");
  expect(notices).toHaveLength(2);
  const { rows } = await client.query("select email from hubspot.contacts order by email");
  expect(rows.map(({ email }) => email)).toEqual([
    "ada@example.com",
    "one@example.com",
    "three@example.com",
    "two@example.com",
  ]);
});

test.each(["prepare transaction 'x'", "PREPARE /* that */ TRANSACTION 'x'"])(
  "P1: a transaction with an upstream write can't be prepared: %s",
  async (text) => {
    const client = await stack.client();
    await client.query("begin");
    await client.query("insert into hubspot.contacts (email) values ('prepared@example.com')");
    const refused = await client.query(text).catch((cause) => cause);
    expect(refused).toMatchObject({ code: "0A000", message: expect.stringContaining("hubspot") });
    await client.query("rollback");
    expect((await client.query("select from hubspot.contacts")).rowCount).toBe(2);
    await client.query("begin");
    await client.query("create temp table other ()");
    // Without one it is Postgres's own matter.
    const extended = { text, queryMode: "extended" };
    expect(await client.query(extended).catch((cause) => cause)).toMatchObject({
      message: expect.not.stringContaining("throughline"),
    });
    await client.query("rollback");
  },
);

test("P1: PREPARE TRANSACTION of a transaction without a call is Postgres's own, though the one before it made a call", async () => {
  const wire = await WireClient.login(stack.port, "app", stack.database);
  for (const text of ["begin", "insert into hubspot.contacts (email) values ('done@example.com')"]) {
    wire.send(serialize.query(text));
    await wire.until("Z");
  }
  wire.send(...["commit", "begin", "select 1", "prepare transaction 'x'"].map((text) => serialize.query(text)));
  for (let i = 0; i < 3; i += 1) await wire.until("Z");
  expect(shown(await wire.until("Z"))).toContain("E 55000"); // Postgres's own: "prepared transactions are disabled"
  wire.close();
});

test.each(["simple", "pipeline"])("TL002: an error behind COMMIT keeps its own SQLSTATE: %s", async (how) => {
  const insert = "insert into hubspot.contacts (email) values ('done@example.com')";
  const wire = await WireClient.login(stack.port, "app", stack.database);
  if (how === "pipeline")
    wire.send(...["begin", insert, "commit", later].flatMap((text) => run(text)), serialize.sync());
  else {
    for (const text of ["begin", insert]) {
      wire.send(serialize.query(text));
      await wire.until("Z");
    }
    wire.send(serialize.query(`commit; ${later}`));
  }
  expect(shown(await wire.until("Z"))).toContain("E 40001");
  wire.close();
});

test.each(["('eve@example.com')", "('eve@example.com'), ('bad')"])(
  "TL002: after TL007 or TL001 and a savepoint, an error is not told as one to repeat: %s",
  async (values) => {
    const client = await stack.client();
    await client.query("begin; savepoint s");
    if (!values.includes("bad")) stack.sandbox.fault({ kind: "hang-up-after" });
    expect((await refused(client.query(`insert into hubspot.contacts (email) values ${values}`))).code).toMatch(
      /^TL00[17]/,
    );
    await client.query("rollback to s");
    expect((await refused(client.query(later))).code).not.toMatch(/^40/);
  },
);

test("TL001: the client hears TL001 although the entry can't be closed for a moment", async () => {
  await stack.admin.query(`create function public.fail() returns trigger language plpgsql as
      $$begin if new.closed_at is not null then raise exception 'not now'; end if; return new; end$$;
    create trigger fail before update on throughline.journal for each row execute function public.fail()`);
  const client = await stack.client();
  const told = await refused(client.query("insert into hubspot.contacts (email) values ('eve@x.com'), ('bad')"));
  expect(told).toMatchObject({ code: "TL001" });
  await stack.admin.query("drop trigger fail on throughline.journal");
  await untilTrue(stack.admin, "not exists (select from throughline.journal where closed_at is null)");
});
