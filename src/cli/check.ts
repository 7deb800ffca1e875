// throughline check: config, database, guards, tokens and new columns; one line each.

import type { Pool } from "pg";
import type { KnownMirror } from "../connector/known.js";
import { installedVersion } from "../mirror/migrate.js";
import type { Command } from "./command.js";
import { type Opened, open, openMirrors, readConfig } from "./open.js";

export interface Finding {
  readonly level: "ok" | "warning" | "error";
  readonly subject: string;
  readonly says: string;
}

export const checkCommand: Command = async (options, io) => {
  const opened = open(readConfig(options.config));
  try {
    const findings = await findAll(opened, options.flags["offline"] === true);
    for (const finding of findings) {
      io.out(options.json ? JSON.stringify(finding) : `${finding.level.padEnd(8)}${finding.subject}: ${finding.says}`);
    }
    return findings.some(({ level }) => level === "error") ? 1 : 0;
  } finally {
    await opened.pool.end();
  }
};

async function findAll(opened: Opened, offline: boolean): Promise<Finding[]> {
  const findings: Finding[] = [{ level: "ok", subject: "config", says: `${opened.tables.length} tables configured` }];
  let mirrors: readonly KnownMirror[];
  try {
    const database = await checkDatabase(opened.pool);
    findings.push(database);
    if (database.level === "error") return findings;
    mirrors = await openMirrors(opened);
    for (const { mirror } of mirrors) findings.push(await checkGuard(opened.pool, mirror.schema, mirror.table));
  } catch (cause) {
    return [...findings, { level: "error", subject: "postgres", says: reasonOf(cause) }];
  }
  for (const { api, table } of opened.tables) {
    const found = mirrors.find(({ mirror }) => mirror.api === api.name && mirror.resource === table.resource);
    const subject = `${api.name}.${table.resource}`;
    if (!found) findings.push({ level: "error", subject, says: 'is not migrated: run "throughline migrate"' });
    else if (!found.mirror.complete) {
      findings.push({
        level: "warning",
        subject,
        says: 'is not complete, so UPDATE and DELETE are refused: run "throughline pull"',
      });
    }
    if (!offline) findings.push(await checkApi(subject, table, found));
  }
  return findings;
}

async function checkDatabase(pool: Pool): Promise<Finding> {
  const subject = "postgres";
  const server = await pool.query<{ version: number; shown: string; installed: boolean }>(
    `select current_setting('server_version_num')::int as version, current_setting('server_version') as shown,
       to_regclass('throughline.version') is not null as installed`,
  );
  const [found] = server.rows;
  if (!found || found.version < 140000)
    return { level: "error", subject, says: `server ${found?.shown} is too old: 14 is the oldest` };
  if (!found.installed)
    return { level: "error", subject, says: 'schema "throughline" is missing: run "throughline migrate"' };
  const schema = await pool.query<{ version: number }>("select version from throughline.version");
  const version = schema.rows[0]?.version;
  if (version !== installedVersion) {
    return {
      level: "error",
      subject,
      says: `schema "throughline" has version ${version}, not ${installedVersion}: run "throughline migrate"`,
    };
  }
  return { level: "ok", subject, says: `server ${found.shown}, schema version ${version}` };
}

/** The guard has to be there, enabled, and the last BEFORE ROW trigger to fire. */
export async function checkGuard(pool: Pool, schema: string, table: string): Promise<Finding> {
  const subject = `${schema}.${table}`;
  const triggers = await pool.query<{ name: string; ours: boolean; late: boolean; enabled: boolean }>(
    `select tgname as name, tgname like '~throughline%' as ours, tgenabled = 'O' as enabled,
       not tgisinternal and tgtype & 3 = 3 and tgname::text collate "C" > '~throughline' as late
     from pg_trigger where tgrelid = format('%I.%I', $1::text, $2::text)::regclass`,
    [schema, table],
  );
  const guards = triggers.rows.filter(({ ours, enabled }) => ours && enabled);
  const late = triggers.rows.find((trigger) => trigger.late && !trigger.ours);
  if (guards.length !== 3)
    return { level: "error", subject, says: 'its guard is missing or disabled: run "throughline migrate"' };
  if (late)
    return {
      level: "error",
      subject,
      says: `trigger "${late.name}" fires after the guard: rename it to sort before "~"`,
    };
  return { level: "ok", subject, says: "guarded" };
}

async function checkApi(
  subject: string,
  table: KnownMirror["table"],
  found: KnownMirror | undefined,
): Promise<Finding> {
  try {
    const columns = await table.columns();
    const known = new Set(found?.mirror.columns.map(({ name }) => name));
    const fresh = columns.filter(({ name }) => !known.has(name)).map(({ name }) => name);
    if (found && fresh.length > 0) {
      return {
        level: "warning",
        subject,
        says: `the API has new columns (${fresh.join(", ")}): run "throughline migrate"`,
      };
    }
    return { level: "ok", subject, says: `the API answers, ${columns.length} columns` };
  } catch (cause) {
    return { level: "error", subject, says: reasonOf(cause) };
  }
}

function reasonOf(cause: unknown): string {
  if (cause instanceof AggregateError) return reasonOf(cause.errors[0]);
  return cause instanceof Error ? cause.message : String(cause);
}
