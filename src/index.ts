// The public face: what a program gets that imports "throughline". It loads nothing of the command line.

import { Lifetime } from "./app/lifetime.js";
import { migrateAll } from "./app/migrate.js";
import { type Opened, open, openPool, readConfig, wantedTables } from "./app/open.js";
import { pullAll } from "./app/pull.js";
import type { PulledTable } from "./app/pulled-table.js";
import { serve, unservable, watchOver } from "./app/serve.js";
import { UsageError } from "./app/usage-error.js";
import type { ConfigObject } from "./config/config-object.js";
import { Explained } from "./config/explained.js";
import { requireSchema } from "./mirror/schema.js";
import { Metrics } from "./observe/metrics.js";
import { graceMs } from "./proxy/start.js";

export type { ApiObject, ConfigObject, TableObject, Verb, WriteRuleObject } from "./config/config-object.js";
export { ConfigError } from "./config/explained.js";
export type { Hooks, HookVerdict } from "./manifest/hooks.types.js";
export { ReadFailed } from "./manifest/read-failed.js";
export { ConnectionLost } from "./postgres/connection-lost.js";
export { Explained, type PulledTable, UsageError };

export interface OpenOptions {
  /** The path of throughline.yaml, or an object of the same shape. In an object a secret may stand as it is; in the file it may not. */
  readonly config: string | ConfigObject;
  /** The variables that fill in `${NAME}` in the strings of the config; those of the process if absent. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
}

export interface MigrateOptions {
  /** Change nothing, and return what would be done; false if absent. */
  readonly dryRun?: boolean | undefined;
  /** Drop columns that the API no longer has, and make those anew whose type has changed: they are empty until a full pull. False if absent. */
  readonly allowDrop?: boolean | undefined;
}

export interface PullOptions {
  /** Each API or API.TABLE by its name in the config; all of them if absent. */
  readonly tables?: readonly string[] | undefined;
  /** Begin at the first page even where an earlier pull can go on, and look up each record that is no longer listed; false if absent. */
  readonly full?: boolean | undefined;
  /** How many tables are copied at the same time, from 1; 4 if absent. */
  readonly workers?: number | undefined;
  /** Aborted: each copy stops after the page that is under way, and no other begins. */
  readonly signal?: AbortSignal | undefined;
}

export interface ServeOptions {
  /** The address to listen on; that of `listen.address` in the config if absent. */
  readonly host?: string | undefined;
  /** 0 is any free port; that of `listen.address` in the config if absent. */
  readonly port?: number | undefined;
}

export interface CloseOptions {
  /** How many milliseconds sessions have to finish their statement or transaction; `listen.drain` of the config, 25 s, if absent. */
  readonly drainMs?: number | undefined;
}

/** A proxy that listens. */
export interface Served {
  readonly host: string;
  readonly port: number;
  /**
   * Takes no more clients, ends idle sessions at once and the others after `drainMs`. Resolves when the port is free and no connection is
   * left, five seconds after the drain at the latest, whatever Postgres and the APIs do. Never rejects; a second call does nothing new.
   */
  close(options?: CloseOptions): Promise<void>;
}

/** A config that is open. Every method but `close` rejects with UsageError after `close`, and with ConnectionLost when Postgres can't be reached or is lost. */
export interface Throughline {
  /**
   * Creates or extends the schemas, mirrors, guards and grants of all configured tables, in one transaction. Resolves with the SQL that
   * changed something, one statement each; a line that begins with `--` is a remark. Rejects with ReadFailed when an API does not describe
   * its tables, and with Explained when an administrator has to act first, or when `allowDrop` is needed.
   */
  migrate(options?: MigrateOptions): Promise<readonly string[]>;
  /**
   * Copies all records of the tables into their mirrors. Resolves with one result for each table that was begun, in the order in which
   * they ended: a table whose copy failed is such a result, and no rejection. Rejects with UsageError for a table that is not configured
   * or a wrong `workers`, and with Explained when the database is not migrated.
   */
  pull(options?: PullOptions): Promise<readonly PulledTable[]>;
  /**
   * Starts a proxy, and /metrics, /healthz and /readyz where the config has `http`. Resolves when its port takes connections. Rejects with
   * Explained when the database is not migrated or a mirror lacks its guard, and with the error of `listen` (`code` EADDRINUSE) when the
   * port is taken.
   */
  serve(options?: ServeOptions): Promise<Served>;
  /**
   * Stops pulls after their page, closes every proxy as `Served.close` does, and ends all connections. Resolves when nothing is left open,
   * five seconds after the drain at the latest; a pull whose page is under way even then fails. A second call has the same end.
   */
  close(options?: CloseOptions): Promise<void>;
}

