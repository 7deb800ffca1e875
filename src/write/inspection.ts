// What a statement's names mean in its session: one look, by a statement of ours. All names in it are qualified, as in every statement that
// we inject: the client's search_path is not ours.

import { z } from "zod";
import { memberOf } from "../config/member.js";
import { quoteName } from "../postgres/quote.js";
import { parseJson } from "../postgres/rows.js";
import type { TableName, Write } from "../sql/classification.js";
import type { InjectedStep, Rows } from "./injected-step.js";

/** What a statement's names mean in its session, and the session's settings. */
export interface Inspection extends Look {
  /** It calls a function that may write to a mirror. */
  readonly callsWriter: boolean;
}

/** One version of a function; `version` is the xmin of its row. */
export interface FunctionVersion {
  readonly oid: number;
  readonly version: string;
}

/** What one look at the session tells. */
export interface Look {
  /** What is prepared under the name that was asked for; null: nothing. */
  readonly prepared: string | null;
  /** The functions that the statement's calls may lead to in this session, and that may write at all. */
  readonly called: readonly FunctionVersion[];
  /** What the statement's targets are in this session. */
  readonly relations: readonly number[];
  /** The mirrors among them, and those that views and rules of theirs lead to. */
  readonly mirrors: readonly number[];
  readonly isolation: string;
  readonly clientEncoding: string;
  readonly standardStrings: boolean;
  /** Empty: the session has set none. */
  readonly transactionMode: string;
  readonly chunk: boolean;
  /** Everything but send. */
  readonly dryRun: boolean;
  /** Undefined: none. */
  readonly statementTimeoutMs: number | undefined;
  /** session_user. */
  readonly sessionRole: string;
  /** current_user. */
  readonly role: string;
  readonly application: string;
  /** client_min_messages, when it hides warnings. */
  readonly quiet: string | undefined;
  /** Whether it hides notices. */
  readonly hidesNotices: boolean;
  /** The mirrors' deferrable constraints, as SET CONSTRAINTS takes them; null when there are none. */
  readonly deferrable: string | null;
}

/** As many functions of one statement's calls are looked at: those that were made first. */
const mostCalled = 1_000;

const equal = "operator(pg_catalog.=)";

type Names = Pick<Write, "relations" | "functions">;

/** Returns the step that looks at what a statement names, and at its session. `mirrors`: the relations of all there are. */
export function lookStep(names: Names, mirrors: readonly number[], preparedName: string | undefined): InjectedStep {
  return look("pg_catalog.to_regclass(spelling)", names, mirrors, preparedName);
}

/**
 * Returns the step that looks at what the bodies of functions name. Their owners may use schemas that the session may not, so that
 * Postgres would refuse to look into them.
 */
export function lookIntoBodies(names: Names, mirrors: readonly number[]): InjectedStep {
  const mayLook = `schema is null or pg_catalog.has_schema_privilege(${schemaOid("schema")}, 'usage')`;
  return look(`case when ${mayLook} then pg_catalog.to_regclass(spelling) end`, names, mirrors, undefined);
}

function distinct(names: readonly TableName[]): TableName[] {
  return [...new Map(names.map((name) => [JSON.stringify([name.schema, name.table]), name])).values()];
}

/** The oid of a schema by its name; null when there is none. */
function schemaOid(name: string): string {
  return `pg_catalog.to_regnamespace(pg_catalog.quote_ident(${name}))::pg_catalog.oid`;
}

/**
 * Nothing in the look reads a whole catalogue, however much of it others have filled: `offset 0` keeps each part a search in an index, for
 * one name or oid at a time.
 */
