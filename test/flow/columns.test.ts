// Columns of every kind on a mirror: a statement leaves in them what it would leave in an ordinary table.

import { beforeEach, describe, expect, test } from "vitest";
import { migrateAll } from "../../src/app/migrate.js";
import { type Stack, startStack } from "../support/stack.js";

let stack: Stack;
beforeEach(async () => {
  stack = await startStack({ seed: [{ email: "ada@x.com", firstname: "Ada" }] });
  await stack.admin.query(`create type public.place as (street text, no int);
    create domain public.positive as int check (value > 0);
    create type public.mood as enum ('sad', 'ok');
    create table public.plain (id text primary key default gen_random_uuid(), email text unique, firstname text);
    insert into public.plain (email, firstname) values ('ada@x.com', 'Ada');
    grant all on public.plain to app`);
  for (const table of ["hubspot.contacts", "public.plain"]) {
    await stack.admin.query(`alter table ${table}
      add column serial_no bigint generated always as identity (start with 9007199254740993),
      add column loud text generated always as (upper(email)) stored,
      add column tags text[] default '{}', add column grid int[][], add column doc jsonb, add column raw json,
      add column amount numeric, add column money_of numeric(12, 2), add column big bigint, add column ratio float8,
      add column at timestamptz default '2026-01-02 03:04:05.678901+00', add column day date, add column took interval,
      add column bytes bytea, add column home public.place, add column rank public.positive, add column mood public.mood,
      add column spans int4range, add column bits bit varying, add column net inet, add column note varchar(10) default 'none'`);
  }
  await migrateAll(stack.opened, { dryRun: false });
  stack.sandbox.clearLog();
  return () => stack.close();
});

const values =
  `'{a,"b c",NULL}', '[0:1][1:2]={{1,2},{3,4}}', '{"k": [1, null, "é"], "n": 9007199254740993}', '{"b":1,"a":null,"a":2}',
  12345678901234567890.1234567890, 1.005, 9223372036854775807, 0.1::float8 + 0.2, '2026-11-21 10:20:30.123456+05:30', '0044-03-15 BC',
  '1 year 2 mons 3 days 04:05:06.789', '\\\\x00ff10', row('Main "St"', 7), 3, 'ok', '[1,5)', B'0101', '10.0.0.0/8'`.replaceAll(
    "\\\\\\\\",
    "\\\\",
  );
const names =
  "tags, grid, doc, raw, amount, money_of, big, ratio, at, day, took, bytes, home, rank, mood, spans, bits, net";
const odd = `set datestyle = 'German, DMY'; set timezone = 'Asia/Kathmandu'; set intervalstyle = 'sql_standard';
  set bytea_output = 'escape'; set extra_float_digits = 0; set xmloption = document`;

const statements: readonly string[] = [
  `insert into TABLE (email, ${names}) values ('new@x.com', ${values}) returning TABLE.*`,
  `insert into TABLE (email) values ('default@x.com') returning TABLE.*`,
  `update TABLE set firstname = 'Lady', (${names}) = row(${values}) where email = 'ada@x.com' returning *`,
  `update TABLE set firstname = 'Lady', doc = jsonb_build_object('n', 1), home.no = 9, tags[5] = 'y' where email = 'ada@x.com' returning *`,
  `insert into TABLE (email, tags, rank) values ('ada@x.com', '{up}', 2) on conflict (email) do update set firstname = 'Up', tags = excluded.tags, rank = excluded.rank returning *`,
  `insert into TABLE (email, rank) values ('none@x.com', 0)`,
  `insert into TABLE (email, note) values ('none@x.com', 'far too long')`,
  `insert into TABLE (email, mood) values ('none@x.com', 'glad')`,
  `insert into TABLE (email, loud) values ('none@x.com', 'X')`,
  `insert into TABLE (email, serial_no) values ('none@x.com', 1)`,
];

describe.each([
  ["simple", "set datestyle = 'ISO'"],
  ["extended", odd],
])("%s", (queryMode, settings) => {
  test.each(statements)("P2: %s", async (statement) => {
    const accepted = statement.includes("returning");
    const said = [];
    for (const table of ["public.plain", "hubspot.contacts"]) {
      const client = await stack.client();
      await client.query(settings);
      const asked = {
        text: statement.replaceAll("TABLE", table),
        types: { getTypeParser: () => String },
        ...(queryMode === "extended" ? { queryMode } : {}),
      };
      said.push(await client.query(asked).then(shown, codeOf));
    }
    expect(said[0]).toMatchObject(accepted ? { rowCount: 1 } : { code: expect.any(String) });
    expect(said[1]).toEqual(said[0]);
  });
});

/** The rows without what only a mirror has, or gets from upstream. */
function shown({ rows, rowCount }: { rows: readonly Record<string, unknown>[]; rowCount: number | null }) {
  const kept = [...names.split(", "), "email", "firstname", "loud", "note"];
  return { rowCount, rows: rows.map((row) => Object.fromEntries(kept.map((name) => [name, row[name]]))) };
}

function codeOf({ code, column, constraint }: { code: string; column?: string; constraint?: string }) {
  return { code, column, constraint: constraint?.replace(/^plain_|^contacts_/, "") };
}
