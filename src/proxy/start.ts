// Puts the proxy together: its key, the mirrors it knows, and the port.

import type { ListenOptions } from "node:net";
import type { Pool } from "pg";
import type { Logger } from "pino";
import { countOpen } from "../journal/listing.js";
import { Presence } from "../journal/presence.js";
import { recover } from "../journal/recover.js";
import { deleteOldEntries } from "../journal/retain.js";
import { loadSearchPaths } from "../mirror/search-paths.js";
import { NamesWatch } from "../mirror/watched-names.js";
import type { Metrics } from "../observe/metrics.js";
import type { PostgresAddress } from "../postgres/address.js";
import { Signer } from "../postgres/mac.js";
import { WatchList } from "../sql/watch-list.js";
import type { MirroredTable } from "../upstream/mirrored-table.js";
import { Listener } from "./listener.js";
import { mirrorInterceptor } from "./mirror-interceptor.js";

export interface RunningProxy {
  readonly port: number;
  /** Sessions have `drainMs` to finish what they are at; without it they end at once. */
  close(drainMs?: number): Promise<void>;
}

export interface ProxyParts {
  readonly pool: Pool;
  readonly postgres: PostgresAddress;
  readonly log: Logger;
  readonly listen: ListenOptions;
  readonly metrics: Metrics;
  /** The most clients, and the most statements held for an API, at a time. */
  readonly connections: number;
  readonly writes: number;
  /** How many bytes are kept of unfinished messages, rows and bound values, over all sessions. */
  readonly memoryBytes: number;
  /** How long closed journal entries are kept. */
  readonly keepMs: number;
  /** Reads the mirrors afresh. */
  mirrors(): Promise<readonly MirroredTable[]>;
}

/** How often our key is renewed: well within its life of days. */
const renewEveryMs = 3_600_000;
const forgetEveryMs = 3_600_000;
/** How often what others left open is looked for: while there is none, that is one small query. */
const recoverEveryMs = 500;
/** How soon a table that "migrate" added, or a view or function that others made, is noticed. */
const watchEveryMs = 5_000;
/** How old what we know of a mirror may be. A migration in between is noticed when the call is noted. */
const freshMs = 1_000;

export async function startProxy(parts: ProxyParts): Promise<RunningProxy> {
  const { pool, log, postgres, metrics } = parts;
  const signer = await Signer.register(pool);
  let mirroredTables = await parts.mirrors();
  let readAtMs = performance.now();
  const mirrors = async (afresh?: "afresh") => {
    if (afresh || performance.now() - readAtMs > freshMs) {
      mirroredTables = await parts.mirrors();
      readAtMs = performance.now();
    }
    return mirroredTables;
  };
  let stopping = false;
  const watchList = new WatchList();
  const functions = new NamesWatch(pool, () => stopping);
  const watch = async () => {
    const now = await mirrors();
    const names = await functions.look(now.map(({ mirror }) => mirror));
    watchList.set({ ...names, paths: await loadSearchPaths(pool) });
  };
  const context = { ...parts, signer, mirrors, functions, names: watchList, onDefinition: () => undefined };
  const interceptor = mirrorInterceptor(watchList, context);
  const listener = new Listener({
    postgres,
    interceptor,
    asleep: mirrorInterceptor(new WatchList(), context),
    log,
    connections: parts.connections,
    memoryBytes: parts.memoryBytes,
  });
  await watch();
  const presence = await Presence.begin(pool, signer.proxy, log);
  const port = await listener.listen(parts.listen).catch((cause: unknown) => {
    presence.end();
    throw cause;
  });
  metrics.watch({
    connections: () => listener.count,
    heldStatements: () => interceptor.underWay,
    journal: () => countOpen(pool),
  });
  const warn = (message: string) => (err: unknown) => log.warn({ err }, message);
  const rounds = [
    repeat(watchEveryMs, watchEveryMs, watch, warn("views and functions over the mirrors could not be looked up")),
    repeat(renewEveryMs, renewEveryMs, () => signer.renew(pool), warn("the proxy's key could not be renewed")),
    repeat(
      0,
      forgetEveryMs,
      () => deleteOldEntries(pool, parts.keepMs),
      warn("old journal entries could not be deleted"),
    ),
    repeat(
      0,
      recoverEveryMs,
      async () => {
        const results = await recover({ pool, log, proxy: signer.proxy, mirrors, stopping: () => stopping });
        for (const { to } of results ?? []) if (to !== "left") metrics.recover(to);
      },
      warn("recovery failed, and is tried again"),
    ),
  ];
  return {
    port,
    close: async (drainMs = 0) => {
      stopping = true;
      await listener.close(drainMs);
      await Promise.all(rounds.map((round) => round.stop()));
      presence.end();
      await signer.retire(pool);
    },
  };
}

interface Repeated {
  /** Resolves when nothing of it is under way any more. */
  stop(): Promise<void>;
}

/** Does something again and again, never twice at a time; for the first time when `firstMs` have passed. */
function repeat(
  firstMs: number,
  everyMs: number,
  work: () => Promise<unknown>,
  onFailure: (cause: unknown) => void,
): Repeated {
  let isStopped = false;
  const round = async (): Promise<void> => {
    await work().catch((cause: unknown) => isStopped || onFailure(cause));
    if (!isStopped) timer = setTimeout(begin, everyMs).unref();
  };
  let current = Promise.resolve();
  const begin = () => {
    current = round();
  };
  let timer = setTimeout(begin, firstMs).unref();
  return {
    stop: () => {
      isStopped = true;
      clearTimeout(timer);
      return current;
    },
  };
}
