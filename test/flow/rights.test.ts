// What a signed argument of ours is worth in an attacker's hand, and what reaches a mirror past its guard. The tests sign themselves.

import { randomUUID } from "node:crypto";
import type pg from "pg";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Signer } from "../../src/postgres/mac.js";
import { refused } from "../support/answers.js";
import { SignedCall, type SignedName } from "../support/signed-call.js";
import { type Stack, startStack } from "../support/stack.js";

let stack: Stack;
let signer: Signer;
let before: unknown;
const snapshot = async () => (await stack.admin.query("select * from hubspot.contacts order by id")).rows;
beforeAll(async () => {
  stack = await startStack({ seed: [{ email: "ada@example.com", firstname: "Ada" }, { email: "bob@example.com" }] });
  signer = await Signer.register(stack.opened.pool);
  before = await snapshot();
});
afterAll(() => stack.close());
beforeEach(() => stack.sandbox.clearLog());

/** Where nobody reads the text. */
const forge = "do $$begin execute 'update hubspot.con' || 'tacts set firstname = ''Forged'''; end$$";

/** Signs what the proxy would sign for that session, to write a name that is not upstream's. */
async function signedFor(client: pg.Client): Promise<SignedCall> {
  const [{ pid }] = (await client.query("select pg_backend_pid() as pid")).rows;
  const [{ row }] = (await stack.admin.query("select row_to_json(c) as row from hubspot.contacts c where id = '501'"))
    .rows;
  const rows = [{ n: null, key: "501", row: { ...row, firstname: "Forged" }, local: {} }];
  return new SignedCall(client, signer.forSession(pid), rows);
}

type Statements = readonly (string | SignedName)[];

const attacks: readonly (readonly [name: string, statements: Statements])[] = [
  ["plan by itself", ["plan"]],
  ["plan, a write, COMMIT", ["begin", "plan", forge, "commit"]],
  ["plan, a write, COMMIT AND CHAIN", ["begin", "plan", forge, "commit and chain"]],
  ["plan in a savepoint that is released", ["begin", "savepoint a", "plan", "release a", forge, "commit"]],
  ["plan behind SET CONSTRAINTS", ["begin", "set constraints all immediate", "plan", forge, "commit"]],
  ["plan before SET CONSTRAINTS", ["begin", "plan", forge, "set constraints all immediate"]],
  [
    "plan, constraints deferred by name, a write, COMMIT",
    ["begin", "plan", "set constraints throughline.left_open deferred", forge, "commit"],
  ],
  ["stage by itself", ["begin", "plan", "stage", "commit"]],
  ["stage, a write, COMMIT", ["begin", "plan", "stage", forge, "commit"]],
  ["stage in autocommit", ["plan", "stage"]],
  ["close by itself", ["close"]],
];

test.each(attacks)("P14: a real signature changes no mirror: %s", async (_, statements) => {
  for (const client of [await stack.direct(), await stack.client()]) {
    const signed = await signedFor(client);
    const codes: string[] = [];
    for (const statement of statements) codes.push(await signed.ask(statement));
    expect(codes.at(-1)).toBe("42501");
    await client.query("rollback");
    expect(await snapshot()).toEqual(before);
    expect((await stack.admin.query("select from throughline.opened")).rowCount).toBe(0);
  }
  expect(stack.writes()).toEqual([]);
});

/** A write as the proxy does it. */
const write: Statements = [
  "savepoint _throughline",
  "plan",
  "rollback to _throughline",
  "release _throughline",
  "stage",
  "close",
];

const repetitions: readonly (readonly [name: string, before: readonly string[], between: readonly string[]])[] = [
  ["at once", [], []],
  ["in a savepoint", [], ["savepoint b"]],
  ["after ROLLBACK TO", ["savepoint a"], ["rollback to a"]],
  ["after ROLLBACK TO and RELEASE", ["savepoint a"], ["rollback to a", "release a"]],
  ["after RELEASE", ["savepoint a"], ["release a"]],
  ["after two of them", ["savepoint a", "savepoint b"], ["rollback to b", "release b", "rollback to a"]],
  ["when the first was rolled back", [], ["rollback", "begin"]],
  ["in autocommit", [], ["rollback"]],
];

test.each(repetitions)("P14: what is staged is staged once, and not again %s", async (_, opening, between) => {
  const client = await stack.direct();
  const signed = await signedFor(client);
  for (const statement of ["begin", ...opening, ...write, ...between])
    expect(await signed.ask(statement), statement).toBe("00000");
  const refuses = async (name: SignedName) => {
    await client.query("savepoint repetition").catch(() => undefined);
    expect(await signed.again(name), name).toBe("42501");
    await client.query("rollback to repetition").catch(() => undefined);
  };
  await refuses("stage");
  await refuses("close");
  // A plan that is opened again makes another seat.
  await client.query("begin").catch(() => undefined);
  expect(await signed.again("plan")).toBe("00000");
  await refuses("stage");
  await client.query("rollback");
  expect(await snapshot()).toEqual(before);
});

