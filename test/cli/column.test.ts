// `column`: a local column comes and goes with the guard that knows it, and the API's own columns stay.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { migrateAll } from "../../src/app/migrate.js";
import { columnCommand } from "../../src/cli/column.js";
import { MigrateError } from "../../src/mirror/migrate-error.js";
import { runCommand } from "../support/command.js";
import type { Ran } from "../support/program.js";
import { type Stack, startStack } from "../support/stack.js";

const folder = mkdtempSync(join(tmpdir(), "throughline-column-"));
const config = join(folder, "throughline.yaml");
let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ seed: [{ email: "ada@example.com" }] });
  writeFileSync(
    config,
    `postgres: "${stack.opened.config.postgres.url}"
apis: {hubspot: {base: "${stack.sandbox.url}", token: "\${HOME}", tables: [contacts, deals]}}
`,
  );
});
afterAll(async () => {
  await stack.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Words as a shell has them; a mistake of the user's that is no usage error is code 1, as in src/main.ts. */
const column = (words: string, json = false): Promise<Ran> =>
  runCommand(columnCommand, { config, names: words.split(" "), json }).catch((cause: unknown) => {
    if (!(cause instanceof MigrateError)) throw cause;
    return { code: 1, out: "", err: cause.message };
  });
const guard = async () => {
  const { rows } = await stack.admin.query(
    "select proname, prosrc from pg_proc where proname ~ '^(guard|capture|lock|apply|stage|local)_[0-9]+$' order by proname",
  );
  return rows;
};
const columns = async () => {
  const { rows } = await stack.admin.query(
    `select attname, format_type(atttypid, atttypmod) as type from pg_attribute
     where attrelid = 'hubspot.contacts'::regclass and attnum > 0 and not attisdropped`,
  );
  return Object.fromEntries(rows.map(({ attname, type }) => [attname, type]));
};

test("a local column is written through the proxy with no call of its own, and kept by one", async () => {
  expect(await column("add hubspot.contacts note text")).toEqual({
    code: 0,
    out: 'alter table "hubspot"."contacts" add column "note" text;\n',
    err: "",
  });
  const client = await stack.client();
  const before = stack.writes().length;
  await client.query("update hubspot.contacts set note = 'mine' where email = 'ada@example.com'");
  expect(stack.writes()).toHaveLength(before);
  const changed = await client.query(
    "update hubspot.contacts set firstname = 'Ada', note = note || '!' returning note",
  );
  expect(changed.rows).toEqual([{ note: "mine!" }]);
  const inserted = await client.query(
    "insert into hubspot.contacts (email, note) values ('new@example.com', 'theirs') returning note",
  );
  expect(inserted.rows).toEqual([{ note: "theirs" }]);
});

test("the guard is the one that migrate would make, and is restored when the column is dropped", async () => {
  const before = await guard();
  await column("add hubspot.contacts score numeric(10,2)");
  const added = await guard();
  expect(added).not.toEqual(before);
  expect((await columns())["score"]).toBe("numeric(10,2)");
  expect(await migrateAll(stack.opened, { dryRun: false })).toEqual([]);
  expect(await guard()).toEqual(added);
  expect(await column("drop hubspot.contacts score", true)).toEqual({
    code: 0,
    out: `${JSON.stringify({ sql: 'alter table "hubspot"."contacts" drop column "score"' })}\n`,
    err: "",
  });
  expect(await guard()).toEqual(before);
  const client = await stack.client();
  expect((await client.query("delete from hubspot.contacts where email = 'new@example.com'")).rowCount).toBe(1);
});

test("the type may have several words, be a list, or be the user's own", async () => {
  await stack.admin.query("create type public.mood as enum ('good', 'bad')");
  expect((await column("add hubspot.contacts ratio double precision")).code).toBe(0);
  expect((await column("add hubspot.contacts tags text[]")).code).toBe(0);
  expect(await column("add hubspot.contacts mood mood")).toMatchObject({
    code: 0,
    out: 'alter table "hubspot"."contacts" add column "mood" public.mood;\n',
  });
  expect(await columns()).toMatchObject({ ratio: "double precision", tags: "text[]", mood: "mood" });
  const client = await stack.client();
  const { rows } = await client.query(
    "update hubspot.contacts set mood = 'good', tags = '{a,b}' where email = 'ada@example.com' returning mood, tags",
  );
  expect(rows).toEqual([{ mood: "good", tags: ["a", "b"] }]);
});

test.each([
  ["varchar(10)", "character varying(10)"],
  ["timestamp(3) with time zone[]", "timestamp(3) with time zone[]"],
  ["interval minute to second(2)", "interval minute to second(2)"],
  ['"char"', '"char"'],
  ["public.short_name", "short_name"],
])("the type %s keeps its modifier", async (type, shown) => {
  if (type === "public.short_name") await stack.admin.query("create domain public.short_name as varchar(10)");
  expect(await column(`add hubspot.contacts x ${type}`)).toMatchObject({ code: 0, err: "" });
  expect((await columns())["x"]).toBe(shown);
  expect((await column("drop hubspot.contacts x")).code).toBe(0);
});

test("a domain of a role without rights, or one that calls its functions, is no local column's: they would run as the login", async () => {
  await stack.admin.query(`grant create on schema public to app; set role app;
    create function public.is_ours(text) returns boolean language plpgsql as $$begin raise exception 'run by %', current_user; end$$;
    create function public.same(text, text) returns boolean language sql as 'select true';
    create operator public.=== (leftarg = text, rightarg = text, function = public.same);
    create domain public.theirs as text;
    reset role; revoke create on schema public from app;
    create domain public.above as public.theirs;
    create domain public.by_check as text check (public.is_ours(value));
    create domain public.by_default as text default public.is_ours('x')::text;
    create domain public.by_operator as text check (value operator(public.===) 'x');
    create domain public.plain as text check (value ~ '@') default 'a@b'`);
  for (const [type, part] of [
    ["theirs", "domain public.theirs"],
    ["above", "domain public.theirs"],
    ["by_check", "function public.is_ours(text)"],
    ["by_default", "function public.is_ours(text)"],
    ["by_operator", "function public.same(text,text)"],
  ])
    expect(await column(`add hubspot.contacts x ${type}`)).toEqual({
      code: 1,
      out: "",
      err: `the ${part} belongs to role "app", whose code would run as the login while the column is added: choose the type below this domain, or let the owner of the database own it and what it calls`,
    });
  await stack.admin.query(`alter domain public.theirs owner to postgres; alter function public.is_ours owner to throughline;
    create or replace function public.is_ours(text) returns boolean language sql as 'select true'`);
  for (const type of ["above", "by_check", "plain"]) {
    expect((await column(`add hubspot.contacts x ${type}`)).code).toBe(0);
    expect((await column("drop hubspot.contacts x")).code).toBe(0);
  }
});

const refused: readonly (readonly [words: string, code: number, says: string])[] = [
  [
    "add hubspot.contacts email text",
    1,
    '"email" of hubspot.contacts is a column of the API\'s: choose another name for a local column',
  ],
  [
    "drop hubspot.contacts email",
    1,
    '"email" of hubspot.contacts is a column of the API\'s: "columns" of the table in the config says which columns are mirrored',
  ],
  ["add hubspot.contacts note text", 1, '"hubspot"."contacts" has a column "note" already, a local one'],
  ["drop hubspot.contacts noet", 1, '"hubspot"."contacts" has no local column "noet"; did you mean "note"?'],
  ["add hubspot.contacts x strnig", 1, '"strnig" is no type of this database; a local column has a type and no more'],
  ["add hubspot.contacts x text not null", 1, '"text not null" is no type of this database'],
  ["add hubspot.contacts x int; drop table hubspot.contacts", 1, '"int; drop table hubspot.contacts" is no type'],
  [`add hubspot.contacts ${"x".repeat(64)} text`, 1, "the name of a column has 1 to 63 bytes, not 64"],
  ["add hubspot.deals x text", 1, 'hubspot.deals has no mirror yet: run "throughline migrate"'],
  ["add hubspot.contact x text", 2, 'the config has no table "hubspot.contact"; did you mean "hubspot.contacts"?'],
  ["add hubspot.contacts x", 2, "column takes add API.TABLE NAME TYPE, or drop API.TABLE NAME"],
  ["drop hubspot.contacts note text", 2, "column takes add API.TABLE NAME TYPE, or drop API.TABLE NAME"],
  ["rename hubspot.contacts note", 2, "column takes add API.TABLE NAME TYPE, or drop API.TABLE NAME"],
];

test.each(refused)("column %s ends with %i and changes nothing", async (words, code, says) => {
  const before = [await columns(), await guard()];
  const ran = await column(words);
  expect([ran.code, ran.out, ran.err.slice(0, says.length)]).toEqual([code, "", says]);
  expect([await columns(), await guard()]).toEqual(before);
});

test("a mirror that another transaction has locked is not waited for long", async () => {
  await stack.admin.query("begin; lock table hubspot.contacts in row exclusive mode");
  const ran = await column("drop hubspot.contacts note");
  await stack.admin.query("rollback");
  expect(ran).toMatchObject({ code: 1, err: expect.stringContaining("is in use by another transaction") });
});