/**
 * Opens a config: it is read and checked, and nothing is connected yet. What is opened by it, `close` ends.
 *
 * ```ts
 * const throughline = await openThroughline({
 *   config: {
 *     postgres: { url: "${DATABASE_URL}", grant: { app: ["select", "insert"] } },
 *     apis: { orders: { manifest: "./orders.yaml", key: "${ORDERS_KEY}" } },
 *   },
 * });
 * await throughline.migrate();
 * await throughline.pull();
 * const { port } = await throughline.serve({ port: 0 });
 * console.log(`psql postgres://app@127.0.0.1:${port}/mydb`);
 * process.once("SIGTERM", () => throughline.close());
 * ```
 *
 * Rejects with ConfigError, which has one line for each mistake in `mistakes`.
 */
export async function openThroughline({ config, env = process.env }: OpenOptions): Promise<Throughline> {
  const opened = open(readConfig(config, env));
  const lifetime = new Lifetime();
  const proxies = new Set<Served>();
  return {
    migrate: ({ dryRun = false, allowDrop = false } = {}) =>
      lifetime.run(() => migrateAll(opened, { dryRun, allowDrop })),
    pull: (options = {}) => lifetime.run(() => pull(opened, options, lifetime.signal)),
    serve: (options = {}) =>
      lifetime.run(async () => {
        const proxy = await startProxy(opened, options, lifetime.signal);
        proxies.add(proxy);
        return proxy;
      }),
    close: (options = {}) => {
      const { drainMs = opened.config.listen.drainMs } = options;
      const closeProxies = () => Promise.all([...proxies].map((proxy) => proxy.close({ drainMs })));
      // Both at once, for both have the same time.
      lifetime.signal.addEventListener("abort", closeProxies);
      return lifetime.end(drainMs + graceMs, async () => {
        await closeProxies();
        await opened.pool.close();
      });
    },
  };
}

async function pull(
  opened: Opened,
  { tables, full = false, workers = 4, signal }: PullOptions,
  closing: AbortSignal,
): Promise<readonly PulledTable[]> {
  if (!Number.isInteger(workers) || workers < 1) throw new UsageError("workers is a whole number from 1");
  // Of no names the command line makes all; a program that has computed none means none.
  const wanted = tables?.length === 0 ? { ...opened, tables: [] } : wantedTables(opened, tables ?? []);
  await requireSchema(opened.pool);
  return pullAll(wanted, { full, workers, signal: signal ? AbortSignal.any([signal, closing]) : closing });
}

/** A proxy has connections of its own: a pull beside it, or another proxy, takes none of them. `closing`: aborted, the start is given up. */
async function startProxy(shared: Opened, options: ServeOptions, closing: AbortSignal): Promise<Served> {
  const { listen } = shared.config;
  const { host = listen.host, port = listen.port } = options;
  const opened = { ...shared, pool: openPool(shared.config, shared.log) };
  const giveUp = () => opened.pool.close();
  closing.addEventListener("abort", giveUp);
  try {
    const wrong = await unservable(opened);
    if (wrong !== undefined) throw new Explained(wrong);
    const metrics = new Metrics();
    const proxy = await serve(opened, { host, port }, metrics, closing);
    const watched = await watchOver(proxy, opened, metrics);
    const stop = async (drainMs: number) => {
      await watched.stop(drainMs);
      await opened.pool.close();
    };
    let closed: Promise<void> | undefined;
    return {
      host,
      port: proxy.port,
      close: ({ drainMs = listen.drainMs } = {}) => {
        closed ??= stop(drainMs);
        return closed;
      },
    };
  } catch (cause) {
    await opened.pool.close();
    throw cause;
  } finally {
    closing.removeEventListener("abort", giveUp);
  }
}
