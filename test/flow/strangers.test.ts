// Code of others on and around a mirror: it runs when a page is written, when a call is settled, and at the end of a write. It gets at
// nothing of ours by that, and writes nothing of upstream's.

import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { untilTrue } from "../support/sessions.js";
import { type Stack, startStack } from "../support/stack.js";

/** What only an owner, an administrator or the proxy could do; what finds no rows has not succeeded. */
const attempts: Readonly<Record<string, string>> = {
  "reads the keys": "perform from throughline.proxy_key; if not found then raise no_data_found; end if",
  "reads the journal": "perform from throughline.journal; if not found then raise no_data_found; end if",
  "opens a call": "insert into throughline.opened (call, mode) values (gen_random_uuid(), 'apply')",
  stages: "insert into throughline.staged (call, key) values (gen_random_uuid(), '501')",
  "makes a role": "create role made_by_a_stranger",
  "becomes the owner": "set local role throughline_owner",
  "becomes the owner of the mirrors": "set local role throughline_mirror",
  "becomes the login that migrates": "set local role throughline",
  "gets at the machine of the server": "grant pg_execute_server_program to stranger",
  "disables the guard": 'alter table hubspot.contacts disable trigger "~throughline"',
  "hands out a mirror":
    "grant update on hubspot.contacts to stranger; if not has_table_privilege('stranger', 'hubspot.contacts', 'update') then raise no_data_found; end if",
  "drops the guard": "drop function throughline.guard_1() cascade",
  "settles by itself": "perform throughline.settle(gen_random_uuid())",
  "writes a page": `perform throughline.sync_page(1, '[{"key": "502", "row": {"firstname": "Forged"}}]', 1, null, false, false, null)`,
  "leaves a door to the keys": `execute format('create or replace function eve.%I() returns bigint language sql security definer as $door$
      select count(*) from throughline.proxy_key $door$', 'keys of ' || current_user)`,
  "leaves a door to the pages": `execute format('create or replace function eve.%I() returns bigint language sql security definer as $door$
      select count(*) from throughline.sync_page(1, ''[{"key": "502", "row": {"firstname": "Forged"}}]'', 1, null, false, false, null) $door$',
      'pages of ' || current_user)`,
  "leaves a door to the rows": `execute format('create or replace function eve.%I() returns bigint language sql security definer as $door$
      with gone as (update hubspot.contacts set firstname = ''Forged'' returning 1) select count(*) from gone $door$', 'rows of ' || current_user)`,
  "changes another row and says so":
    "update hubspot.contacts set firstname = 'Forged' where id = '502' and firstname <> 'Forged'",
};

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ login: "server", seed: [{ email: "ada@example.com" }, { email: "bob@example.com" }] });
  await stack.admin.query(`do $$begin create role stranger; exception when duplicate_object then null; end$$;
    create schema eve authorization stranger; grant usage, create on schema eve to public;
    create table eve.seen (who text, what text); grant all on eve.seen to public;
    create table eve.queue (n int); grant all on eve.queue to public; 
    create function eve.probe() returns boolean language plpgsql as $probe$
    begin
      if current_user in ('app', session_user) and session_user <> 'server' or current_setting('eve.probing', true) = 'on' then return true; end if;
      perform set_config('eve.probing', 'on', true);
      insert into eve.seen values (current_user, 'ran');
      ${Object.entries(attempts)
        .map(
          ([what, sql]) =>
            `begin ${sql}; insert into eve.seen values (current_user, '${what}'); exception when others then null; end;`,
        )
        .join("\n      ")}
      perform set_config('eve.probing', '', true);
      return true;
    end $probe$;
    create function eve.fire() returns trigger language plpgsql as 'begin perform eve.probe(); return coalesce(new, old); end';
    create function eve.queue() returns trigger language plpgsql as 'begin insert into eve.queue values (1); return null; end';
    create function eve.requeue() returns trigger language plpgsql as $$begin
      perform eve.probe();
      if (select count(*) from eve.queue) < 4 then
        set constraints eve.again deferred;
        insert into eve.queue values (2);
      end if;
      return null; end$$;
    create constraint trigger again after insert on eve.queue deferrable initially deferred for each row execute function eve.requeue();
    create function eve.hold() returns trigger language plpgsql as $$begin
      execute 'declare held cursor with hold for select eve.probe()'; return null; exception when others then return null; end$$;
    create domain eve.checked as text check (eve.probe())`);
});
afterAll(() => stack.close());
beforeEach(() => stack.admin.query("truncate eve.seen, eve.queue"));

