// The roles of an installation. None of them logs in; each can do what its part of the work needs, and no more.

import type { Pool, PoolClient } from "pg";
import { isConnectionLost } from "../postgres/connection-lost.js";
import { quoteName } from "../postgres/quote.js";
import { inSavepoint } from "../postgres/transaction.js";
import { MigrateError } from "./migrate-error.js";

/** Owns the schema "throughline": keys, journal, and the functions that a client's session calls. */
export const schemaRole = "throughline_owner";

/** Owns mirror tables: `migrate` changes them as a member. */
export const mirrorRole = "throughline_mirror";

/**
 * Writes to mirrors, and can do nothing else: code of others on a mirror runs as this role when a page or a settled call is written. It owns the
 * functions that write, and so could change them: they look first whether they run as it.
 */
export const writerRole = "throughline_writer";

/** In PL/pgSQL, the first statement of a function that belongs to the writer. By its operator's whole name: the path may be a stranger's. */
export const writerOnlySql = `if current_user operator(pg_catalog.<>) '${writerRole}'::pg_catalog.name then
    raise exception 'throughline: a function of throughline_writer was altered' using errcode = 'insufficient_privilege',
      hint = 'Run "throughline migrate", which makes it anew; code of others on a mirror did it.';
  end if;`;

/** Who migrates, and for whom. */
export interface Admin {
  /** Connections of the login that migrates. */
  readonly pool: Pool;
  /** The login that serves; it may be the same. */
  readonly login: string;
}

/** A question that is true when nothing is to be done, and the SQL that makes it so. */
type Requirement = readonly [question: string, sql: string];

const isMember = (member: string, role: string) =>
  `select coalesce(pg_has_role(${member}, to_regrole('${role}')::oid, 'usage'), false)`;
const requirements: readonly Requirement[] = [
  ...[schemaRole, mirrorRole, writerRole].flatMap((role): readonly Requirement[] => [
    [`select to_regrole('${role}') is not null`, `create role ${role} nologin`],
    [isMember("session_user", role), `grant ${role} to session_user`],
  ]),
  // It locks rows of mirrors, and reads them whatever row security says.
  [isMember(`to_regrole('${schemaRole}')::oid`, mirrorRole), `grant ${mirrorRole} to ${schemaRole}`],
];

/** Makes the roles that are missing, and the login that migrates a member of them. Throws MigrateError for what only an administrator can do. */
export async function ensureRoles(client: PoolClient, run: (sql: string) => Promise<void>): Promise<void> {
  for (const [question, sql] of requirements) {
    if (await holds(client, question)) continue;
    try {
      await inSavepoint(client, () => run(sql));
    } catch (cause) {
      if (isConnectionLost(cause)) throw cause;
      // Somebody else has just done it, for another database of this server.
      if (await holds(client, question)) continue;
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new MigrateError(`${reason}; ${await whoMigrates(client)}`);
    }
  }
}

/** Whether the login may change mirrors. */
export function mayChangeMirrors(client: PoolClient): Promise<boolean> {
  return holds(client, isMember("session_user", mirrorRole));
}

/** Throws MigrateError for a login that may not change mirrors. */
export async function requireMember(client: PoolClient): Promise<void> {
  if (!(await mayChangeMirrors(client))) throw new MigrateError(await whoMigrates(client));
}

async function whoMigrates(client: PoolClient): Promise<string> {
  if (await holds(client, servesSql))
    return "this login serves, and postgres.admin_url names the one that migrates, which has more rights";
  return `an administrator runs once: ${await whatIsMissing(client)}`;
}

/** Whether a login has what `letServe` gives. */
export const servesSql = `select coalesce((select has_function_privilege(oid, 'execute') from pg_proc
  where pronamespace = to_regnamespace('throughline') and proname = 'sync_page'), false)`;

/** Whether a login may make roles and grant them. */
export const makesRolesSql = "select rolcreaterole or rolsuper from pg_roles where rolname = session_user";

/** Returns the SQL that makes the roles, and the login a member; "": all is there. */
export async function whatIsMissing(on: Pool | PoolClient): Promise<string> {
  const missing: string[] = [];
  for (const [question, sql] of requirements) if (!(await holds(on, question))) missing.push(sql);
  return missing.join("; ").replaceAll("session_user", "the login that migrates");
}

/** Whether a row `r` of pg_roles is a role that could not do anything anyway: no superuser, no owner of the database, and not the login. */
export const isStrangerSql = `not r.rolsuper and r.rolname <> session_user
  and r.oid <> (select datdba from pg_database where datname = current_database())`;

/** Returns the answer to a question of one column. */
export async function holds(on: Pool | PoolClient, question: string, values: readonly string[] = []): Promise<boolean> {
  const result = await on.query({ text: question, values: [...values], rowMode: "array" });
  return result.rows[0]?.[0] === true;
}

/** Makes the schema "throughline", or takes it over from the login that has owned it. */
export const ownSchemaSql = `create schema if not exists throughline authorization ${schemaRole};
do $$
declare
  ours regnamespace := 'throughline';
  statement text;
begin
  if (select nspowner from pg_namespace where oid = ours) <> '${schemaRole}'::regrole then
    execute 'alter schema throughline owner to ${schemaRole}';
    for statement in
      select format('alter table %s owner to ${schemaRole}', oid::regclass) from pg_class where relnamespace = ours and relkind = 'r'
      union all select format('alter function %s owner to ${schemaRole}', oid::regprocedure) from pg_proc where pronamespace = ours
    loop
      execute statement;
    end loop;
  end if;
end $$`;

/** The login that serves, when it is not a member of the roles that own everything: it gets what it needs, and no more. */
export async function serverOf(client: PoolClient, login: string): Promise<string | undefined> {
  const owns = await holds(client, "select pg_has_role($1, $2, 'usage')", [login, schemaRole]);
  return owns ? undefined : login;
}

/** What serving takes of the schema: by policies, until code of others may run in the session (install/5-own.sql). */
export async function letServe(client: PoolClient, server: string): Promise<void> {
  const login = quoteName(server);
  await client.query(`grant select on throughline.version to ${login};
    grant select, insert, update, delete on throughline.proxy_key, throughline.mirror, throughline.journal, throughline.applied,
      throughline.parked, throughline.credential to ${login};
    grant select on throughline.inexact to ${login};
    grant usage on sequence throughline.moment to ${login};
    grant execute on function throughline.is_confined, throughline.sync_page, throughline.release, throughline.settle to ${login}`);
}

/** Does a part of a transaction as another role, of which the login is a member. */
export async function asRole(client: PoolClient, role: string, work: () => Promise<void>): Promise<void> {
  await client.query(`set local role ${role}`);
  await work();
  await client.query("set local role none");
}

/** Gives functions of the schema's owner to the writer; the owner may call them. Only for that may the writer create in the schema. */
export async function giveToWriter(client: PoolClient, signatures: readonly string[]): Promise<void> {
  const statements = signatures.flatMap((signature) => [
    `alter function ${signature} owner to ${writerRole}`,
    `grant execute on function ${signature} to ${schemaRole}`,
  ]);
  const [grant, revoke] = [
    `grant create on schema throughline to ${writerRole}`,
    `revoke create on schema throughline from ${writerRole}`,
  ];
  await client.query([grant, ...statements, revoke].join("; "));
}
