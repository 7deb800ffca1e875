// What commands, tests and embedders start from: the config, our own connections, and the tables of the configured APIs.

import pg from "pg";
import type { Logger } from "pino";
import type { ApiConfig, TableConfig } from "../config/api.js";
import { type Config, loadConfig } from "../config/config.js";
import { memberOf } from "../config/member.js";
import { fileSource, objectSource } from "../config/source.js";
import { suggestion } from "../config/suggest.js";
import { hooksOf, manifestOf, manifestText } from "../connectors/registry.js";
import { TokenStore } from "../http/token-store.js";
import { anyTable } from "../manifest/column-schema.js";
import { asIndexed, loadMirrors } from "../mirror/catalogue.js";
import type { Admin } from "../mirror/roles.js";
import { makeLog } from "../observe/log.js";
import { OwnPool } from "../postgres/own-pool.js";
import { openAccount } from "../upstream/account.js";
import type { MirroredTable } from "../upstream/mirrored-table.js";
import { ConnectorTable } from "../upstream/table.js";
import { UsageError } from "./usage-error.js";

interface OpenedTable {
  /** All that the files say of its API. */
  readonly definition: string;
  readonly api: ApiConfig;
  readonly config: TableConfig;
  readonly table: ConnectorTable;
}

export interface Opened {
  readonly config: Config;
  readonly log: Logger;
  readonly pool: OwnPool;
  /** By name of the API and of its resource. */
  readonly tables: readonly OpenedTable[];
}