test("P14: a signature serves no other session, be it the owner's", async () => {
  const client = await stack.direct();
  const signed = await signedFor(client);
  for (const statement of ["begin", "plan", "planned", "lock", "stage", "close"])
    expect(await signed.ask(statement), statement).toBe("00000");
  expect(await signed.ask("refuse")).toBe("TL002");
  await client.query("rollback");
  for (const other of [await stack.direct(), stack.admin]) {
    for (const name of ["plan", "planned", "lock", "stage", "close", "refuse"] as const)
      expect(await signed.again(name, other), name).toBe("42501");
  }
});

const update = "update hubspot.contacts set firstname = 'x' where id = '501'";

test("P14: what was planned and locked shows nothing that the role may not read", async () => {
  await stack.admin.query(`create role narrow login; grant usage on schema hubspot to narrow;
    grant select (id), update (firstname) on hubspot.contacts to narrow`);
  const client = await stack.direct("narrow");
  expect(await refused(client.query("select email from hubspot.contacts"))).toMatchObject({ code: "42501" });
  const signed = await signedFor(client);
  for (const statement of ["begin", "plan", update]) expect(await signed.ask(statement), statement).toBe("00000");
  for (const name of ["planned", "lock"] as const) {
    const [first, second] = [await signed.rows(name), await signed.rows(name)];
    expect(first).toMatchObject([{ sealed: true, row: { email: "ada@example.com" } }]);
    expect(Buffer.from(first[0]?.raw ?? "", "base64").toString("latin1")).not.toContain("ada@");
    // Two that are the same can't be told to be the same.
    expect(first[0]?.raw).not.toBe(second[0]?.raw);
  }
  await client.query("rollback");
});

test("P14: row security seals too, and SET ROLE; who may read all of it pays nothing", async () => {
  const client = await stack.direct();
  const sealed = async (...opening: string[]) => {
    const signed = await signedFor(client);
    for (const statement of ["begin", ...opening, "plan", update]) expect(await signed.ask(statement)).toBe("00000");
    const rows = await signed.rows("lock");
    await client.query("rollback");
    return rows.map((row) => row.sealed);
  };
  expect(await sealed()).toEqual([false]);
  await stack.admin.query("grant narrow to app");
  expect(await sealed("set local role narrow")).toEqual([true]);
  await stack.admin.query("revoke narrow from app");
  await stack.admin.query(`alter table hubspot.contacts enable row level security;
    create policy all_of_it on hubspot.contacts using (true)`);
  expect(await sealed()).toEqual([true]);
  await stack.admin.query(
    "drop policy all_of_it on hubspot.contacts; alter table hubspot.contacts disable row level security",
  );
});

test.each(["Zoë 🎉", "x".repeat(70_000)])(
  "a role that may read a part of a row writes like any other",
  async (name) => {
    const client = await stack.client("narrow");
    await client.query("update hubspot.contacts set firstname = $1 where id = '502'", [name]);
    expect((await stack.admin.query("select email, firstname from hubspot.contacts where id = '502'")).rows).toEqual([
      { email: "bob@example.com", firstname: name },
    ]);
    expect(stack.writes()).toEqual(["PATCH /crm/v3/objects/contacts/502"]);
    before = await snapshot();
  },
);

test("P14: a call that was committed open, as a superuser can, opens nothing for anybody", async () => {
  const call = randomUUID();
  await stack.admin.query(`alter table throughline.opened disable trigger left_open;
    insert into throughline.opened (call, mode) values ('${call}', 'apply');
    insert into throughline.staged (call, key, full_row) values ('${call}', '501', '{"firstname": "Forged"}');
    alter table throughline.opened enable always trigger left_open`);
  const direct = await stack.direct();
  for (const mode of ["plan", "apply", "close"]) {
    await direct.query(`set throughline.call = '${mode}:${call}'`);
    expect(await refused(direct.query("update hubspot.contacts set firstname = 'x'"))).toMatchObject({ code: "0A000" });
    expect(await refused(direct.query("delete from hubspot.contacts"))).toMatchObject({ code: "0A000" });
  }
  expect(await snapshot()).toEqual(before);
  await stack.admin.query("delete from throughline.opened; delete from throughline.staged");
});

