// The statements we inject into a client's session. All names are qualified: the client's search_path is not ours.

import { z } from "zod";
import type { SqlError } from "../postgres/error-catalogue.js";
import type { Signer } from "../postgres/mac.js";
import { quoteName } from "../postgres/quote.js";
import { parseJson } from "../postgres/rows.js";
import type { Write } from "../sql/classification.js";
import type { InjectedStep, Rows } from "./injected-step.js";

export interface Inspection {
  /** What is prepared under the name that was asked for; null: nothing. */
  readonly prepared: string | null;
  /** It calls a function that may write to a mirror. */
  readonly callsWriter: boolean;
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
  readonly role: string;
  readonly application: string;
  /** client_min_messages, when it hides warnings. */
  readonly quiet: string | undefined;
  /** Whether it hides notices. */
  readonly hidesNotices: boolean;
  /** The mirrors' deferrable constraints, as SET CONSTRAINTS takes them; null when there are none. */
  readonly deferrable: string | null;
}

/** `mirrors` are the relations of all there are; `sources` fits the source of functions that may write to them. */
export function inspectStep(
  { relations, functions }: Pick<Write, "relations" | "functions">,
  mirrors: readonly number[],
  sources: string,
  preparedName: string | undefined,
): InjectedStep {
  const setting = (name: string) => `pg_catalog.current_setting('${name}')`;
  const ours = (name: string) => `pg_catalog.current_setting('throughline.${name}', true)`;
  const names = relations.map(({ schema, table }) =>
    schema === null ? quoteName(table) : `${quoteName(schema)}.${quoteName(table)}`,
  );
  return {
    kind: "sql",
    text: `with recursive named(oid) as (
        select distinct pg_catalog.to_regclass(name)::pg_catalog.oid from pg_catalog.json_array_elements_text($1::pg_catalog.json) name
      ), mirror(oid) as (
        select id::pg_catalog.oid from pg_catalog.json_array_elements_text($2::pg_catalog.json) id
      ), reached(oid) as (
        select oid from named
        union
        select d.refobjid from reached t join pg_catalog.pg_rewrite r on r.ev_class operator(pg_catalog.=) t.oid
          join pg_catalog.pg_depend d on d.classid operator(pg_catalog.=) 'pg_catalog.pg_rewrite'::pg_catalog.regclass
            and d.objid operator(pg_catalog.=) r.oid and d.refclassid operator(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
      )
      select exists (select from pg_catalog.json_array_elements($3::pg_catalog.json) f
          join pg_catalog.pg_proc p on p.proname operator(pg_catalog.=) (f operator(pg_catalog.->>) 'table')
          join pg_catalog.pg_namespace s on s.oid operator(pg_catalog.=) p.pronamespace
        where p.provolatile operator(pg_catalog.=) 'v'
          and case f operator(pg_catalog.->>) 'schema' when 'pg_temp' then s.oid operator(pg_catalog.=) pg_catalog.pg_my_temp_schema()
            else s.nspname operator(pg_catalog.=) coalesce(f operator(pg_catalog.->>) 'schema',
              case when pg_catalog.pg_function_is_visible(p.oid) then s.nspname end) end
          and coalesce(pg_catalog.pg_get_function_sqlbody(p.oid), p.prosrc) operator(pg_catalog.~*) $4::pg_catalog.text),
      (select pg_catalog.json_agg(oid) from named), (select pg_catalog.json_agg(oid) from mirror join reached using (oid)),
      ${setting("transaction_isolation")}, ${setting("client_encoding")}, ${setting("standard_conforming_strings")},
      ${ours("transaction")}, ${ours("chunk")}, ${ours("dry_run")}, ${setting("statement_timeout")}, current_user, ${setting("application_name")}, ${setting("client_min_messages")},
      (select pg_catalog.string_agg(pg_catalog.format('%I.%I', n.nspname, c.conname), ', ')
        from pg_catalog.pg_constraint c join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.connamespace
        where c.condeferrable and exists (select from mirror m where m.oid operator(pg_catalog.=) c.conrelid
          or m.oid operator(pg_catalog.=) c.confrelid)),
      (select p.statement from pg_catalog.pg_prepared_statements p
        where p.name operator(pg_catalog.=) $5::pg_catalog.name::pg_catalog.text)`,
    values: [JSON.stringify(names), JSON.stringify(mirrors), JSON.stringify(functions), sources, preparedName ?? null],
  };
}

export function readInspection(rows: Rows | undefined): Inspection {
  const [
    calls,
    relations,
    mirrors,
    isolation,
    encoding,
    strings,
    mode,
    chunk,
    dryRun,
    timeout,
    role,
    application,
    messages,
    deferrable,
    preparedName,
  ] = rows?.[0] ?? [];
  return {
    prepared: preparedName ?? null,
    callsWriter: calls === "t",
    relations: readOids(relations),
    mirrors: readOids(mirrors),
    isolation: isolation ?? "",
    clientEncoding: encoding ?? "",
    standardStrings: strings === "on",
    transactionMode: mode ?? "",
    chunk: isOn(chunk),
    dryRun: isOn(dryRun),
    statementTimeoutMs: readTimeMs(timeout ?? ""),
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
  return number === undefined || number === "0" ? undefined : Number(number) * (unitsMs[unit] ?? 1);
}

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, min: 60_000, h: 3_600_000, d: 86_400_000 };