/** The config in the file of this path, or in an object of its shape. Throws ConfigError with one line for each mistake. */
export function readConfig(
  from: string | object,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Config {
  const source = typeof from === "string" ? fileSource(from) : objectSource(from);
  return loadConfig(source, env, (connector) => {
    const manifest = manifestOf(connector);
    const tables = Object.keys(manifest?.tables ?? {});
    const tableNames = tables.filter((name) => name !== anyTable);
    return manifest && { config: manifest.config, tables: tableNames, more: tableNames.length < tables.length };
  });
}

/** The tables of a config that has been read anew. What is said of an API as before goes on as it is, its rate budget as well. */
export function reopenTables(
  { tables, log, pool }: Pick<Opened, "tables" | "log" | "pool">,
  config: Config,
): readonly OpenedTable[] {
  return config.apis.flatMap((api) => {
    const now = definitionOf(api);
    const same = tables.filter(({ definition }) => definition === now);
    return same.length > 0 ? same : tablesOf(api, log, pool);
  });
}

/**
 * What our sessions need, whatever the settings of the login, the database or the server are.
 *
 * `synchronous_commit`: what the journal notes must survive a crash of Postgres. `idle_session_timeout`: the connection that holds the
 * lock of a pull idles while the API answers, and so does the one that shows this process to be running. The time-out is there for
 * sessions that a program forgot; the pool closes a connection of ours that is not in use after ten seconds.
 * `client_connection_check_interval`: a query of ours must not run on when this process is gone; a server on Windows has no such check.
 */
const sessionSettings = `select set_config(name, value, false) from (values
    ('synchronous_commit', 'local', current_setting('synchronous_commit') = 'off'),
    ('idle_session_timeout', '0', current_setting('idle_session_timeout', true) <> '0')) needed (name, value, differs)
  where differs;
  do $$begin
    perform set_config('client_connection_check_interval', '2s', false);
  exception when others then null; end$$`;

/** Also for queries that nobody waits for: they must never be the ones that hold up Postgres, or a lock that others want. */
const backgroundSettings = `${sessionSettings};
  select set_config('statement_timeout', '30s', false), set_config('lock_timeout', '5s', false)`;

/** The caller ends the pool. Nothing is connected yet. */
export function open(config: Config): Opened {
  const log = makeLog(config.log);
  const pool = openPool(config, log);
  return { config, log, pool, tables: config.apis.flatMap((api) => tablesOf(api, log, pool)) };
}

/** Our own connections, for one proxy or one command: each proxy holds some of them for as long as it runs. The caller ends the pool. */
export function openPool(config: Config, log: Logger): OwnPool {
  // One more holds the right to recover, in a command that does.
  return poolOf(config.postgres, log, sessionSettings, { max: config.postgres.connections + 1 });
}

/** Does what changes tables with the login that may: `postgres.admin_url`, where the config has one. */
export async function asAdmin<T>({ config, log, pool }: Opened, work: (admin: Admin) => Promise<T>): Promise<T> {
  const { url, adminUrl } = config.postgres;
  const { user: login = "" } = new pg.Client({ connectionString: url });
  if (adminUrl === undefined) return work({ pool, login });
  const adminPool = poolOf({ url: adminUrl }, log, sessionSettings, { max: 1 });
  try {
    return await work({ pool: adminPool, login });
  } finally {
    await adminPool.close();
  }
}

/** One shows that this process is running, and each API that is asked what became of calls takes one (journal/recover). */
const backgroundConnections = 8;
/** How long a background query waits for its connection, and how long for a Postgres that does not answer, not even that it took too long. */
const backgroundWaitMs = 10_000;
const backgroundAnswerMs = 40_000;

/**
 * The connections for what a proxy does by itself: it shows that it is running, looks up names, renews its key, forgets old entries, and
 * says how it is. No statement of a client waits for them, and each query has a time-out. The caller ends the pool.
 */
export function openBackgroundPool(config: Config, log: Logger): OwnPool {
  const limits = {
    max: backgroundConnections,
    connectionTimeoutMillis: backgroundWaitMs,
    query_timeout: backgroundAnswerMs,
  };
  return poolOf(config.postgres, log, backgroundSettings, limits);
}

function poolOf(
  { url }: Pick<Config["postgres"], "url">,
  log: Logger,
  settings: string,
  limits: pg.PoolConfig,
): OwnPool {
  const connection = { connectionString: url, application_name: "throughline", keepAlive: true };
  const pool = new OwnPool({ ...limits, ...connection, settings });
  // Nothing was under way on a connection that was not in use, and the pool makes another one.
  pool.on("error", (err) => pool.ending || log.debug({ err }, "an idle connection of ours to Postgres was lost"));
  return pool;
}

/** Those of these APIs, or tables as API.TABLE; of none, all. Throws UsageError for a name that is not configured. */
export function wantedTables(
  opened: Opened,
  names: readonly string[],
  isStrange = (word: string) => `"${word}" is not configured`,
): Opened {
  const tables = opened.tables.filter(
    ({ api, table }) =>
      names.length === 0 || names.some((name) => name === api.name || name === `${api.name}.${table.resource}`),
  );
  const configuredNames = opened.tables.flatMap(({ api, table }) => [api.name, `${api.name}.${table.resource}`]);
  const stranger = names.find((name) => !configuredNames.includes(name));
  if (stranger !== undefined)
    throw new UsageError(`${isStrange(stranger)}; ${suggestion(stranger, [...new Set(configuredNames)])}`);
  return { ...opened, tables };
}

/** The mirrors that are both configured and migrated. */
export async function openMirrors({
  pool,
  tables,
}: Pick<Opened, "pool" | "tables">): Promise<readonly MirroredTable[]> {
  const mirrors = await loadMirrors(pool);
  return tables.flatMap(({ api, table }) => {
    const mirror = mirrors.find((candidate) => candidate.api === api.name && candidate.resource === table.resource);
    return mirror ? [{ mirror: asIndexed(mirror), table }] : [];
  });
}

/** How much longer than one answer a process waits for another one that asks for a token. */
const tokenWaitMs = 5_000;

function tablesOf(api: ApiConfig, log: Logger, pool: OwnPool): OpenedTable[] {
  const manifest = manifestOf(api.connector);
  if (!manifest) return [];
  const definition = definitionOf(api);
  const account = openAccount({
    api: api.name,
    manifest,
    base: api.base ?? manifest.base,
    config: api.values,
    timeoutMs: api.timeoutMs,
    waitMs: api.waitMs,
    rate: api.rate,
    transaction: api.transaction,
    hooks: hooksOf(api.connector),
    tokenStore: (secrets) => new TokenStore(pool, log, secrets, api.timeoutMs + tokenWaitMs),
    log,
  });
  return api.tables.flatMap((config) => {
    const tableManifest = memberOf(manifest.tables, config.resource) ?? manifest.tables[anyTable];
    return tableManifest
      ? [{ definition, api, config, table: new ConnectorTable(account, config, tableManifest) }]
      : [];
  });
}

function definitionOf(api: ApiConfig): string {
  return JSON.stringify(api) + manifestText(api.connector);
}
