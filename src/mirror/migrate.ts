// Installs the schema "throughline" and brings every configured mirror up to date, in one transaction.

import { DatabaseError, type Pool, type PoolClient } from "pg";
import { z } from "zod";
import type { AdvisoryLock } from "../postgres/advisory-lock.js";
import { installSql } from "../postgres/install.js";
import { quoteName } from "../postgres/quote.js";
import { queryRows } from "../postgres/rows.js";
import { inTransaction } from "../postgres/transaction.js";
import type { MirrorColumn } from "./column.js";
import { type ExistingTable, isNew, mirrorDdl } from "./ddl.js";
import { renewMarks } from "./inexact.js";
import { keyColumns } from "./key.js";
import { MigrateError } from "./migrate-error.js";
import { migrateUniqueIndexes } from "./migrate-indexes.js";
import { putGuard, tableColumns } from "./put-guard.js";
import {
  type Admin,
  asRole,
  ensureRoles,
  giveToWriter,
  holds,
  letServe,
  mirrorRole,
  ownSchemaSql,
  schemaRole,
  serverOf,
} from "./roles.js";
import { installedVersion, schemaVersion } from "./schema.js";

export interface MirrorToMigrate {
  readonly api: string;
  readonly resource: string;
  readonly schema: string;
  readonly table: string;
  readonly key: readonly string[];
  readonly columns: readonly MirrorColumn[];
}

/** What is granted on every mirror: role to privileges. */
export type Grants = Readonly<Record<string, readonly string[]>>;

interface MigrateOptions {
  /** Nothing stays changed. */
  readonly dryRun: boolean;
  /** Columns may go that the API no longer has, or has as another type. */
  readonly allowDrop?: boolean;
}

/** Returns the DDL that changed something, for people to read. */
export async function migrate(
  { pool, login }: Admin,
  mirrors: readonly MirrorToMigrate[],
  grants: Grants,
  { dryRun, allowDrop = false }: MigrateOptions,
): Promise<readonly string[]> {
  return runAlone(pool, { dryRun }, async (client) => {
    await client.query(qualifyTypesSql);
    return migrateIn(client, mirrors, grants, { allowDrop, login });
  });
}

interface RunAloneOptions {
  /** Nothing stays changed. */
  readonly dryRun?: boolean;
  /** What is said when somebody else's transaction has a mirror; undefined: it is waited for. */
  readonly inUse?: string;
}

/** Held while an index is built or dropped. */
export const indexLock: AdvisoryLock = { name: "throughline index", id: 0 };

/** Does what changes mirrors in a transaction, when nobody else does. Throws MigrateError while an index is built or dropped. */
export async function runAlone<T>(
  pool: Pool,
  { dryRun = false, inUse }: RunAloneOptions,
  work: (client: PoolClient) => Promise<T>,
): Promise<T> {
  const workUnderLock = async (client: PoolClient) => {
    await client.query("select pg_advisory_xact_lock(hashtext('throughline migrate'))");
    const noIndexSql = "select pg_try_advisory_xact_lock_shared(hashtext($1), $2::integer)";
    if (!(await holds(client, noIndexSql, [indexLock.name, String(indexLock.id)])))
      throw new MigrateError("an index is being built or dropped: nothing was changed, try again when that has ended");
    // Whoever waits for a table waits for us as well.
    if (inUse !== undefined) await client.query("set local lock_timeout = '5s'");
    return work(client);
  };
  try {
    return await inTransaction(pool, workUnderLock, () => !dryRun);
  } catch (cause) {
    if (inUse !== undefined && cause instanceof Error && "code" in cause && cause.code === "55P03")
      throw new MigrateError(inUse);
    throw cause;
  }
}

/** Types of others come out qualified, as the guard needs them. */
export const qualifyTypesSql = "set local search_path = pg_catalog";

