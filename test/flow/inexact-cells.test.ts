// A cell that does not have upstream's value is known: what is computed from it is refused before it is sent, what is set to a value that
// mentions no column mends it, and other columns are written.

import type pg from "pg";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { migrateAll } from "../../src/app/migrate.js";
import { loadInexact } from "../../src/mirror/inexact.js";
import { ConnectorTable } from "../../src/upstream/table.js";
import { refused } from "../support/answers.js";
import { type RecordsStack, startRecords } from "../support/records-api.js";

/** A column, what upstream has in it that it can't hold, how a new value is computed from it, and one that is not. */
const kinds: readonly (readonly [what: string, column: unknown, json: string, computed: string, constant: string])[] = [
  ["integers with texts among them", "integer[]", '[1, "2a", 3000000000]', "v || 4", "'{1}'"],
  ["a list with an empty text", "integer[]", '[1, "", 2]', "v || 4", "'{1}'"],
  ["a list of lists", "text[]", '[["a"], "b"]', "v || 'c'::text", "array['x']"],
  ["a list of objects as texts", "text[]", '[{"id": 1}]', "v || 'c'::text", "array['x']"],
  ["an object as a text", "text", '{"a": 1}', "v || 'c'", "'x'"],
  ["a text with U+0000", "text", '"a\\u0000b"', "v || 'c'", "'x'"],
  ["a text with half a character", "text", '"a\\ud800"', "v || 'c'", "'x'"],
  ["a number with separators", "numeric", '"1,234.50"', "coalesce(v, 0) + 10", "10"],
  ["a number with too many digits", "double precision", "12345678901234567890", "v * 2", "1"],
  ["a number beyond all", "numeric", "1e1000", "coalesce(v, 0) + 1", "1"],
  ["a number that is too large", "integer", "3000000000", "coalesce(v, 0) + 1", "1"],
  ["a fraction of an integer", "bigint", "1.5", "coalesce(v, 0) + 1", "1"],
  ["a date that does not exist", "date", '"2026-02-30"', "coalesce(v, '2026-01-01') + 1", "'2026-01-01'"],
  ["an instant as a date", "date", '"2026-02-28T12:30:00Z"', "v + 1", "'2026-01-01'"],
  ["an instant that does not exist", "timestamptz", '"2026-13-01T00:00:00Z"', "coalesce(v, now()) + '1 day'", "now()"],
  ["nanoseconds", "timestamptz", '"2026-01-01T00:00:00.123456789Z"', "v + '1 day'", "'2026-01-01'"],
  [
    "an instant of another zone as a timestamp",
    "timestamp",
    '"2026-01-01T00:00:00+02:00"',
    "v + '1 day'",
    "'2026-01-01'",
  ],
  ["a word in place of a truth", "boolean", '"maybe"', "not coalesce(v, false)", "true"],
  ["JSON with U+0000", "jsonb", '{"a": "x\\u0000", "b": 1}', "v || '{\"b\": 2}'", "'{}'"],
  ["JSON with a name of U+0000", "jsonb", '{"a\\u0000": 1}', "v || '{\"b\": 2}'", "'{}'"],
  ["JSON with a number beyond all", "jsonb", '{"a": 1e1000}', "v || '{\"b\": 2}'", "'{}'"],
  [
    "seconds that are a date",
    { type: "timestamptz", codec: "unix" },
    '"2026-01-01"',
    "coalesce(v, now()) + '1 day'",
    "now()",
  ],
  ["fractions of whole seconds", { type: "timestamptz", codec: "unix" }, "1700000000.5", "v + '1 s'", "'2026-01-01'"],
  ["numbers among words", { type: "integer[]", codec: "join(;)" }, '"1;x;2"', "v || 4", "'{1}'"],
];

