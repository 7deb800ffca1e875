// A schema in which each function, operator, type and relation of Postgres's own has a namesake that springs a trap: whoever looks for
// an unqualified name there first is found out.

import pg from "pg";
import type { TestDatabase } from "./database.js";

/** Makes the schema `shadow`, and it is where sessions of that database look first: those of one role, or all. */
export async function castShadow(database: TestDatabase, role?: string): Promise<void> {
  const admin = new pg.Client({ connectionString: database.urlOf() });
  await admin.connect();
  const made = await makeShadowSchema(admin);
  if (made < 3_000) throw new Error(`the schema has ${made} namesakes only`);
  const whose = role === undefined ? "database" : `role ${role} in database`;
  await admin.query(`alter ${whose} ${database.name} set search_path = shadow, pg_catalog, public`);
  await admin.end();
}

/** The namesakes that were called, also by a statement that failed. */
export async function sprungTraps(admin: pg.Client): Promise<number> {
  const { rows } = await admin.query(
    "select case when is_called then last_value else 0 end::integer as n from shadow.sprung",
  );
  return rows[0].n;
}

/** Returns how many namesakes the schema has. Every role may use it. */
async function makeShadowSchema(admin: pg.Client): Promise<number> {
  await admin.query("set search_path = pg_catalog; set check_function_bodies = off");
  await admin.query(trapSql);
  const { rows } = await admin.query(namesakesSql);
  let made = 0;
  for (const { sql, otherwise } of rows) made += await makeFirst(admin, [sql, otherwise]);
  await admin.query("reset search_path; reset check_function_bodies");
  return made;
}

/** Some can't be made in the one way, and a few in none. */
async function makeFirst(admin: pg.Client, ways: readonly (string | null)[]): Promise<number> {
  for (const sql of ways) {
    const isMade = await admin.query(sql ?? "").then(
      () => sql !== null,
      () => false,
    );
    if (isMade) return 1;
  }
  return 0;
}

const trapSql = `create schema shadow;
  grant usage on schema shadow to public;
  create sequence shadow.sprung;
  grant usage on sequence shadow.sprung to public;
  create function shadow.trap() returns boolean language plpgsql as $$
    begin perform pg_catalog.nextval('shadow.sprung'); raise exception 'a name was found in the schema "shadow"'; end $$`;

const trapBody = `language plpgsql as 'begin return shadow.trap(); end'`;
/** For arguments that no other language takes: it refuses whatever it is given. */
const internalBody = `language internal as 'anyarray_in'`;

/** How each namesake is made, and how otherwise. */
const namesakesSql = `
  select format('create function shadow.%I(%s) returns boolean ${trapBody.replaceAll("'", "''")}', proname, arguments) as sql,
      format('create function shadow.%I(%s) returns boolean ${internalBody.replaceAll("'", "''")}', proname, arguments) as otherwise
    from (select proname, case when proallargtypes is null and prokind = 'f' then pg_get_function_arguments(oid)
        else (select string_agg(format_type(t, null), ', ' order by n) from unnest(proargtypes) with ordinality a(t, n)) end as arguments
      from pg_proc where pronamespace = 'pg_catalog'::regnamespace and not proargtypes::oid[] && array['internal', 'cstring']::regtype[]::oid[]) f
  union all
  select format('create function shadow.operator_%s(%s) returns boolean ${trapBody.replaceAll("'", "''")}; %s', oid, arguments, operator),
      format('create function shadow.operator_%s(%s) returns boolean ${internalBody.replaceAll("'", "''")}; %s', oid, arguments, operator)
    from (select oid, concat_ws(', ', nullif(oprleft, 0)::regtype, oprright::regtype) as arguments,
        format('create operator shadow.%s (%s rightarg = %s, function = shadow.operator_%s)', oprname,
          case when oprleft <> 0 then format('leftarg = %s,', oprleft::regtype) end, oprright::regtype, oid) as operator
      from pg_operator where oprnamespace = 'pg_catalog'::regnamespace and oprright <> 0) o
  union all
  select format('create domain shadow.%I as pg_catalog.%I check (shadow.trap())', typname, typname), null
    from pg_type where typnamespace = 'pg_catalog'::regnamespace and typtype in ('b', 'r') and typelem = 0
  union all
  select format('create view shadow.%I as select * from pg_catalog.%I where shadow.trap(); grant select on shadow.%I to public', relname, relname, relname),
      format('create view shadow.%I as select shadow.trap(); grant select on shadow.%I to public', relname, relname)
    from pg_class where relnamespace = 'pg_catalog'::regnamespace and relkind in ('r', 'v')`;
