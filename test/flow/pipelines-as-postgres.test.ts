// A pipeline or a string with a write to a mirror is answered as one with a write to an ordinary table.

import { serialize } from "pg-protocol";
import { beforeEach, describe, expect, inject, test } from "vitest";
import { mirroredEmails, upstreamEmails } from "../support/answers.js";
import { conversation, query, run, type Step } from "../support/conversation.js";
import { type Stack, startStack } from "../support/stack.js";

const limit = { timeout: 15_000 };
let stack: Stack;
beforeEach(async () => {
  stack = await startStack({ seed: [{ email: "ada@x.com", firstname: "Ada" }], waitMs: 8_000 });
  await stack.admin.query(`create table public.plain (email text unique, firstname text);
    create table public.ledger (no int); create sequence public.numbers;
    create table public.loud (no int);
    create function public.loud() returns trigger language plpgsql as $$begin raise notice 'loud'; return null; end$$;
    create constraint trigger loud after insert on public.loud deferrable initially deferred for each row execute function public.loud();
    grant all on public.plain, public.ledger, public.numbers, public.loud to app`);
  stack.sandbox.clearLog();
  return async () => {
    // A session that hangs would hold up the proxy's end.
    await stack.admin.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'app' and datname = current_database()",
    );
    await stack.close();
  };
}, 30_000);

const { bind, copyData, copyDone, execute, parse, sync } = serialize;
const insert = (name: string, table = "hubspot.contacts") =>
  `insert into ${table} (email) values ('${name}@x.com') returning email`;
const talk = (steps: readonly Step[]) => conversation(stack.port, stack.database, steps);
/** What is said of an ordinary table, and of the mirror; without our warnings. */
async function both(steps: (table: string) => readonly Step[]) {
  const plain = (said: readonly string[]) => said.filter((message) => message !== "N 01000");
  const direct = Number(new URL(inject("postgres")).port);
  const native = plain(await conversation(direct, stack.database, steps("public.plain")));
  const ledger = async () => (await stack.admin.query("select no from public.ledger")).rows.map(({ no }) => no);
  const nativeLedger = await ledger();
  await stack.admin.query("truncate public.ledger; alter sequence public.numbers restart");
  const ours = plain(await talk(steps("hubspot.contacts")));
  return { native: { said: native, ledger: nativeLedger }, ours: { said: ours, ledger: await ledger() } };
}
const errors = (said: readonly string[]) => said.filter((message) => message.startsWith("E"));

test(
  "P10: COPY into another table behind a write, with an early Sync, is answered as behind an ordinary one",
  limit,
  async () => {
    const { native, ours } = await both((table) => [
      [...run(insert("a", table)), ...run("copy public.ledger from stdin"), sync()],
      "G",
      [copyData(Buffer.from("5\n")), copyDone(), sync()],
      "Z",
    ]);
    expect(ours).toEqual(native);
    expect(ours.ledger).toEqual([5]);
    expect(await mirroredEmails(stack)).toEqual(upstreamEmails(stack));
  },
);

test.each<[what: string, steps: (table: string) => readonly Step[]]>([
  ["there is none", (t) => [[...query(insert("a", t)), serialize.describe({ type: "S" }), sync()]]],
  [
    "one of a read is gone",
    (t) => [[parse({ text: "select 1" }), sync()], "Z", query(insert("a", t)), "Z", [bind({}), execute({}), sync()]],
  ],
  [
    "one of a write is gone",
    (t) => [
      [parse({ text: insert("one", t) }), sync()],
      "Z",
      query(insert("two", t)),
      "Z",
      [bind({}), execute({}), sync()],
    ],
  ],
])("P10: behind a Query that wrote, the unnamed statement is 26000: %s", limit, async (_, steps) => {
  const { native, ours } = await both(steps);
  expect(ours).toEqual(native);
  expect(errors(ours.said)).toEqual(["E 26000"]);
});

describe("P10: as Postgres", () => {
  test.each<[what: string, steps: (table: string) => readonly Step[]]>([
    [
      "a name that was a write's, and is another statement's, is executed once",
      (t) => [
        [parse({ name: "n", text: insert("a", t) }), sync()],
        "Z",
        query("deallocate n"),
        "Z",
        query("prepare n as select nextval('numbers')"),
        "Z",
        [bind({ statement: "n" }), execute({}), sync()],
      ],
    ],
    [
      "a notice that the end of a pipeline raises",
      (t) => [[...run("insert into loud values (1)"), ...run(insert("a", t)), sync()], "Z"],
    ],
    ["a notice that the end of a string raises", (t) => [query(`insert into loud values (1); ${insert("a", t)}`), "Z"]],
  ])("%s", limit, async (_, steps) => {
    const { native, ours } = await both(steps);
    expect(ours).toEqual(native);
  });
});
