// Starts the proxy on an opened config, and what watches over it.

import type { ListenOptions } from "node:net";
import { wrongTable } from "../mirror/guard-check.js";
import { requireSchema, schemaVersion, wrongSchema } from "../mirror/schema.js";
import { type HealthServer, serveHealth } from "../observe/http.js";
import { Metrics } from "../observe/metrics.js";
import { withinMs } from "../observe/time-limit.js";
import { postgresAddress } from "../postgres/address.js";
import { type RunningProxy, startProxy } from "../proxy/start.js";
import { exposuresOf } from "./exposures.js";
import { indexTender } from "./missing-indexes.js";
import { type Opened, openBackgroundPool, openMirrors } from "./open.js";

/** Why the proxy must not be started on this database: a mirror without its guard. Undefined: it may. Throws Explained for a schema to migrate. */
export async function unservable(opened: Opened): Promise<string | undefined> {
  await requireSchema(opened.pool);
  for (const { mirror } of await openMirrors(opened)) {
    const wrong = await wrongTable(opened.pool, mirror.schema, mirror.table);
    if (wrong !== undefined) return `${mirror.schema}.${mirror.table}: ${wrong}`;
  }
  return undefined;
}

/** Says in the log what is exposed to the network, and starts the proxy. Resolves when its port takes connections. Throws what `startProxy` does; when `signal` is aborted meanwhile, it gives up whatever Postgres does. */
export async function serve(
  opened: Opened,
  listen: ListenOptions,
  metrics = new Metrics(),
  signal?: AbortSignal,
): Promise<RunningProxy> {
  const { pool, log, config } = opened;
  for (const { subject, says } of exposuresOf(opened, listen)) log.warn({ subject }, says);
  const background = openBackgroundPool(config, log);
  const giveUp = () => background.close();
  signal?.addEventListener("abort", giveUp);
  try {
    signal?.throwIfAborted();
    return await startProxy({
      pool,
      background,
      log,
      listen,
      postgres: postgresAddress(config.postgres.url),
      keepMs: config.journal.keepMs,
      connections: config.listen.connections,
      opening: config.listen.opening,
      writes: config.listen.writes,
      memoryBytes: config.listen.memoryBytes,
      ownConnections: pool.options.max + background.options.max,
      metrics,
      switches: () => opened.config.postgres.switches,
      mirrors: () => openMirrors(opened),
      tendIndexes: indexTender(opened, background),
    });
  } catch (cause) {
    await background.close();
    throw cause;
  } finally {
    signal?.removeEventListener("abort", giveUp);
  }
}

/** Where /metrics, /healthz and /readyz are for the command line, unless the config says another place. */
export const defaultHttp = { host: "127.0.0.1", port: 9543 };

/** How long /readyz waits for Postgres. */
const readyWaitMs = 5_000;

export interface WatchedProxy {
  /** Where /metrics, /healthz and /readyz are; undefined: nowhere. */
  readonly httpPort: number | undefined;
  /** Says on /readyz that the proxy stops, closes it, and then what watches over it. Never rejects. */
  stop(drainMs: number): Promise<void>;
}

/**
 * Serves /metrics, /healthz and /readyz of a proxy, where the config says or at `fallback`; the fallback may be taken by another process.
 * Closes the proxy when that fails, and throws what `listen` does.
 */
export async function watchOver(
  proxy: RunningProxy,
  { config, log }: Pick<Opened, "config" | "log">,
  { registry }: Metrics,
  fallback?: typeof defaultHttp,
): Promise<WatchedProxy> {
  let isStopping = false;
  const notReady = async () => {
    if (isStopping) return "the proxy is stopping";
    const version = await withinMs(readyWaitMs, schemaVersion(proxy.background));
    return version === "late" ? "Postgres does not answer" : wrongSchema(version);
  };
  const address = config.http ?? fallback;
  let health: HealthServer | undefined;
  try {
    if (address) health = await serveHealth(address.host, address.port, { registry, notReady });
  } catch (cause) {
    if (config.http) {
      await proxy.close();
      throw cause;
    }
    const port = address?.port;
    log.warn({ port }, 'there is no /metrics here, for the port is taken; "http" in throughline.yaml names another');
  }
  return {
    httpPort: health?.port,
    stop: async (drainMs) => {
      isStopping = true;
      try {
        await proxy.close(drainMs);
      } finally {
        health?.close();
      }
    },
  };
}
