// Starts the proxy on an opened config, and what watches over it.

import type { ListenOptions } from "node:net";
import { wrongGuard } from "../mirror/guard-check.js";
import { requireSchema, schemaVersion, wrongSchema } from "../mirror/schema.js";
import { type HealthServer, serveHealth } from "../observe/http.js";
import { Metrics } from "../observe/metrics.js";
import { postgresAddress } from "../postgres/address.js";
import { type RunningProxy, startProxy } from "../proxy/start.js";
import { loadParser } from "../sql/parser.js";
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
  await loadParser();
  const { pool, log, config } = opened;
  return startProxy({
    pool,
    log,
    listen,
    postgres: postgresAddress(config.postgres.url),
    keepMs: config.journal.keepMs,
    connections: config.listen.connections,
    writes: config.listen.writes,
    metrics,
    mirrors: () => openMirrors(opened),
  });
}

/** Where /metrics, /healthz and /readyz are, unless the config says another place. */
const defaultHttp = { host: "127.0.0.1", port: 9543 };

/** Serves /metrics, /healthz and /readyz. Undefined: the address is the default one, and another process has it. */
export async function watchOver(
  { pool, config, log }: Opened,
  { registry }: Metrics,
  stopping: () => boolean,
): Promise<HealthServer | undefined> {
  const { host, port } = config.http ?? defaultHttp;
  const notReady = async () => {
    return stopping() ? "the proxy is stopping" : wrongSchema(await schemaVersion(pool));
  };
  try {
    return await serveHealth(host, port, { registry, notReady });
  } catch (cause) {
    if (config.http) throw cause;
    log.warn({ port }, 'there is no /metrics here, for the port is taken; "http" in throughline.yaml names another');
    return undefined;
  }
}
