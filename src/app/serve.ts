// Starts the proxy on an opened config, and what watches over it.

import type { ListenOptions } from "node:net";
import { wrongGuard } from "../mirror/guard-check.js";
import { requireSchema, schemaVersion, wrongSchema } from "../mirror/schema.js";
import { type HealthServer, serveHealth } from "../observe/http.js";
import { Metrics } from "../observe/metrics.js";
import { postgresAddress } from "../postgres/address.js";
import { type RunningProxy, startProxy } from "../proxy/start.js";
import { type Opened, openMirrors } from "./open.js";

/** Why the proxy must not be started on this database: a mirror without its guard. Undefined: it may. Throws Explained for a schema to migrate. */
export async function unservable(opened: Opened): Promise<string | undefined> {
  await requireSchema(opened.pool);
  for (const { mirror } of await openMirrors(opened)) {
    const wrong = await wrongGuard(opened.pool, mirror.schema, mirror.table);
    if (wrong !== undefined) return `${mirror.schema}.${mirror.table}: ${wrong}`;
  }
  return undefined;
}

/** Starts the proxy. Resolves when its port takes connections. */
export async function serve(opened: Opened, listen: ListenOptions, metrics = new Metrics()): Promise<RunningProxy> {
  const { pool, log, config } = opened;
  return startProxy({
    pool,
    log,
    listen,
    postgres: postgresAddress(config.postgres.url),
    keepMs: config.journal.keepMs,
    connections: config.listen.connections,
    writes: config.listen.writes,
    memoryBytes: config.listen.memoryBytes,
    metrics,
    mirrors: () => openMirrors(opened),
  });
}

/** Where /metrics, /healthz and /readyz are for the command line, unless the config says another place. */
export const defaultHttp = { host: "127.0.0.1", port: 9543 };

export interface WatchedProxy {
  /** Where /metrics, /healthz and /readyz are; undefined: nowhere. */
  readonly httpPort: number | undefined;
  /** Says on /readyz that the proxy stops, closes it, and then what watches over it. */
  stop(drainMs: number): Promise<void>;
}

/**
 * Serves /metrics, /healthz and /readyz of a proxy, where the config says or at `fallback`; the fallback may be taken by another process.
 * Closes the proxy when that fails, and throws what `listen` does.
 */
export async function watchOver(
  proxy: RunningProxy,
  { pool, config, log }: Opened,
  { registry }: Metrics,
  fallback?: typeof defaultHttp,
): Promise<WatchedProxy> {
  let isStopping = false;
  const notReady = async () => {
    return isStopping ? "the proxy is stopping" : wrongSchema(await schemaVersion(pool));
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
      await proxy.close(drainMs);
      health?.close();
    },
  };
}
