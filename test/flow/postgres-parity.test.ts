// P10: a write to a mirror is answered as a write to an ordinary table, whatever stands around it: other statements of its pipeline
// or string, portals that stay open, chains of transactions.

import { serialize } from "pg-protocol";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { conversation, query, run, type Step } from "../support/conversation.js";
import { type Stack, startStack } from "../support/stack.js";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
  await stack.admin.query(`create table public.plain (email text unique, firstname text);
    create table public.ledger (no int primary key, what text);
    create table public.child (parent int references public.ledger deferrable initially deferred);
    create sequence public.numbers;
    grant all on public.plain, public.ledger, public.child, public.numbers to app`);
});
afterAll(() => stack.close());

const { bind, close, describe, execute, parse, sync } = serialize;
/** Which scenario it is: its rows are its own. */
let nth = 0;
const write = (table: string, name = "new") => `insert into ${table} (email) values ('${name}${nth}@x.com')`;
const three = (table: string) =>
  `insert into ${table} (email) values ('1of${nth}@x.com'), ('2of${nth}@x.com'), ('3of${nth}@x.com') returning email`;

type Scenario = readonly [what: string, steps: (table: string) => readonly Step[]];

const pipelines: readonly Scenario[] = [
  [
    "BEGIN and a savepoint behind a write",
    (t) => [[...run(write(t)), ...run("begin"), ...run("savepoint s"), ...run("rollback to s"), sync()]],
  ],
  ["COPY to the client behind a write", (t) => [[...run(write(t)), ...run("copy ledger to stdout"), sync()]]],
  ["empty statements around a write", (t) => [[...run(""), ...run(write(t)), ...run(";"), sync()]]],
  [
    "BEGIN, a write and COMMIT by Query, and a pipeline, at once",
    (t) => [[...query("begin"), ...query(write(t, "a")), ...query("commit"), ...run(write(t, "b")), sync()]],
  ],
  [
    "COMMIT and the next write at once",
    (t) => [
      query("begin"),
      "Z",
      query(write(t, "a")),
      "Z",
      [...query("commit"), ...query(write(t, "b")), ...query("select 1")],
      "Z",
    ],
  ],
];

const portals: readonly Scenario[] = [
  [
    "a portal of a read stays open across a write",
    (t) => [
      query("begin"),
      "Z",
      [
        parse({ text: "select generate_series(1, 4)" }),
        bind({ portal: "p" }),
        execute({ portal: "p", rows: 1 }),
        sync(),
      ],
      "Z",
      [
        parse({ name: "w", text: write(t) }),
        bind({ statement: "w", portal: "pw" }),
        execute({ portal: "pw" }),
        execute({ portal: "p", rows: 2 }),
        sync(),
      ],
      "Z",
      query("commit"),
      "Z",
    ],
  ],
  [
    "the unnamed portal stays open across a write by a named one",
    (t) => [
      [
        parse({ name: "w", text: write(t) }),
        parse({ text: "select generate_series(1, 4)" }),
        bind({}),
        execute({ rows: 1 }),
        bind({ statement: "w", portal: "pw" }),
        execute({ portal: "pw" }),
        execute({ rows: 2 }),
        describe({ type: "P" }),
        sync(),
      ],
      "Z",
    ],
  ],
  [
    "Describe and Close between the Executes of a write",
    (t) => [
      [
        parse({ text: three(t) }),
        bind({ portal: "p" }),
        execute({ portal: "p", rows: 1 }),
        describe({ type: "P", name: "p" }),
        execute({ portal: "p", rows: 1 }),
        close({ type: "P", name: "p" }),
        execute({ portal: "p", rows: 1 }),
        sync(),
      ],
    ],
  ],
  [
    "a write without RETURNING is executed twice",
    (t) => [
      [parse({ text: write(t) }), bind({ portal: "p" }), execute({ portal: "p" }), execute({ portal: "p" }), sync()],
    ],
  ],
];

const strings: readonly Scenario[] = [
  [
    "a reference that is deferred, the write, and what it refers to",
    (t) => [query(`insert into child values (99); ${write(t)}; insert into ledger values (99)`)],
  ],
  [
    "COPY to the client behind a write",
    (t) => [query(`insert into ledger values (1, 'x'); ${write(t)}; copy ledger to stdout`)],
  ],
  ["a cursor behind a write", (t) => [query(`${write(t)}; declare c cursor for select 1; fetch c`)]],
  ["a piece that nobody can parse behind a write", (t) => [query(`${write(t)}; selekt`)]],
  ["SET TRANSACTION behind a write", (t) => [query(`${write(t)}; set transaction isolation level repeatable read`)]],
  [
    "a chain, a write and an error, in a transaction",
    (t) => [
      query("begin"),
      "Z",
      query(`${write(t, "a")}; commit and chain; ${write(t, "b")}; select 1/0`),
      "Z",
      query("rollback"),
      "Z",
    ],
  ],
  [
    "two chains around a write, in a transaction",
    (t) => [
      query("begin"),
      "Z",
      query(`select 1; rollback and chain; ${write(t)}; commit and chain; insert into ledger values (3)`),
      "Z",
      query("commit"),
      "Z",
    ],
  ],
  [
    "COMMIT, BEGIN, a savepoint and an error, in a transaction",
    (t) => [
      query("begin"),
      "Z",
      query(`${write(t, "a")}; commit; begin; ${write(t, "b")}; savepoint s; select 1/0`),
      "Z",
      query("rollback to s"),
      "Z",
      query("commit"),
      "Z",
    ],
  ],
  [
    "ROLLBACK TO, a write and COMMIT, in a transaction that has failed",
    (t) => [
      query("begin"),
      "Z",
      query("savepoint s"),
      "Z",
      query("select 1/0"),
      "Z",
      query(`rollback to s; ${write(t)}; commit`),
      "Z",
    ],
  ],
];

const names: readonly Scenario[] = [
  [
    "the unnamed statement is gone behind a string that wrote",
    (t) => [
      [parse({ text: write(t, "one") }), sync()],
      "Z",
      query(`${write(t, "two")}; select 1`),
      "Z",
      [bind({}), execute({}), sync()],
    ],
  ],
  [
    "EXECUTE of a name that was a write's",
    (t) => [
      [parse({ name: "n", text: write(t) }), sync()],
      "Z",
      query("deallocate all"),
      "Z",
      query("prepare n as select nextval('numbers')"),
      "Z",
      query("execute n"),
    ],
  ],
];

test.each([
  ...pipelines.map(([what, steps]) => ["a pipeline", what, steps] as const),
  ...portals.map(([what, steps]) => ["portals", what, steps] as const),
  ...strings.map(([what, steps]) => ["a string", what, steps] as const),
  ...names.map(([what, steps]) => ["names", what, steps] as const),
])("P10: as Postgres, %s: %s", async (_, what, steps) => {
  nth += 1;
  const native = await heard(Number(new URL(inject("postgres")).port), steps("public.plain"));
  expect(await heard(stack.port, steps("hubspot.contacts")), what).toEqual(native);
});

/** What is said, but for our warnings, and what is left in the ordinary table beside. */
async function heard(port: number, steps: readonly Step[]): Promise<{ said: string[]; ledger: number[] }> {
  await stack.admin.query("truncate public.ledger, public.child; alter sequence public.numbers restart");
  const said = await conversation(port, stack.database, steps);
  const { rows } = await stack.admin.query("select no from public.ledger order by no");
  return { said: said.filter((message) => message !== "N 01000"), ledger: rows.map(({ no }) => no) };
}
