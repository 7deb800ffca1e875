// Random sequences of messages are answered as Postgres answers them.

import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  bind,
  close,
  copyData,
  copyDone,
  copyFail,
  describe,
  execute,
  flush,
  functionCall,
  parse,
  query,
  sync,
} from "./build.js";
import { type DirectAndProxied, startDirectAndProxied } from "./direct-and-proxied.js";
import { type Cut, login, play } from "./session.js";
import { transcript } from "./transcript.js";

const seed = 20250105;
const setUp = query(
  "create temp table t (i int check (i <> 13)); create temp view v as select 1 as i; " +
    "create temp table contacts (email text primary key, age int)",
);
const copyIn = "copy t from stdin";
const statement = fc.constantFrom("", "a", "b");
const portal = fc.constantFrom("", "p", "q");
const values = fc.constantFrom<readonly string[]>([], ["1"], ["x"]);

/** Statements in the way of none: what they answer depends on nothing but this session. */
const text = fc.constantFrom(
  "select 1",
  "select $1::int + 1",
  "select generate_series(1, 4)",
  "insert into t values (1) returning i",
  "insert into t select count(*) from t",
  "select count(*) from t",
  "select 1 / 0",
  "selekt",
  "",
  "begin",
  "commit",
  "rollback",
  "savepoint s",
  "rollback to s",
  "set application_name = 'fuzz'",
  "reset application_name",
  "deallocate all",
);
const several = fc.array(text, { maxLength: 4 }).map((texts) => query(texts.join("; ")));
/** A temporary table that has a mirror's name: each is held, and passed on. */
const shadow = fc.constantFrom(
  "insert into contacts values ('a', 1) returning *",
  "insert into contacts values ('a', 1), ('b', 2) on conflict do nothing",
  "update contacts set age = age + 1 returning age",
  "delete from contacts where email = 'a'",
  "delete from contacts; select 1",
);

const row = fc.constantFrom("1\n", "2\n3\n", "4", "", "\n").map(copyData);
const badRow = fc.constant(copyData("thirteen\n"));
const stray = fc.constantFrom(sync, flush);
const copyEnd = fc.constantFrom(copyDone, copyFail("enough"));
const copyRows = fc.array(fc.oneof({ weight: 4, arbitrary: row }, { weight: 1, arbitrary: badRow }), { maxLength: 4 });
const strayRows = fc.array(fc.oneof({ weight: 3, arbitrary: row }, { weight: 1, arbitrary: stray }), { maxLength: 4 });
/** Where a COPY that fails has a Sync among its rows, only Postgres knows whether it read that Sync before it failed. */
const plainCopies = [copyByQuery(copyRows), copyExtended(fc.constant(copyIn), fc.constant(flush), copyRows)];
const anyCopies = [
  copyByQuery(fc.oneof(copyRows, strayRows)),
  copyExtended(
    fc.constantFrom(copyIn, "copy v from stdin"),
    fc.constantFrom(sync, flush),
    fc.oneof(copyRows, strayRows),
  ),
];
const kind = fc.constantFrom("S" as const, "P" as const);
const cut = fc.constantFrom("step by step" as const, 3, 11, 50);

let both: DirectAndProxied;
beforeAll(async () => {
  both = await startDirectAndProxied();
});
afterAll(() => both.close());

test("P10: any sequence of messages is answered as Postgres answers it", async () => {
  const property = fc.asyncProperty(walk(anyCopies), cut, async (steps, size) => {
    const said = await run("direct", steps, "step by step");
    expect(await run("proxied", steps, size)).toEqual(said);
    expect(await run("asleep", steps, size)).toEqual(said);
  });
  await fc.assert(property, { seed, numRuns: 45 });
});

test("P10: any sequence with writes that only look like a mirror's is answered as Postgres answers it", async () => {
  const held = fc.oneof(
    shadow.map((sql) => [sync, query(sql)]),
    fc.tuple(shadow, fc.nat(2)).map(([sql, limit]) => [sync, parse(sql), bind(), execute("", limit), sync]),
  );
  const mixed = fc
    .array(fc.oneof({ weight: 2, arbitrary: walk(plainCopies) }, { weight: 1, arbitrary: held }), { maxLength: 8 })
    .map((walks) => walks.flat());
  const property = fc.asyncProperty(mixed, cut, async (steps, size) => {
    expect(await run("proxied", steps, size)).toEqual(await run("direct", steps, "step by step"));
  });
  await fc.assert(property, { seed, numRuns: 30 });
});

function walk(copies: readonly fc.Arbitrary<readonly Buffer[]>[]): fc.Arbitrary<readonly Buffer[]> {
  const one = fc.oneof(
    { weight: 4, arbitrary: fc.tuple(text, statement).map(([sql, name]) => parse(sql, name)) },
    { weight: 5, arbitrary: fc.record({ portal, statement, values }).map(bind) },
    { weight: 2, arbitrary: fc.tuple(kind, fc.oneof(statement, portal)).map(([of, name]) => describe(of, name)) },
    { weight: 6, arbitrary: fc.tuple(portal, fc.nat(2)).map(([name, limit]) => execute(name, limit)) },
    { weight: 1, arbitrary: fc.tuple(kind, fc.oneof(statement, portal)).map(([of, name]) => close(of, name)) },
    { weight: 5, arbitrary: fc.constant(sync) },
    { weight: 1, arbitrary: fc.constant(flush) },
    { weight: 3, arbitrary: several },
    { weight: 1, arbitrary: fc.constantFrom(functionCall(177, "1", "2"), functionCall(154, "1", "0")) },
    { weight: 1, arbitrary: fc.oneof(row, copyEnd) },
  );
  const step = fc.oneof({ weight: 15, arbitrary: one.map((message) => [message]) }, ...copies);
  return fc.array(step, { maxLength: 25 }).map((steps) => steps.flat());
}

type Rows = fc.Arbitrary<readonly Buffer[]>;

function copyByQuery(rows: Rows): Rows {
  return fc.tuple(rows, copyEnd).map(([sent, end]) => [query(copyIn), ...sent, end]);
}

/** Under names of its own: no other message may start a COPY, for what follows would not be rows. */
function copyExtended(sql: fc.Arbitrary<string>, early: fc.Arbitrary<Buffer>, rows: Rows): Rows {
  return fc
    .tuple(sql, early, rows, copyEnd)
    .map(([copy, behind, sent, end]) => [
      close("P", "copy"),
      close("S", "copy"),
      parse(copy, "copy"),
      bind({ portal: "copy", statement: "copy" }),
      execute("copy"),
      behind,
      ...sent,
      end,
      sync,
    ]);
}

async function run(by: "direct" | "proxied" | "asleep", steps: readonly Buffer[], size: Cut) {
  const raw = await login(both[by], both.stack.database);
  raw.send(setUp);
  await raw.until("Z");
  return transcript(await play(raw, { steps }, size));
}
