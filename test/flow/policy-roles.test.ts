// Whose rights a write uses is who the policy `write` of throughline.yaml is asked for: of the session, the current role, and the owners
// of the views, rules and SECURITY DEFINER functions on its way to the mirror.

import { serialize } from "pg-protocol";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { migrateAll } from "../../src/app/migrate.js";
import { refused } from "../support/answers.js";
import { startShelfStack } from "../support/foreign/stack.js";
import { policyPaths } from "../support/policy-paths.js";
import { WireClient } from "../support/wire.js";

const start = () =>
  startShelfStack({
    table: {
      write: [
        { role: "clerk", verbs: ["update"], columns: ["title"], rows: 1 },
        ...["throughline_mirror", "switcher"].map((role) => ({ role, verbs: [] })),
        { verbs: ["insert", "update", "delete"] },
      ],
    },
    switches: ["switcher"],
  });

let stack: Awaited<ReturnType<typeof start>>;
let version: number;
beforeAll(async () => {
  stack = await start();
  stack.api.seed(["1", "2", "3", "4"].map((isbn) => ({ title: "old", isbn, pages: 1 })));
  await stack.pull();
  const { admin } = stack;
  for (const role of ["clerk", "head", "eve", "switcher"]) {
    const { rowCount } = await admin.query("select from pg_roles where rolname = $1", [role]);
    if (rowCount === 0) await admin.query(`create role ${role} login password '${role}'`);
  }
  const { rows } = await admin.query("select current_setting('server_version_num')::int / 10000 as version");
  version = rows[0].version;
  await admin.query(`grant clerk, head, eve to switcher; grant head to clerk; create schema desk;
    grant usage, create on schema desk to clerk, head; grant usage on schema desk, shelf to eve;
    grant usage on schema shelf to clerk, head; grant all on shelf.books to clerk, head, eve;
    alter table shelf.books add parent uuid references shelf.books on delete cascade;
    create table desk.shelves (id integer primary key); grant all on desk.shelves to clerk, head, eve; insert into desk.shelves values (1);
    alter table shelf.books add shelf integer references desk.shelves on delete cascade`);
  await migrateAll(stack.opened, { dryRun: false });
  await admin.query(`update shelf.books set parent = (select id from shelf.books where isbn = '3') where isbn = '4'`);
  await admin.query("update shelf.books set shelf = 1 where isbn = '1'");
  for (const { make, since = 0 } of Object.values(policyPaths)) {
    if (version < since) continue;
    for (const owner of ["clerk", "head"]) await admin.query(`set role ${owner}; ${make(owner)}; reset role`);
  }
  await admin.query(`set role clerk; create function desk.looks() returns void language sql security definer as
      'delete from shelf.books where false'; reset role;
    create function desk.tries() returns void language plpgsql as $$ begin
      begin perform desk.looks(); raise 'undone'; exception when others then null; end;
      delete from shelf.books where isbn = '2'; end $$;
    create function desk.later() returns void language plpgsql as
      $$begin delete from shelf.books where "isbn" = '1' and now() is not null; end$$;
    create view desk.last as select * from shelf.books;
    grant select, insert, update, delete on all tables in schema desk to eve`);
  const eve = await stack.client("eve");
  const isKnown = async () => (await refused(eve.query("update desk.last set date_updated = now()"))).code === "428C9";
  await vi.waitUntil(isKnown, { timeout: 60_000 });
});
afterAll(() => stack.close());
beforeEach(() => stack.api.clearLog());

/** A session that sends nothing. */
async function rehearsing(role: string) {
  const client = await stack.client(role);
  await client.query("set throughline.dry_run = on");
  return client;
}

const removal = "delete from shelf.books where isbn = '1'";
const accepted = { code: "accepted" };
const forbidden = (role: string, verb = "DELETE") => ({
  code: "42501",
  message: `throughline: role "${role}" may not ${verb} on "shelf"."books"`,
  hint: 'Nothing was sent. The rule is "write" of apis.shelf.tables.books in throughline.yaml.',
});