function look(
  relation: string,
  { relations, functions }: Names,
  mirrors: readonly number[],
  preparedName: string | undefined,
): InjectedStep {
  const setting = (name: string) => `pg_catalog.current_setting('${name}')`;
  const ours = (name: string) => `pg_catalog.current_setting('throughline.${name}', true)`;
  const spelt = distinct(relations).map(({ schema, table }) => ({
    schema,
    spelling: schema === null ? quoteName(table) : `${quoteName(schema)}.${quoteName(table)}`,
  }));
  return {
    kind: "sql",
    text: `with recursive named(oid) as (
        select distinct (${relation})::pg_catalog.oid
        from pg_catalog.json_to_recordset($1::pg_catalog.json) as name(schema pg_catalog.text, spelling pg_catalog.text)
      ), mirror(oid) as (
        select id::pg_catalog.oid from pg_catalog.json_array_elements_text($2::pg_catalog.json) id
      ), reached(oid) as (
        select oid from named
        union
        select d.refobjid from reached t
          cross join lateral (select r.oid from pg_catalog.pg_rewrite r where r.ev_class ${equal} t.oid offset 0) r
          cross join lateral (select d.refobjid from pg_catalog.pg_depend d
            where d.classid ${equal} 'pg_catalog.pg_rewrite'::pg_catalog.regclass and d.objid ${equal} r.oid
              and d.refclassid ${equal} 'pg_catalog.pg_class'::pg_catalog.regclass offset 0) d
      )
      select (${calledFunctions}),
      (select pg_catalog.json_agg(oid) from named), (select pg_catalog.json_agg(mirror.oid) from mirror join reached on reached.oid ${equal} mirror.oid),
      ${setting("transaction_isolation")}, ${setting("client_encoding")}, ${setting("standard_conforming_strings")},
      ${ours("transaction")}, ${ours("chunk")}, ${ours("dry_run")}, ${setting("statement_timeout")}, session_user, current_user, ${setting("application_name")}, ${setting("client_min_messages")},
      (${deferrableConstraints}),
      (select p.statement from pg_catalog.pg_prepared_statements p
        where p.name ${equal} $4::pg_catalog.name::pg_catalog.text)`,
    values: [JSON.stringify(spelt), JSON.stringify(mirrors), JSON.stringify(distinct(functions)), preparedName ?? null],
  };
}

/**
 * The functions by the names in $3, as [oid, xmin]. Without a schema a name leads to each function of it on the search_path, but for one
 * that hides behind another of the same arguments. Postgres looks into pg_temp only where the call says so.
 */
const calledFunctions = `select pg_catalog.json_agg(pg_catalog.json_build_array(oid, version)) from (
    select distinct oid, version from (
      select distinct on (f.place, p.proargtypes) p.oid, p.xmin::pg_catalog.text as version, p.provolatile, p.pronamespace
      from (
        select call."table" as name, call.schema, pg_catalog.row_number() over () as place,
          case when call.schema ${equal} 'pg_temp' then pg_catalog.pg_my_temp_schema() else ${schemaOid("call.schema")} end as home
        from pg_catalog.json_to_recordset($3::pg_catalog.json) as call(schema pg_catalog.text, "table" pg_catalog.text) offset 0) f
      cross join lateral (
        select p.oid, p.xmin, p.proargtypes, p.provolatile, p.pronamespace from pg_catalog.pg_proc p
        where p.proname ${equal} f.name::pg_catalog.name offset 0) p
      left join (
        select ${schemaOid("s.name::pg_catalog.text")} as oid, s.place
        from pg_catalog.unnest(pg_catalog.current_schemas(true)) with ordinality s(name, place) offset 0) path
        on path.oid ${equal} p.pronamespace and path.oid operator(pg_catalog.<>) pg_catalog.pg_my_temp_schema()
      where case when f.schema is null then path.place is not null else p.pronamespace ${equal} f.home end
      order by f.place, p.proargtypes, path.place) visible
    where provolatile ${equal} 'v' and pronamespace operator(pg_catalog.<>) 'pg_catalog'::pg_catalog.regnamespace
    order by oid limit ${mostCalled}) called`;

/**
 * The deferrable constraints of the mirrors, as SET CONSTRAINTS takes them: each has triggers on its table, and a foreign key on both of
 * its tables. Those of a foreign key that changes rows are not deferrable themselves, so the constraint is asked.
 */