const oidsSchema = z.array(z.union([z.string(), z.number(), z.null()]));

/** A name that means nothing here is null among them. */
function readOids(json: string | null | undefined): number[] {
  const oids = json == null ? [] : parseJson("the relations of a statement", oidsSchema, json);
  return oids.flatMap((oid) => (oid === null ? [] : [Number(oid)]));
}

const plain = (text: string): InjectedStep => ({ kind: "sql", text, values: [] });

/** Which transaction this is; null while it has written nothing. */
export const transactionStep = plain("select pg_catalog.pg_current_xact_id_if_assigned()");

/** Whether a rollback has undone here what one of these calls has changed. */
export function undoneStep(calls: readonly string[]): InjectedStep {
  return { kind: "sql", text: "select throughline.undone($1)", values: [JSON.stringify(calls)] };
}

/** In a savepoint of their own: statement triggers fire, and have not fired. */
export function undone(steps: readonly InjectedStep[]): InjectedStep[] {
  return [
    plain("savepoint _throughline"),
    ...steps,
    plain("rollback to savepoint _throughline"),
    plain("release savepoint _throughline"),
  ];
}

/** Plans: the client's statement runs for real and is undone; what it would have changed comes back. */
export function planSteps(
  signer: Signer,
  processId: number,
  call: string,
  rowLimit: number,
  constraints: string | null,
  run: InjectedStep = { kind: "dryRun" },
): InjectedStep[] {
  const { proxy } = signer;
  const limit = String(rowLimit);
  return undone([
    // What is deferred must fail now.
    ...(constraints === null ? [] : [plain(`set constraints ${constraints} immediate`)]),
    {
      kind: "sql",
      text: "select throughline.plan($1::pg_catalog.uuid, $2::pg_catalog.int4, $3::pg_catalog.uuid, $4::pg_catalog.bytea)",
      values: [call, limit, proxy, signer.mac(`plan|${call}|${limit}`, processId)],
    },
    run,
    {
      kind: "sql",
      text: "select relation, verb, old_row, new_row, local_writes from throughline.planned($1::pg_catalog.uuid, $2::pg_catalog.uuid, $3::pg_catalog.bytea)",
      values: [call, proxy, signer.mac(`planned|${call}`, processId)],
    },
  ]);
}

export function lockStep(
  signer: Signer,
  processId: number,
  mirror: number,
  keys: readonly string[],
  forDelete: boolean,
): InjectedStep {
  const list = JSON.stringify(keys);
  const strength = forDelete ? "true" : "false";
  return {
    kind: "sql",
    text: `select key, current_row from throughline.lock($1::pg_catalog.int4, $2::pg_catalog.text, $3::pg_catalog.bool,
      $4::pg_catalog.uuid, $5::pg_catalog.bytea)`,
    values: [String(mirror), list, strength, signer.proxy, signer.mac(`lock|${mirror}|${strength}|${list}`, processId)],
  };
}

/** Applies: what is staged replaces what the client's own statement writes. `calls`: the upstream calls behind it. */
export function applySteps(
  signer: Signer,
  processId: number,
  apply: { readonly mirror: number; readonly staged: string; readonly calls: readonly string[] },
): InjectedStep[] {
  const { proxy } = signer;
  const { mirror, staged } = apply;
  const call = crypto.randomUUID();
  const calls = JSON.stringify(apply.calls);
  return [
    {
      kind: "sql",
      text: "select throughline.stage($1::pg_catalog.uuid, $2::pg_catalog.text, $3::pg_catalog.uuid, $4::pg_catalog.bytea)",
      values: [call, staged, proxy, signer.mac(`stage|${call}|${staged}`, processId)],
    },
    { kind: "execute" },
    {
      kind: "sql",
      text: `select throughline.close($1::pg_catalog.uuid, $2::pg_catalog.int4, $3::pg_catalog.text, $4::pg_catalog.uuid,
        $5::pg_catalog.bytea)`,
      values: [call, String(mirror), calls, proxy, signer.mac(`close|${call}|${mirror}|${calls}`, processId)],
    },
  ];
}

/** Raised by Postgres itself, so that the failed transaction is its own. */
export function refuseStep(error: SqlError): InjectedStep {
  return {
    kind: "sql",
    text: "select throughline.refuse($1, $2, $3, $4, $5, $6, $7, $8)",
    values: [
      error.sqlstate,
      error.message,
      error.detail ?? null,
      error.hint ?? null,
      error.schema ?? null,
      error.table ?? null,
      error.column ?? null,
      error.constraint ?? null,
    ],
  };
}