let stack: RecordsStack;
let client: pg.Client;
const named = kinds.map(([, column, json, computed, constant], n) => ({
  name: `v${n}`,
  column,
  json,
  computed,
  constant,
}));
beforeAll(async () => {
  const fields = (values: readonly string[]) =>
    `{"note": "n", ${named.map(({ name }, n) => `"${name}": ${values[n]}`).join(", ")}, "meta": {"a": "\\u0000", "b": 1}}`;
  const wrong = fields(named.map(({ json }) => json));
  stack = await startRecords({
    columns: {
      note: "text",
      ...Object.fromEntries(named.map(({ name, column }) => [name, column])),
      meta: { type: "jsonb", merge: true },
    },
    records: [wrong, wrong, fields(named.map(() => "null")), wrong],
  });
  client = await stack.client();
});
afterAll(() => stack.close());

const marked = async (column: string, on: RecordsStack = stack) =>
  (await loadInexact(on.opened.pool, 1))
    .filter((one) => one.column === column)
    .map(({ why, rows, key }) => `${why} ${rows} ${key}`);

test.each(kinds.map(([what], n) => [what, n] as const))(
  "%s: only a value that mentions no column takes their place",
  async (_, n) => {
    const { name = "", computed = "", constant = "" } = named[n] ?? {};
    const value = computed.replaceAll(/\bv\b/g, name);
    expect(await marked(name)).toEqual(["unfit 3 1"]);
    const [before, calls] = [stack.fields(1), stack.sent.length];
    const error = await refused(client.query(`update records.rows set note = 'm', ${name} = ${value} where id = 1`));
    expect([error.code, error.column, error.message]).toEqual(["55000", name, expect.stringContaining('in row "1"')]);
    expect([stack.sent.length, stack.fields(1)]).toEqual([calls, before]);
    await client.query("update records.rows set note = note || 'm' where id = 2");
    await client.query(`update records.rows set ${name} = ${constant} where id = 2`);
    expect(await marked(name)).toEqual(["unfit 2 1"]);
    await client.query(`update records.rows set ${name} = ${value} where id = 2`);
    await stack.pull();
    expect(await marked(name)).toEqual(["unfit 2 1"]);
  },
);

test("what is written to other columns leaves each of such cells as it is upstream", async () => {
  const before = stack.fields(4);
  await client.query("update records.rows set note = 'other' where id = 4");
  expect(stack.fields(4)).toBe(before.replace('"note":"n"', '"note":"other"'));
});

test("upstream mends a cell, and the mirror has it with the next pull", async () => {
  expect(await marked("v0")).toEqual(["unfit 2 1"]);
  stack.change(4, stack.fields(4).replace('[1,"2a",3000000000]', "[1]"));
  await stack.pull();
  expect(await marked("v0")).toEqual(["unfit 1 1"]);
  await client.query("update records.rows set v0 = v0 || 2 where id = 4");
  expect(JSON.parse(stack.fields(4))).toMatchObject({ v0: [1, 2] });
});

test("of an object that upstream merges, keys are written beside one that does not fit, and that one is not", async () => {
  await client.query(`update records.rows set meta = meta || '{"b": 2, "c": null}' where id = 1`);
  expect(stack.sent.at(-1)).toBe('{"meta":{"b":2}}');
  const error = await refused(
    client.query(`update records.rows set meta = jsonb_set(meta, '{a}', to_jsonb((meta ->> 'a') || 'x')) where id = 1`),
  );
  expect([error.code, error.column]).toEqual(["55000", "meta"]);
  await client.query("update records.rows set meta = null where id = 2");
  expect(stack.sent.at(-1)).toBe('{"meta":null}');
});

const mending: readonly (readonly [what: string, sql: string, values: readonly unknown[], code: string])[] = [
  ["a parameter", "update records.rows set v0 = $1 where id = 1", [[7]], "accepted"],
  ["DEFAULT", "update records.rows set v0 = default where id = 1", [], "accepted"],
  ["a place within the value", "update records.rows set v0[1] = 5 where id = 1", [], "55000"],
  [
    "the values of a FROM",
    "update records.rows r set v0 = v.x from (values (1, '{4}'::int[])) v(id, x) where v.id = r.id",
    [],
    "accepted",
  ],
  [
    "another row of the mirror",
    "update records.rows r set v0 = o.v0 || 1 from records.rows o where o.id = r.id and r.id = 1",
    [],
    "55000",
  ],
  ["a function that writes", "select public.mend()", [], "55000"],
  ["a view of other names", "update public.few set w = '{1}' where id = 1", [], "55000"],
];
test.each(mending)(
  "by %s a cell is mended only where the statement shows what it gets",
  async (_, sql, values, code) => {
    stack.change(1, JSON.stringify({ ...JSON.parse(stack.fields(3)), v0: [1, "x"] }));
    await stack.pull();
    await stack.admin.query("grant create on schema public to app");
    // What a session defines itself is known to it at once.
    await client.query(`create or replace view public.few as select id, v0 as w from records.rows;
    create or replace function public.mend() returns void language sql as 'update records.rows set v0 = ''{1}'' where id = 1'`);
    expect((await refused(client.query(sql, [...values]))).code ?? "accepted").toBe(code);
  },
);