const deferrableConstraints = `select pg_catalog.string_agg(c.name, ', ' order by c.name) from (
    select distinct t.tgconstraint as oid from mirror m
      cross join lateral (select t.tgconstraint from pg_catalog.pg_trigger t where t.tgrelid ${equal} m.oid
        and t.tgconstraint operator(pg_catalog.<>) 0::pg_catalog.oid offset 0) t) of_trigger
    cross join lateral (select pg_catalog.format('%s.%I', c.connamespace::pg_catalog.regnamespace, c.conname) as name
      from pg_catalog.pg_constraint c where c.oid ${equal} of_trigger.oid and c.condeferrable offset 0) c`;

/** Reads the answer to `lookStep`. */
export function readLook(rows: Rows | undefined): Look {
  const [
    called,
    relations,
    mirrors,
    isolation,
    encoding,
    strings,
    mode,
    chunk,
    dryRun,
    timeout,
    sessionRole,
    role,
    application,
    messages,
    deferrable,
    preparedName,
  ] = rows?.[0] ?? [];
  return {
    prepared: preparedName ?? null,
    called: readVersions(called),
    relations: readOids(relations),
    mirrors: readOids(mirrors),
    isolation: isolation ?? "",
    clientEncoding: encoding ?? "",
    standardStrings: strings === "on",
    transactionMode: mode ?? "",
    chunk: isOn(chunk),
    dryRun: isOn(dryRun),
    statementTimeoutMs: readTimeMs(timeout ?? ""),
    sessionRole: sessionRole ?? "",
    role: role ?? "",
    application: application ?? "",
    quiet: messages != null && ["error", "fatal", "panic"].includes(messages) ? messages : undefined,
    hidesNotices: messages != null && ["warning", "error", "fatal", "panic"].includes(messages),
    deferrable: deferrable ?? null,
  };
}

function isOn(setting: string | null | undefined): boolean {
  return /^(?:on|true|yes|1)$/i.test(setting ?? "");
}

/** Postgres shows a time with the unit that fits it best (manual: "Parameter Names and Values"). */
function readTimeMs(text: string): number | undefined {
  const [, number, unit = "ms"] = /^(\d+)(ms|s|min|h|d)?$/.exec(text) ?? [];
  return number === undefined || number === "0" ? undefined : Number(number) * (memberOf(unitsMs, unit) ?? 1);
}

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, min: 60_000, h: 3_600_000, d: 86_400_000 };

const oidsSchema = z.array(z.union([z.string(), z.number(), z.null()]));

/** A name that means nothing here is null among them. */
function readOids(json: string | null | undefined): number[] {
  const oids = json == null ? [] : parseJson("the relations of a statement", oidsSchema, json);
  return oids.flatMap((oid) => (oid === null ? [] : [Number(oid)]));
}

const versionsSchema = z.array(z.tuple([z.union([z.string(), z.number()]), z.string()]));

function readVersions(json: string | null | undefined): FunctionVersion[] {
  const versions = json == null ? [] : parseJson("the functions of a statement", versionsSchema, json);
  return versions.map(([oid, version]) => ({ oid: Number(oid), version }));
}

/** A longer body is not read, in bytes. */
const longestBody = 256 * 1024;

/** Returns the step that reads the bodies of functions which are so new that only this session may know them. */
export function bodiesStep(oids: readonly number[]): InjectedStep {
  return {
    kind: "sql",
    text: `select coalesce(pg_catalog.pg_get_function_sqlbody(p.oid), p.prosrc)
      from pg_catalog.json_array_elements_text($1::pg_catalog.json) id
      cross join lateral (select p.oid, p.prosrc from pg_catalog.pg_proc p where p.oid ${equal} id::pg_catalog.oid
        and pg_catalog.octet_length(p.prosrc) operator(pg_catalog.<=) ${longestBody} offset 0) p`,
    values: [JSON.stringify(oids)],
  };
}