/** A statement that says in the midst of itself that its call is being closed. */
const flipped = `returning set_config('throughline.call', replace(current_setting('throughline.call'), 'apply:', 'close:'), true)`;
test.each([
  `do $$declare x text; begin
     if current_setting('throughline.call') like 'plan:%' then
       begin insert into hubspot.contacts (email) values ('x@example.com'); raise 'undo'; exception when others then null; end;
     else
       insert into hubspot.contacts (id, email, firstname) values ('999', 'forged@example.com', 'Forged') ${flipped} into x;
     end if; end$$`,
  `do $$declare x text; begin
     if current_setting('throughline.call') like 'plan:%' then
       begin insert into hubspot.contacts (email) values ('x@example.com'); raise 'undo'; exception when others then null; end;
     else
       perform set_config('throughline.call', replace(current_setting('throughline.call'), 'apply:', 'close:'), true);
       insert into hubspot.contacts (id, email, firstname) values ('', 'forged@example.com', 'Forged'), ('999', 'f@example.com', 'Forged');
     end if; end$$`,
  `insert into hubspot.contacts (id, email, firstname)
     select case when current_setting('throughline.call') like 'plan:%' then '501' else '999' end, 'forged@example.com', 'Forged'
     on conflict (id) do update set firstname = contacts.firstname ${flipped}`,
])("P14: a client that says which part of a write is under way changes nothing: %#", async (sql) => {
  const client = await stack.client();
  expect(await refused(client.query(sql))).not.toEqual({ code: "accepted" });
  expect(await snapshot()).toEqual(before);
  expect(stack.writes()).toEqual([]);
});

test("P14: EXPLAIN shows nothing of a request to a role that may not read all of the mirror", async () => {
  const client = await stack.client("narrow");
  const { rows } = await client.query("explain update hubspot.contacts set firstname = 'y' where id = '502'");
  const lines = rows.map((row) => row["QUERY PLAN"]).filter((line: string) => !/Update|Index|->/.test(line));
  expect(lines).toContain(
    "Throughline: PATCH (its address and body are not shown: this role may not read all of the mirror)",
  );
  expect(JSON.stringify(lines)).not.toMatch(/502|Body/);
});

test("P6: a role that passes row security writes with row_security off, as pg_dump's scripts set it", async () => {
  await stack.admin.query(`alter table hubspot.contacts enable row level security;
    do $$begin create role passes login bypassrls; exception when duplicate_object then null; end$$;
    grant usage on schema hubspot to passes; grant all on hubspot.contacts to passes`);
  const client = await stack.client("passes");
  await client.query("set row_security = off");
  await client.query("update hubspot.contacts set city = 'Passed' where id = '502'");
  await stack.admin.query("alter table hubspot.contacts disable row level security");
  before = await snapshot();
  expect(before).toMatchObject([{}, { city: "Passed" }]);
});

test("P14: the guard fires for a session that says it is a replica", async () => {
  await stack.admin.query("set session_replication_role = replica");
  for (const sql of [
    "update hubspot.contacts set firstname = 'x'",
    "delete from hubspot.contacts",
    "insert into hubspot.contacts (email) values ('x')",
    "truncate hubspot.contacts",
  ])
    expect(await refused(stack.admin.query(sql)), sql).toMatchObject({ code: "0A000" });
  await stack.admin.query("reset session_replication_role");
  expect(await snapshot()).toEqual(before);
});

test.each(["~zzz", "~throughline_z", "~throughline0"])(
  "P14: a trigger that fires behind the guard changes nothing of upstream's: %s",
  async (name) => {
    await stack.admin.query(`create function public.meddle() returns trigger language plpgsql as 'begin new.firstname := ''late''; return new; end';
    create trigger "${name}" before update on hubspot.contacts for each row execute function public.meddle()`);
    const direct = await stack.direct();
    expect(await refused(direct.query("update hubspot.contacts set firstname = firstname"))).toMatchObject({
      code: "27000",
      table: "contacts",
    });
    const client = await stack.client();
    expect(await refused(client.query("update hubspot.contacts set lastname = 'x' where id = '501'"))).toMatchObject({
      code: "0A000",
    });
    await stack.admin.query("drop function public.meddle() cascade");
    expect(await snapshot()).toEqual(before);
    expect(stack.writes()).toEqual([]);
  },
);

test("P14: nothing of what our statements say reaches the client: context, detail, notices of the log", async () => {
  const client = await stack.client();
  const notices: unknown[] = [];
  client.on("notice", (notice) => notices.push({ ...notice, message: notice.message }));
  await client.query("set log_parameter_max_length_on_error = -1; set client_min_messages = debug5");
  await client.query("set debug_print_plan = on; set debug_print_parse = on; set debug_print_rewritten = on");
  await stack.admin.query("begin; lock table throughline.opened in share mode");
  await client.query("set lock_timeout = '100ms'");
  const error = await refused(client.query("update hubspot.contacts set lastname = 'waits' where id = '501'"));
  await stack.admin.query("rollback");
  expect(error).toMatchObject({ code: "55P03", message: "canceling statement due to lock timeout" });
  expect(error.where).toBeUndefined();
  notices.length = 0;
  await client.query("update hubspot.contacts set lastname = 'goes' where id = '501'");
  const shown = JSON.stringify(notices);
  expect(/throughline\.|[0-9a-f]{64}/.exec(shown)?.[0]).toBeUndefined();
  before = await snapshot();
});