test.each(Object.entries(policyPaths))(
  "P14: whose rights a statement uses is asked: by %s",
  async (_, { run, verb = "DELETE", since = 0 }) => {
    if (version < since) return;
    const sender = await stack.client("eve");
    expect(await refused(sender.query(run("clerk")))).toMatchObject(forbidden("clerk", verb));
    const eve = await rehearsing("eve");
    expect(await refused(eve.query(run("clerk")))).toMatchObject(forbidden("clerk", verb));
    expect(await refused(eve.query(run("head")))).toMatchObject(accepted);
    expect(stack.api.log).toEqual([]);
  },
);

test("P14: what a view lends has the columns and rows of its owner's rule, and no more", async () => {
  const eve = await stack.client("eve");
  expect((await eve.query("update desk.clerk_view set title = 'new' where isbn = '2'")).rowCount).toBe(1);
  expect(stack.api.log).toHaveLength(1);
  expect(await refused(eve.query("update desk.clerk_view set pages = 2 where isbn = '2'"))).toMatchObject({
    code: "42501",
    column: "pages",
    message: 'throughline: role "clerk" may not write column "pages" of "shelf"."books"',
  });
  expect(await refused(eve.query("update desk.clerk_view set title = 'all'"))).toMatchObject({
    code: "54000",
    message: 'throughline: role "clerk" may write 1 row of "shelf"."books" in one statement, not 4',
  });
  expect(await refused(eve.query("delete from shelf.books where isbn = '2' and false"))).toEqual(accepted);
  expect(stack.api.log).toHaveLength(1);
});

test("P14: EXPLAIN says who may not", async () => {
  const eve = await stack.client("eve");
  for (const path of ["a view", "a function"]) {
    const { rows } = await eve.query(`explain ${policyPaths[path]?.run("clerk")}`);
    expect(rows.map((row) => row["QUERY PLAN"])).toContain(
      `Throughline: no request: it would be refused (42501: ${forbidden("clerk").message})`,
    );
  }
});

test("P14: settings and names of others hide no owner, and no name in a text asks for one", async () => {
  const { admin } = stack;
  const eve = await rehearsing("eve");
  const lends = "select desk.clerk_lends()";
  expect(await refused(eve.query(lends))).toMatchObject(forbidden("clerk"));
  await eve.query("set quote_all_identifiers = on");
  expect(await refused(eve.query(lends))).toMatchObject(forbidden("clerk"));
  await eve.query("reset quote_all_identifiers");
  await admin.query(`create schema attic authorization clerk; grant usage on schema attic to eve; set role clerk;
    create function attic.wraps() returns void language plpgsql security definer as 'begin perform desk.clerk_lent(); end'; reset role`);
  const wraps = (schema: string) => `with none as (delete from shelf.books where false) select ${schema}.wraps()`;
  expect(await refused(eve.query(wraps("attic")))).toMatchObject(forbidden("clerk"));
  await admin.query("alter schema attic rename to loft");
  expect(await refused(eve.query(wraps("loft")))).toMatchObject(forbidden("clerk"));
  await admin.query("drop schema loft cascade");
  // Of the role that may not, and called as what the others' statements call.
  await admin.query(`set role clerk; create function desk."now"() returns void language plpgsql security definer as 'begin end';
    create function desk.e() returns void language plpgsql security definer as 'begin end';
    create function desk.isbn() returns void language sql security definer as 'select'; reset role`);
  expect(await refused(eve.query("select desk.later()"))).toMatchObject(accepted);
  await admin.query('drop function desk."now"(), desk.e(), desk.isbn()');
});

test("P14: a plan that Postgres keeps asks each time whose view it writes to", async () => {
  const eve = await rehearsing("eve");
  await eve.query("set plan_cache_mode = force_generic_plan");
  await eve.query("prepare remove as delete from desk.clerk_view where isbn = '1'");
  for (let run = 0; run < 4; run += 1) {
    expect(await refused(eve.query("select desk.head_names()"))).toMatchObject(accepted);
    for (const sql of ["select desk.clerk_names()", "select desk.clerk_makes()", "execute remove"])
      expect(await refused(eve.query(sql)), sql).toMatchObject(forbidden("clerk"));
  }
});

