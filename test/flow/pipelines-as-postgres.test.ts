// What a pipeline, a string or a savepoint can do between a statement and what it is taken for.

import { serialize } from "pg-protocol";
import { beforeEach, describe, expect, inject, test } from "vitest";
import { mirrored, mirroredEmails, refused, upstream, upstreamEmails } from "../support/answers.js";
import { conversation, query, run, type Step } from "../support/conversation.js";
import { type Line, startLine } from "../support/line.js";
import { untilGone, untilTrue } from "../support/sessions.js";

const limit = { timeout: 15_000 };
let line: Line;
beforeEach(async () => {
  line = await startLine({ seed: [{ email: "ada@x.com", firstname: "Ada" }], waitMs: 8_000 });
  await line.admin.query(`create table public.plain (email text unique, firstname text);
    create table public.ledger (no int); create sequence public.numbers;
    create table public.loud (no int);
    create function public.loud() returns trigger language plpgsql as $$begin raise notice 'loud'; return null; end$$;
    create constraint trigger loud after insert on public.loud deferrable initially deferred for each row execute function public.loud();
    grant all on public.plain, public.ledger, public.numbers, public.loud to app`);
  line.sandbox.clearLog();
  return async () => {
    // A session that hangs would hold up the proxy's end.
    await line.admin.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'app' and datname = current_database()",
    );
    await line.close();
  };
}, 30_000);

const { bind, close, copyData, copyDone, execute, parse, sync } = serialize;
const insert = (name: string, table = "hubspot.contacts") =>
  `insert into ${table} (email) values ('${name}@x.com') returning email`;
const update = (name: string) => `update hubspot.contacts set firstname = '${name}' where email = 'ada@x.com'`;
const remove = "delete from hubspot.contacts where email = 'ada@x.com'";
const talk = (steps: readonly Step[]) => conversation(line.port, line.database, steps);
/** What is said of an ordinary table, and of the mirror; without our warnings. */
async function both(steps: (table: string) => readonly Step[]) {
  const plain = (said: readonly string[]) => said.filter((message) => message !== "N 01000");
  const direct = Number(new URL(inject("postgres")).port);
  const native = plain(await conversation(direct, line.database, steps("public.plain")));
  const ledger = async () => (await line.admin.query("select no from public.ledger")).rows.map(({ no }) => no);
  const nativeLedger = await ledger();
  await line.admin.query("truncate public.ledger; alter sequence public.numbers restart");
  const ours = plain(await talk(steps("hubspot.contacts")));
  return { native: { said: native, ledger: nativeLedger }, ours: { said: ours, ledger: await ledger() } };
}
const errors = (said: readonly string[]) => said.filter((message) => message.startsWith("E"));
async function expectNothing(said: readonly string[]): Promise<void> {
  expect({ errors: errors(said), writes: line.writes() }).toEqual({ errors: ["E 0A000"], writes: [] });
  expect(upstream(line)).toEqual(["ada@x.com Ada"]);
  expect(await mirrored(line)).toEqual(["ada@x.com Ada"]);
}