async function migrateIn(
  client: PoolClient,
  mirrors: readonly MirrorToMigrate[],
  grants: Grants,
  { allowDrop, login }: { readonly allowDrop: boolean; readonly login: string },
): Promise<string[]> {
  const statements: string[] = [];
  const note = (text: string) => void statements.push(text);
  const run = async (sql: string) => {
    await client.query(sql);
    note(sql);
  };
  await ensureRoles(client, run);
  const before = await schemaVersion(client);
  if (before !== installedVersion) {
    await client.query(ownSchemaSql);
    await asRole(client, schemaRole, async () => void (await client.query(installSql)));
    await giveToWriter(client, ["throughline.fire()"]);
    await client.query(
      "insert into throughline.version (version) values ($1) on conflict (one) do update set version = excluded.version",
      [installedVersion],
    );
    note(`-- schema "throughline", version ${installedVersion}`);
  }
  const server = await serverOf(client, login);
  if (server !== undefined) await letServe(client, server);
  for (const mirror of mirrors) await migrateMirror(client, mirror, grants, { allowDrop, server, run, note });
  return statements;
}

interface Steps {
  readonly allowDrop: boolean;
  /** The login that serves, when it owns nothing of ours. */
  readonly server: string | undefined;
  run(sql: string): Promise<void>;
  /** What people are told among the DDL. */
  note(text: string): void;
}

const registerEntry = z.object({ id: z.number() });

async function migrateMirror(
  client: PoolClient,
  mirror: MirrorToMigrate,
  grants: Grants,
  { allowDrop, server, run, note }: Steps,
): Promise<void> {
  const schema = quoteName(mirror.schema);
  const target = `${schema}.${quoteName(mirror.table)}`;
  if (!(await holds(client, "select to_regnamespace($1) is not null", [schema]))) {
    await run(`create schema ${schema}`);
    await run(`grant usage, create on schema ${schema} to ${mirrorRole}`);
  }
  const existingTable = await readTable(client, mirror, target, allowDrop);
  for (const sql of mirrorDdl(mirror, existingTable)) await run(sql).catch(explainNoRoom(mirror, target));
  for (const name of existingTable?.keptColumns ?? [])
    note(
      `-- column "${name}" of ${target} is the API's no more, and yours now: "throughline column drop ${mirror.api}.${mirror.resource} ${name}" drops it`,
    );
  const [entry] = await queryRows(
    client,
    "the entry of a mirror in the register",
    registerEntry,
    `insert into throughline.mirror as mirror (api, resource, schema_name, table_name, key_columns, columns) values ($1, $2, $3, $4, $5, $6)
     on conflict (schema_name, table_name) do update set api = excluded.api, resource = excluded.resource,
       key_columns = excluded.key_columns, columns = excluded.columns,
       revision = mirror.revision + ((mirror.columns::jsonb, mirror.key_columns) is distinct from (excluded.columns::jsonb, excluded.key_columns))::integer returning id`,
    [mirror.api, mirror.resource, mirror.schema, mirror.table, mirror.key, JSON.stringify(mirror.columns)],
  );
  if (!entry) throw new Error("the register returned no row");
  await migrateUniqueIndexes(client, { ...mirror, ...entry }, { run, note });
  // What was made anew is empty until the next whole pull.
  if (existingTable && existingTable.staleColumns.size > 0)
    await client.query("update throughline.mirror set complete_at = null, checkpoint = null where id = $1", [entry.id]);
  const newColumns = existingTable
    ? mirror.columns.map(({ name }) => name).filter((name) => isNew(existingTable, name))
    : [];
  const key = keyColumns(mirror.key, mirror.columns);
  await renewMarks(client, { ...mirror, ...entry, key }, target, newColumns);
  await putGuard(client, { ...mirror, ...entry }, server);
  for (const [role, privileges] of Object.entries(grants)) {
    for (const privilege of privileges) {
      const has = await holds(client, "select has_table_privilege($1, $2::regclass, $3)", [role, target, privilege]);
      if (!has) await run(`grant ${privilege} on ${target} to ${quoteName(role)}`);
    }
    const reaches = await holds(client, "select has_schema_privilege($1, $2, 'usage')", [role, mirror.schema]);
    if (!reaches) await run(`grant usage on schema ${schema} to ${quoteName(role)}`);
  }
}

