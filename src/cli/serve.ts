// throughline serve: the proxy.

import type { ListenOptions } from "node:net";
import { type Opened, open, reopenTables } from "../app/open.js";
import { defaultHttp, serve, unservable, type WatchedProxy, watchOver } from "../app/serve.js";
import { UsageError } from "../app/usage-error.js";
import { ConfigError } from "../config/yaml.js";
import { Metrics } from "../observe/metrics.js";
import { graceMs } from "../proxy/start.js";
import { aborted, type Command, type Io, interruptionSignal, type Options, reasonOf } from "./command.js";
import { configOf } from "./config-of.js";

export const serveCommand: Command = async (options, io) => {
  const signal = interruptionSignal();
  const interruption = aborted(signal);
  const instance = open(configOf(options));
  const { drainMs } = instance.config.listen;
  const starting = start(instance, options, io, signal);
  try {
    const started = await Promise.race([starting, interruption]);
    if (started === "unservable") return 1;
    if (started) {
      await interruption;
      endBy(drainMs + graceMs + lastMs);
      await started.stop(drainMs);
    } else {
      endBy(graceMs);
      // It fails when its connections have ended, unless it has just come about.
      starting.then(
        async (late) => {
          if (late !== "unservable") await late.stop(0);
        },
        () => undefined,
      );
    }
    return 0;
  } finally {
    await instance.pool.close();
  }
};

/** How much longer than it should the process may take to end, in milliseconds. */
const lastMs = 500;

/** Ends the process with 0 if it has not ended by itself in `ms` milliseconds: something of it is stuck, and its ports are free. */
function endBy(ms: number): void {
  setTimeout(() => process.exit(0), ms).unref();
}

async function start(
  instance: Opened,
  options: Options,
  io: Io,
  signal: AbortSignal,
): Promise<WatchedProxy | "unservable"> {
  const wrong = await unservable(instance);
  if (wrong !== undefined) {
    io.err(wrong);
    return "unservable";
  }
  const metrics = new Metrics();
  const current = followConfig(instance, options);
  const listen = listenOn(options.flags["listen"], options.flags["socket"], instance.config.listen);
  const proxy = await serve(current, listen, metrics, signal).catch(portTaken(listen));
  const watched = await watchOver(proxy, instance, metrics, defaultHttp);
  instance.log.info({ port: proxy.port, http: watched.httpPort }, "listening");
  return watched;
}

/** SIGHUP reads the config again; one that is wrong changes nothing. Where it listens, and how it reaches Postgres, stays. */
function followConfig(instance: Opened, options: Options): Opened {
  const current: { -readonly [Name in keyof Opened]: Opened[Name] } = { ...instance };
  process.on("SIGHUP", () => {
    try {
      const config = configOf(options);
      current.tables = reopenTables(current, config);
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

function listenOn(listen: unknown, socketFolder: unknown, fallback: { host: string; port: number }): ListenOptions {
  if (typeof socketFolder === "string") return { path: `${socketFolder}/.s.PGSQL.${fallback.port}` };
  if (typeof listen !== "string") return fallback;
  const match = /^(?:(.+):)?(\d+)$/.exec(listen);
  if (!match) throw new UsageError(`--listen takes an address such as 127.0.0.1:6543, not "${listen}"`);
  return { host: match[1] ?? fallback.host, port: Number(match[2]) };
}
