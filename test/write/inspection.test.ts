// The look at a session: what a statement's names mean there, at a cost that grows with nothing that others have created.

import { afterAll, beforeAll, expect, test } from "vitest";
import type { InjectedStep } from "../../src/write/injected-step.js";
import { lookIntoBodies, lookStep, readLook } from "../../src/write/inspection.js";
import { type Stack, startStack } from "../support/stack.js";

let stack: Stack;
let relation: number;
beforeAll(async () => {
  stack = await startStack({ seed: [{ email: "ada@x.com" }] });
  relation = (await stack.admin.query("select 'hubspot.contacts'::regclass::oid as oid")).rows[0].oid;
});
afterAll(() => stack.close());

const parts = (step: InjectedStep) => {
  if (step.kind !== "sql") throw new Error(step.kind);
  return { text: step.text, values: [...step.values] };
};

async function look(step: InjectedStep) {
  const { rows } = await stack.admin.query<unknown[]>({
    ...parts(step),
    rowMode: "array",
    types: { getTypeParser: () => String },
  });
  return readLook(rows.map((row) => row.map((cell) => (typeof cell === "string" ? cell : null))));
}

const noNames = { relations: [], functions: [] };
const calling = (...calls: readonly string[]) => ({
  relations: [],
  functions: calls.map((call) => {
    const [table = "", schema = null] = call.split(".").reverse();
    return { schema, table };
  }),
});

test("the deferrable constraints of a mirror are those that the catalogue of constraints names", async () => {
  await stack.admin.query(`create table public.other (id text primary key deferrable, note text unique);
    create table public.far (id text primary key);
    alter table hubspot.contacts add constraint u unique (email) deferrable, add constraint plain unique (city),
      add constraint e exclude using btree (zip with =) deferrable initially deferred, add constraint "F k" foreign key (jobtitle) references public.other (note) deferrable,
      add constraint f_plain foreign key (phone) references public.far;
    create table public.actions (a text references hubspot.contacts on delete cascade on update cascade deferrable,
      b text references hubspot.contacts on delete set null deferrable initially deferred, c text references hubspot.contacts on delete restrict deferrable,
      d text references hubspot.contacts deferrable, e text references hubspot.contacts);
    create function public.nothing() returns trigger language plpgsql as 'begin return null; end';
    create constraint trigger "T" after insert on hubspot.contacts deferrable for each row execute function public.nothing();
    create constraint trigger t_plain after insert on hubspot.contacts for each row execute function public.nothing();
    create trigger t_row after insert on hubspot.contacts for each row execute function public.nothing();
    create table public.self (id text primary key deferrable)`);
  const { rows } =
    await stack.admin.query(`select string_agg(format('%I.%I', n.nspname, c.conname), ', ' order by format('%I.%I', n.nspname, c.conname)) as names
    from pg_constraint c join pg_namespace n on n.oid = c.connamespace
    where c.condeferrable and 'hubspot.contacts'::regclass in (c.conrelid, c.confrelid)`);
  const { deferrable } = await look(lookStep(noNames, [relation], undefined));
  expect(deferrable?.split(", ")).toHaveLength(8);
  expect(deferrable?.split(", ").sort()).toEqual(rows[0].names.split(", ").sort());
  await stack.admin.query(
    'drop table public.actions; alter table hubspot.contacts drop constraint u, drop constraint e, drop constraint "F k"; drop trigger "T" on hubspot.contacts',
  );
  expect((await look(lookStep(noNames, [relation], undefined))).deferrable).toBeNull();
});

test("a call leads to the volatile functions of its name that the session would find", async () => {
  const { admin } = stack;
  await admin.query(`create schema near; create schema far; set search_path = near, far, public;
    create function near.f(int) returns int language sql as 'select 1'; create function far.f(int) returns int language sql as 'select 2';
    create function far.f(text) returns int language sql as 'select 3'; create function far.f(text, text) returns int stable language sql as 'select 4';
    create function far.g() returns int stable language sql as 'select 5'; create schema hidden;
    create function hidden.g() returns int language sql as 'select 6'; create function hidden."G 1"() returns int language sql as 'select 6';
    create function pg_temp.f(int) returns int language sql as 'select 7'; create function public.g() returns int language sql as 'select 8'`);
  const called = async (...calls: readonly string[]) => {
    const { called: versions } = await look(lookStep(calling(...calls), [relation], undefined));
    const { rows } = await admin.query("select xmin::text as version, prosrc from pg_proc where oid = any($1)", [
      versions.map(({ oid }) => oid),
    ]);
    expect(rows.map(({ version }) => version).sort()).toEqual(versions.map(({ version }) => version).sort());
    return rows.map(({ prosrc }) => Number(prosrc.split(" ")[1])).sort();
  };
  expect(await called("f")).toEqual([1, 3]);
  expect(await called("g")).toEqual([]);
  expect(await called("far.f", "far.f", "f")).toEqual([1, 2, 3]);
  expect(await called("hidden.g", "hidden.G 1", "nowhere.f", "nothing_such")).toEqual([6, 6]);
  expect(await called("pg_temp.f")).toEqual([7]);
  expect(await called("nextval", "pg_catalog.random")).toEqual([]);
  await admin.query("set search_path = public");
  expect(await called("g", "f")).toEqual([8]);
  await admin.query("reset search_path; drop schema near cascade; drop schema far cascade; drop schema hidden cascade");
});