/** Returns what throws a failure as a MigrateError, when the table has as many columns as there can be, and otherwise as it is. */
function explainNoRoom({ api, resource }: MirrorToMigrate, target: string): (cause: unknown) => never {
  return (cause) => {
    if (!(cause instanceof DatabaseError) || cause.code !== "54011") throw cause;
    throw new MigrateError(
      `${target} has no room for more columns: a table has 1600, local columns and those that were dropped counted; name those that you want under "columns" of apis.${api}.tables.${resource} in throughline.yaml, or make the table anew by "throughline migrate --drop ${api}.${resource}"`,
    );
  };
}

async function readTable(
  client: PoolClient,
  mirror: MirrorToMigrate,
  target: string,
  allowDrop: boolean,
): Promise<ExistingTable> {
  if (!(await holds(client, "select to_regclass($1) is not null", [target]))) return undefined;
  const isTable = "select relkind in ('r', 'p') from pg_class where oid = $1::regclass";
  if (!(await holds(client, isTable, [target])))
    throw new MigrateError(
      `there is an index, a view or a sequence ${target} already: give the mirror another name by "as" of apis.${mirror.api}.tables.${mirror.resource} in throughline.yaml`,
    );
  const columns = await tableColumns(client, target);
  const comparisons = await compareColumns(client, mirror, target);
  const conflict = comparisons.find(({ mirrored, wanted }) => wanted && !mirrored);
  if (conflict) {
    throw new MigrateError(
      `${target} has a local column "${conflict.name}", and the API has a column of that name now: rename the local one, or the API's by "rename" of its table in throughline.yaml`,
    );
  }
  const staleColumns = comparisons.filter((one) => one.mirrored && one.retyped && !mirror.key.includes(one.name));
  const [retypedColumn] = staleColumns.filter(({ wanted }) => wanted);
  if (retypedColumn && !allowDrop) {
    throw new MigrateError(
      `column "${retypedColumn.name}" of ${target} is ${retypedColumn.types}: "throughline migrate --allow-drop" makes it anew, and "throughline pull --full" fills it`,
    );
  }
  const names = staleColumns.map(({ name }) => name);
  return {
    columns: new Set(columns.map(({ name }) => name)),
    staleColumns: new Set(allowDrop ? names : []),
    keptColumns: allowDrop ? [] : names,
  };
}

const comparisonRow = z.object({
  name: z.string(),
  /** Registered as the API's until now. */
  mirrored: z.boolean(),
  /** The API has it now. */
  wanted: z.boolean(),
  /** Not as the API has it, if it does. */
  retyped: z.boolean(),
  /** In words: which type it has here, and which there. */
  types: z.string(),
});

type ColumnComparison = z.infer<typeof comparisonRow>;

/** Each column of a registered mirror's table, against what it was and what it is to be. */
async function compareColumns(
  client: PoolClient,
  { schema, table, columns }: MirrorToMigrate,
  target: string,
): Promise<readonly ColumnComparison[]> {
  return queryRows(
    client,
    "the columns of a mirror against its API's",
    comparisonRow,
    `select a.attname::text as name, r is not null as mirrored, w is not null as wanted,
       a.atttypid is distinct from to_regtype(w ->> 'type')::oid as retyped,
       format('%s here and %s in the API', format_type(a.atttypid, a.atttypmod), w ->> 'type') as types
     from throughline.mirror m join pg_attribute a on a.attrelid = $3::regclass and a.attnum > 0 and not a.attisdropped
       left join json_array_elements(m.columns) r on r ->> 'name' = a.attname
       left join json_array_elements($4::json) w on w ->> 'name' = a.attname
     where m.schema_name = $1 and m.table_name = $2`,
    [schema, table, target, JSON.stringify(columns)],
  );
}