test("an INSERT marks what the API makes of its row, and with a row its marks go", async () => {
  const own = await startRecords({
    columns: { n: "integer" },
    records: ['{"n": "x"}', '{"n": "x"}', '{"n": "x"}'],
    normalise: () => ({ n: "two" }),
  });
  try {
    const session = await own.client();
    await session.query("insert into records.rows (n) values (2)");
    expect(await marked("n", own)).toEqual(["unfit 4 1"]);
    await session.query("delete from records.rows where id = 4");
    expect(await marked("n", own)).toEqual(["unfit 3 1"]);
    own.remove(1);
    await own.pull();
    expect(await marked("n", own)).toEqual(["unfit 2 2"]);
  } finally {
    await own.close();
  }
});

test("a field that an answer leaves out is not known until an answer has it, or the manifest says what it means", async () => {
  const records = ['{"note": "n", "who": 5, "when": 1}', '{"note": "n", "who": 6, "when": 1}'];
  const own = await startRecords({
    columns: { note: "text", who: "integer", when: { type: "integer", absent: null } },
    records,
  });
  try {
    own.change(1, '{"note": "n"}');
    await own.pull();
    expect((await own.admin.query('select who, "when" from records.rows order by id')).rows).toEqual([
      { who: 5, when: null },
      { who: 6, when: 1 },
    ]);
    expect([await marked("who", own), await marked("when", own)]).toEqual([["missing 1 1"], []]);
    const session = await own.client();
    const error = await refused(session.query("update records.rows set who = who + 1 where id = 1"));
    expect([error.code, error.column, error.hint]).toEqual([
      "55000",
      "who",
      expect.stringContaining('"columns.who.absent"'),
    ]);
    await session.query("update records.rows set note = 'm' where id = 1");
    expect(await marked("who", own)).toEqual(["missing 1 1"]);
    await session.query("update records.rows set who = 9 where id = 1");
    expect([own.fields(1), await marked("who", own)]).toEqual(['{"note":"m","who":9}', []]);
  } finally {
    await own.close();
  }
});

test("a column that is new in the mirror is not known in the rows that are there, until they are read again", async () => {
  const own = await startRecords({
    columns: { note: "text", more: "text" },
    records: ['{"note": "n", "more": "m"}', '{"note": "n", "more": "m"}'],
    choice: { columns: ["note"] },
  });
  try {
    const session = await own.client();
    const [{ table, ...known } = { table: undefined }] = own.opened.tables;
    const described = table?.account.manifest.tables["rows"];
    if (!table || !described || !("api" in known)) throw new Error("there is no such table");
    const whole = new ConnectorTable(table.account, { resource: "rows", rename: {} }, described);
    await migrateAll({ ...own.opened, tables: [{ ...known, table: whole }] }, { dryRun: false });
    // Until the proxy has noticed that the mirror has changed.
    const note = () => refused(session.query("update records.rows set note = note || 'o' where id = 2"));
    await vi.waitFor(async () => expect((await note()).code).toBe("accepted"), { timeout: 20_000 });
    const error = await refused(session.query("update records.rows set more = coalesce(more, '') || 'x' where id = 1"));
    expect([error.code, error.column]).toEqual(["55000", "more"]);
    await own.pull();
    await session.query("update records.rows set more = more || 'x' where id = 1");
    expect(own.fields(1)).toBe('{"more":"mx","note":"n"}');
  } finally {
    await own.close();
  }
});