test("what the bodies of functions name is looked up as far as the session may", async () => {
  const names = {
    relations: [
      { schema: "shut", table: "t" },
      { schema: "hubspot", table: "contacts" },
      { schema: null, table: 'no"ne' },
    ],
    functions: [],
  };
  await stack.admin.query(
    "create schema shut; create table shut.t (id int); grant usage on schema hubspot to app_nothing; set role app_nothing",
  );
  await expect(look(lookStep(names, [relation], undefined))).rejects.toMatchObject({ code: "42501" });
  expect((await look(lookIntoBodies(names, [relation]))).mirrors).toEqual([relation]);
  await stack.admin.query("reset role; drop schema shut cascade");
});

interface PlanNode {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Shared Hit Blocks": number;
  readonly "Shared Read Blocks": number;
  readonly Plans?: readonly PlanNode[];
}

/** What a look reads: blocks of the catalogue, and which of it as a whole. */
async function cost(step: InjectedStep): Promise<{ readonly blocks: number; readonly wholes: readonly string[] }> {
  const { text, values } = parts(step);
  const { rows } = await stack.admin.query(`explain (analyze, buffers, format json) ${text}`, values);
  const [{ Plan: plan }] = rows[0]["QUERY PLAN"];
  const nodes: PlanNode[] = [plan];
  for (const node of nodes) nodes.push(...(node.Plans ?? []));
  return {
    blocks: plan["Shared Hit Blocks"] + plan["Shared Read Blocks"],
    wholes: nodes.flatMap((node) => (node["Node Type"] === "Seq Scan" ? [node["Relation Name"] ?? ""] : [])),
  };
}

test("P15: a look costs the same beside 10,000 functions, 4,000 views, constraints and types of another role", async () => {
  const { admin } = stack;
  await admin.query(`create schema mine; create function mine.put() returns void language sql as 'delete from hubspot.contacts'; create view mine.people as select * from hubspot.contacts;
    create table mine.plain (id int)`);
  const mirrors = [
    relation,
    ...(await admin.query("select oid from pg_class where relkind = 'r' and oid < 16384 order by 1 limit 99")).rows.map(
      ({ oid }) => oid,
    ),
  ];
  const steps = {
    "a mirror": lookStep({ relations: [{ schema: "hubspot", table: "contacts" }], functions: [] }, mirrors, undefined),
    "a view": lookStep({ relations: [{ schema: "mine", table: "people" }], functions: [] }, mirrors, undefined),
    "a function": lookStep(calling("mine.put", "put"), mirrors, undefined),
    "a body": lookIntoBodies(
      { ...calling("put", "get", "if"), relations: [{ schema: "mine", table: "plain" }] },
      mirrors,
    ),
  };
  const costs = async () => {
    await admin.query(
      "vacuum analyze pg_proc, pg_class, pg_rewrite, pg_depend, pg_constraint, pg_trigger, pg_namespace, pg_type",
    );
    const list = [];
    for (const [name, step] of Object.entries(steps)) {
      await cost(step);
      list.push({ name, ...(await cost(step)) });
    }
    return list;
  };
  const before = await costs();
  await admin.query(`create schema eve; grant references on hubspot.contacts to app;
    do $$ begin
      for i in 1..10000 loop execute format('create function eve.f%s() returns void language sql as ''delete from hubspot.contacts''', i); end loop;
      for i in 1..4000 loop execute format('create view eve.v%s as select email from hubspot.contacts', i); end loop; end $$;
    do $$ begin
      for i in 1..1000 loop execute format('create table eve.t%s (a int unique deferrable, b int check (b > 0), c int check (c > 0), d int check (d > 0))', i); end loop;
      for i in 1..4000 loop execute format('create type eve.y%s as enum (''a'')', i); execute format('create domain eve.d%s as int check (value > 0)', i); end loop; end $$`);
  const after = await costs();
  for (const [index, { name, blocks, wholes }] of after.entries()) {
    expect({ name, wholes }).toEqual({ name, wholes: [] });
    // An index of the catalogue has grown by a level, perhaps.
    expect({ name, isMore: blocks > 1.5 * (before[index]?.blocks ?? 0) + 50 }).toEqual({ name, isMore: false });
  }
});