test.each(["true", "on", "1", "yes", "TRUE", "t", "'y'"])(
  "P14: a view with security_invoker = %s asks who uses it, and not its owner",
  async (spelling) => {
    if (version < 15) return;
    await stack.admin.query(`set role clerk; drop view if exists desk.invoked; create view desk.invoked
      with (security_barrier, security_invoker = ${spelling}, check_option = local) as select * from shelf.books;
      reset role; grant all on desk.invoked to eve`);
    const use = "delete from desk.invoked where isbn = '1'";
    const [eve, clerk] = [await rehearsing("eve"), await rehearsing("clerk")];
    await vi.waitUntil(async () => (await refused(eve.query(use))).code !== "0A000", { timeout: 60_000 });
    expect(await refused(eve.query(use))).toMatchObject(accepted);
    expect(await refused(clerk.query(use))).toMatchObject(forbidden("clerk"));
  },
);

const takenOn: readonly (readonly [login: string, statements: string, asked: string | undefined])[] = [
  ["postgres", "set role clerk", "clerk"],
  ["postgres", "begin; set local role clerk", "clerk"],
  ["postgres", "set session authorization clerk", "clerk"],
  ["postgres", "set session authorization clerk; set role head", "clerk"],
  ["postgres", "set session authorization switcher; set role head", undefined],
  ["clerk", "set role head", "clerk"],
  ["eve", "reset role", undefined],
  ["switcher", "set role head", undefined],
  ["switcher", "begin; set local role head", undefined],
  ["switcher", "set role clerk", "clerk"],
  ["switcher", "reset role", "switcher"],
  ["postgres", "set role switcher", "switcher"],
  ["postgres", "set role throughline_mirror", "throughline_mirror"],
];

test.each(takenOn)("P14: a session of %s after %s asks %s", async (login, statements, asked) => {
  for (const sql of [removal, "do $$ begin delete from shelf.books where isbn = '1'; end $$"]) {
    const client = await rehearsing(login);
    await client.query(statements);
    expect(await refused(client.query(sql)), sql).toMatchObject(asked === undefined ? accepted : forbidden(asked));
    await client.query("rollback");
  }
});

test("P14: a role that a function takes on for its write is asked", async () => {
  const client = await rehearsing("switcher");
  await client.query("set role eve");
  const as = (role: string) => `do $$ begin set local role ${role}; ${removal}; reset role; set local role eve; end $$`;
  expect(await refused(client.query(as("head")))).toMatchObject(accepted);
  expect(await refused(client.query(as("clerk")))).toMatchObject(forbidden("clerk"));
});

test("P14: COPY into a mirror, and into a view, is held to the policy", async () => {
  const copied = async (role: string, target: string) => {
    const wire = await WireClient.login(stack.port, role, stack.database);
    wire.send(serialize.query(`copy ${target} from stdin`));
    await wire.until("G");
    wire.send(serialize.copyData(Buffer.from("1\n")), serialize.copyDone());
    const messages = await wire.until("Z");
    wire.close();
    return Buffer.concat(messages.map(({ bytes }) => bytes)).toString();
  };
  expect(await copied("clerk", "shelf.books (title)")).toContain(forbidden("clerk", "INSERT").message);
  expect(await copied("eve", "desk.clerk_instead")).toContain(forbidden("clerk").message);
});

test("P14: the cascade of a foreign key asks whoever has it fire, and not the mirror's owner", async () => {
  const family = "delete from shelf.books where isbn = '3'";
  expect(await refused((await rehearsing("eve")).query(family))).toMatchObject(accepted);
  expect(await refused((await rehearsing("clerk")).query(family))).toMatchObject(forbidden("clerk"));
});

test("P14: what a function undoes of no rows asks nobody, and the write beside it is planned", async () => {
  const eve = await rehearsing("eve");
  expect(await refused(eve.query("select desk.tries()"))).toMatchObject(accepted);
});

test("P14: a client that names roles itself adds them for its own statement, and nothing else", async () => {
  const eve = await rehearsing("eve");
  const naming = (role: string) =>
    `with gone as (${removal} returning isbn) select throughline.note_role('${role}', '') from gone`;
  expect(await refused(eve.query(naming("clerk")))).toMatchObject(forbidden("clerk"));
  expect(await refused(eve.query(naming("nobody_such")))).toMatchObject(accepted);
  expect(await refused(eve.query(naming("eve")))).toMatchObject(accepted);
  await eve.query("select throughline.note_role('clerk', '')");
  expect(await refused(eve.query(removal))).toMatchObject(accepted);
  expect((await stack.admin.query("select from throughline.planned_role")).rowCount).toBe(0);
});