const kinds: readonly (readonly [what: string, make: string, unmake: string])[] = [
  ...["before", "after"].map(
    (when) =>
      [
        `a ${when} row trigger`,
        `create trigger strange ${when} insert or update or delete on hubspot.contacts for each row execute function eve.fire()`,
        "drop trigger strange on hubspot.contacts",
      ] as const,
  ),
  [
    "a statement trigger",
    "create trigger strange after insert or update on hubspot.contacts execute function eve.fire()",
    "drop trigger strange on hubspot.contacts",
  ],
  [
    "a deferred constraint trigger",
    "create constraint trigger strange after insert or update on hubspot.contacts deferrable initially deferred for each row execute function eve.fire()",
    "drop trigger strange on hubspot.contacts",
  ],
  [
    "a trigger that queues another one again and again",
    "create trigger strange after insert or update on hubspot.contacts for each row execute function eve.queue()",
    "drop trigger strange on hubspot.contacts",
  ],
  [
    "a cursor that outlives the transaction",
    "create trigger strange after insert or update on hubspot.contacts for each row execute function eve.hold()",
    "drop trigger strange on hubspot.contacts",
  ],
  [
    "a default",
    "alter table hubspot.contacts add column strange boolean; alter table hubspot.contacts alter column strange set default eve.probe()",
    "alter table hubspot.contacts drop column strange",
  ],
  [
    "a domain",
    "alter table hubspot.contacts add column strange eve.checked; alter table hubspot.contacts alter column strange set default 'x'",
    "alter table hubspot.contacts drop column strange",
  ],
  [
    "a CHECK",
    "alter table hubspot.contacts add constraint strange check (eve.probe()) not valid",
    "alter table hubspot.contacts drop constraint strange",
  ],
  [
    "a policy",
    "create policy strange on hubspot.contacts using (eve.probe()) with check (eve.probe()); alter table hubspot.contacts enable row level security",
    "alter table hubspot.contacts disable row level security; drop policy strange on hubspot.contacts",
  ],
];

const rolesThatRan = async () =>
  (await stack.admin.query("select distinct who from eve.seen where what = 'ran' order by 1")).rows.map(
    ({ who }) => who,
  );

/** What a stranger gets in a session of his own by the functions that his code has left behind as others'. */
async function behindDoors(): Promise<string[]> {
  const { rows } = await stack.admin.query(
    "select oid::regprocedure::text as door from pg_proc where pronamespace = 'eve'::regnamespace and prosecdef",
  );
  const opened: string[] = [];
  await stack.admin.query("set session authorization stranger");
  for (const { door } of rows) {
    const counted = await stack.admin.query(`select ${door} as count`).catch(() => undefined);
    if (counted && counted.rows[0].count !== "0") opened.push(door);
  }
  await stack.admin.query("reset session authorization");
  for (const { door } of rows) await stack.admin.query(`drop function ${door}`);
  return opened;
}

test.each(kinds)(
  "P14: %s gets nothing by a pull, a rollback that is settled, or a write",
  async (what, make, unmake) => {
    await stack.admin.query(make);
    try {
      stack.sandbox.edit("contacts", "501", { lastname: `edited ${Math.random()}` });
      stack.sandbox.seed("contacts", [{ email: `new${Math.random()}@example.com`, firstname: "New" }]);
      await stack.pull();
      const client = await stack.client();
      await client.query("begin");
      await client.query("update hubspot.contacts set lastname = 'rolled back' where id = '501'");
      await client.query("rollback");
      await client.query("update hubspot.contacts set lastname = 'written' where id = '501'");
      const { rows } = await stack.admin.query(
        "select distinct who || ' ' || what as deed from eve.seen where what not in ('ran', 'changes another row and says so') and what !~ '^leaves'",
      );
      expect(rows.map(({ deed }) => deed)).toEqual([]);
      expect(await behindDoors()).toEqual([]);
      const ran = await rolesThatRan();
      // A policy of ours lets the writer pass: theirs is not asked.
      expect(ran.length > 0).toBe(what !== "a policy");
      for (const role of ["throughline", "throughline_owner", "throughline_mirror"]) expect(ran).not.toContain(role);
      const upstream = stack.sandbox
        .records("contacts")
        .map(({ id, properties }) => [id, properties["firstname"] ?? null, properties["lastname"] ?? null]);
      const mirror = (await stack.admin.query("select id, firstname, lastname from hubspot.contacts order by id::int"))
        .rows;
      expect(mirror.map(({ id, firstname, lastname }) => [id, firstname, lastname])).toEqual(upstream);
      // An entry is closed behind the answer.
      await untilTrue(stack.admin, "not exists (select from throughline.journal where closed_at is null)");
    } finally {
      await stack.admin.query(unmake);
    }
  },
);