describe("P2: a write whose portal is not what its statement is now is refused, and nothing is sent", () => {
  const rebound = (first: string, then: string) => [
    [
      parse({ text: first }),
      bind({ portal: "p" }),
      parse({ text: then }),
      bind({ portal: "q" }),
      execute({ portal: "p" }),
      sync(),
    ],
  ];
  test.each<[what: string, steps: readonly Step[]]>([
    ["the unnamed statement has become another write", rebound(insert("a"), insert("b"))],
    ["the unnamed statement has become a read", rebound(insert("a"), "select 1")],
    ["an UPDATE has become a DELETE", rebound(update("X"), remove)],
    [
      "its statement was closed",
      [
        [
          parse({ name: "w", text: insert("a") }),
          bind({ statement: "w" }),
          close({ type: "S", name: "w" }),
          execute({}),
          sync(),
        ],
      ],
    ],
    [
      "its statement was closed, and another has its name",
      [
        [
          parse({ name: "w", text: insert("a") }),
          bind({ statement: "w" }),
          close({ type: "S", name: "w" }),
          parse({ name: "w", text: insert("b") }),
          execute({}),
          sync(),
        ],
      ],
    ],
    [
      "in a transaction, the unnamed statement has become a read",
      [
        query("begin"),
        "Z",
        [parse({ text: insert("a") }), bind({ portal: "C_1" }), sync()],
        "Z",
        [parse({ text: "select 1" }), sync()],
        "Z",
        [execute({ portal: "C_1", rows: 2 }), sync()],
        "Z",
        query("rollback"),
      ],
    ],
    [
      "another statement ran since its Bind",
      [
        [
          parse({ name: "w", text: update("X") }),
          bind({ statement: "w", portal: "p" }),
          parse({ name: "n", text: "insert into ledger values (1)" }),
          bind({ statement: "n", portal: "q" }),
          execute({ portal: "q" }),
          execute({ portal: "p" }),
          sync(),
        ],
      ],
    ],
    [
      "in a transaction, another statement ran since its Bind",
      [
        query("begin"),
        "Z",
        [parse({ name: "w", text: update("X") }), bind({ statement: "w", portal: "p" }), sync()],
        "Z",
        query("insert into ledger values (1)"),
        "Z",
        [execute({ portal: "p" }), sync()],
        "Z",
        query("rollback"),
      ],
    ],
  ])("%s", limit, async (_, steps) => {
    await expectNothing(await talk(steps));
  });
});

test.each(["vacuum", "create database nope", "discard all"])(
  "P5: a string that can't run to its end sends nothing: a write, then %s",
  limit,
  async (last) => {
    const said = await talk([query(`${insert("v")}; ${last}`), "Z"]);
    expect({ errors: errors(said), writes: line.writes() }).toEqual({ errors: [expect.any(String)], writes: [] });
  },
);

describe.each(["single", "immediate"])(
  "P3: after ROLLBACK TO, the row that a call has changed is not written again: %s",
  (mode) => {
    test.each([
      ["the value that it had", update("Ada")],
      ["another value", update("Y")],
      ["DELETE", remove],
    ])("%s", limit, async (_, again) => {
      const client = await line.client();
      await client.query(`set throughline.transaction = '${mode}'`);
      await client.query("begin; savepoint s");
      await client.query(update("X"));
      await client.query("rollback to s");
      line.sandbox.clearLog();
      expect(await refused(client.query(again))).toMatchObject({ code: "0A000" });
      await client.query("rollback");
      expect(line.writes()).toEqual([]);
      expect(await mirrored(line)).toEqual(["ada@x.com X"]);
      expect(upstream(line)).toEqual(["ada@x.com X"]);
    });
  },
);

test("P1: a session is gone while its first call waits for the rate limit: no second request", limit, async () => {
  const client = await line.client();
  const { rows } = await client.query("select pg_backend_pid() as pid");
  line.sandbox.fault({ kind: "rate-limit", retryAfterS: 2 });
  client.query(insert("gone")).catch(() => undefined);
  await expect.poll(() => line.sandbox.log.map(({ status }) => status)).toEqual([429]);
  await untilTrue(line.admin, "exists (select from throughline.journal where state = 'intent')");
  await line.admin.query("select pg_terminate_backend($1)", [rows[0].pid]);
  await untilGone(line.admin);
  await untilTrue(line.admin, "not exists (select from throughline.journal where state = 'intent')");
  expect((await line.admin.query("select state from throughline.journal")).rows).toEqual([{ state: "unsent" }]);
  expect(line.sandbox.log.map(({ status }) => status)).toEqual([429]);
});

test("P10: COPY into another table behind a write, its Sync early, is as on an ordinary table", limit, async () => {
  const { native, ours } = await both((table) => [
    [...run(insert("a", table)), ...run("copy public.ledger from stdin"), sync()],
    "G",
    [copyData(Buffer.from("5\n")), copyDone(), sync()],
    "Z",
  ]);
  expect(ours).toEqual(native);
  expect(ours.ledger).toEqual([5]);
  expect(await mirroredEmails(line)).toEqual(upstreamEmails(line));
});

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
