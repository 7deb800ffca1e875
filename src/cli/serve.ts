// throughline serve: the proxy.

import type { ListenOptions } from "node:net";
import { ConfigError } from "../config/yaml.js";
import { requireSchema, schemaVersion, wrongSchema } from "../mirror/schema.js";
import { type HealthServer, serveHealth } from "../observe/http.js";
import { Metrics } from "../observe/metrics.js";
import { postgresAddress } from "../postgres/address.js";
import { type RunningProxy, startProxy } from "../proxy/start.js";
import { loadParser } from "../sql/parser.js";
import { type Command, interrupted, type Options, reasonOf, UsageError } from "./command.js";
import { checkGuard } from "./findings.js";
import { configOf, type Opened, open, openMirrors, reopened } from "./open.js";

export const serveCommand: Command = async (options, io) => {
  const opened = open(configOf(options));
  const { pool, config, log } = opened;
  try {
    await requireSchema(pool);
    for (const { mirror } of await openMirrors(opened)) {
      const { level, subject, says } = await checkGuard(pool, mirror.schema, mirror.table);
      if (level !== "error") continue;
      io.err(`${subject}: ${says}`);
      return 1;
    }
    const metrics = new Metrics();
    const current = followConfig(opened, options);
    const listen = listenOn(options.flags["listen"], options.flags["socket"], config.listen);
    const proxy = await serve(current, listen, metrics).catch(portTaken(listen));
    let stopping = false;
    const health = await watchOver(opened, metrics, () => stopping).catch(async (cause: unknown) => {
      await proxy.close();
      throw cause;
    });
    log.info({ port: proxy.port, http: health?.port }, "listening");
    await interrupted();
    stopping = true;
    await proxy.close(config.listen.drainMs);
    health?.close();
    return 0;
  } finally {
    await pool.end();
  }
};

/** Starts the proxy on an open config. */
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

/** SIGHUP reads the config again; one that is wrong changes nothing. Where it listens, and how it reaches Postgres, stays. */
function followConfig(opened: Opened, options: Options): Opened {
  const current: { -readonly [Name in keyof Opened]: Opened[Name] } = { ...opened };
  process.on("SIGHUP", () => {
    try {
      const config = configOf(options);
      current.tables = reopened(current, config);
      current.config = config;
      current.log.level = config.log.level;
      current.log.info({ tables: current.tables.length }, "the config was read again");
    } catch (cause) {
      const mistakes = cause instanceof ConfigError ? cause.mistakes : [reasonOf(cause)];
      current.log.error({ mistakes }, "the config is wrong, and the one before stays");
    }
  });
  return current;
}

function portTaken(listen: ListenOptions) {
  return (cause: unknown): never => {
    if (!(cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE")) throw cause;
    const where = listen.path ?? `${listen.host}:${listen.port}`;
    throw new ConfigError([`${where} is in use: name another with listen.address in throughline.yaml, or --listen`]);
  };
}

/** Undefined: the address is the default one, and somebody else has it. */
async function watchOver(
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

/** Where /metrics, /healthz and /readyz are, unless the config says another place. */
const defaultHttp = { host: "127.0.0.1", port: 9543 };

function listenOn(listen: unknown, socketFolder: unknown, fallback: { host: string; port: number }): ListenOptions {
  if (typeof socketFolder === "string") return { path: `${socketFolder}/.s.PGSQL.${fallback.port}` };
  if (typeof listen !== "string") return fallback;
  const match = /^(?:(.+):)?(\d+)$/.exec(listen);
  if (!match) throw new UsageError(`--listen takes an address such as 127.0.0.1:6543, not "${listen}"`);
  return { host: match[1] ?? fallback.host, port: Number(match[2]) };
}
