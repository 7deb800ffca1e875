// Puts the proxy together: its key, the mirrors it knows, and the port.

import type { ListenOptions } from "node:net";
import type { Pool } from "pg";
import type { Logger } from "pino";
import { EntryWatch } from "../journal/entry-watch.js";
import { countOpen } from "../journal/listing.js";
import { Presence } from "../journal/presence.js";
import { recover } from "../journal/recover.js";
import { deleteOldEntries } from "../journal/retain.js";
import { NamesWatch } from "../mirror/watched-names.js";
import type { Metrics } from "../observe/metrics.js";
import { withinMs } from "../observe/time-limit.js";
import type { PostgresAddress } from "../postgres/address.js";
import { ConnectionLost, explainLoss } from "../postgres/connection-lost.js";
import { Signer } from "../postgres/mac.js";
import type { OwnPool } from "../postgres/own-pool.js";
import { Classifier } from "../sql/classifier.js";
import { WatchList } from "../sql/watch-list.js";
import { tendAllParked } from "../sync/parked.js";
import type { MirroredTable } from "../upstream/mirrored-table.js";
import { Closing } from "./closing.js";
import { Listener } from "./listener.js";
import { mirrorInterceptor } from "./mirror-interceptor.js";
import { type FittingLimits, fitToFiles, readOpenFiles } from "./open-files.js";
import { Rounds } from "./rounds.js";

export interface RunningProxy {
  readonly port: number;
  /** Our own connections for what nobody waits for; they end with the proxy. */
  readonly background: OwnPool;
  /**
   * Sessions have `drainMs` to finish what they are at; without it they end at once. Resolves within `graceMs` more, whatever clients,
   * Postgres and APIs do, with the port free and no socket left. Never rejects. A second call has the same end.
   */
  close(drainMs?: number): Promise<void>;
}

export interface ProxyParts {
  readonly pool: Pool;
  /** Our own connections for what nobody waits for; the proxy ends them. */
  readonly background: OwnPool;
  readonly postgres: PostgresAddress;
  readonly log: Logger;
  readonly listen: ListenOptions;
  readonly metrics: Metrics;
  /** The most clients, connections that are opening, and statements held for an API, at a time. */
  readonly connections: number;
  readonly opening: number;
  readonly writes: number;
  /** How many bytes are kept of unfinished messages, rows and bound values, over all sessions. */
  readonly memoryBytes: number;
  /** The most connections of our own, which need open files as well. */
  readonly ownConnections: number;
  /** How long closed journal entries are kept. */
  readonly keepMs: number;
  /** The logins that only take on other roles. */
  switches(): readonly string[];
  /** Reads the mirrors afresh. */
  mirrors(): Promise<readonly MirroredTable[]>;
  /** Builds each unique index that was away and need be no longer. */
  tendIndexes(): Promise<void>;
}

/** How long a stop takes at most once its drain is over, in milliseconds; what ends the proxy's own connections included. */
export const graceMs = 5_000;
/** What is left of it when the sessions have ended, and what of that is for ending our own connections. */
const lastStepsMs = 1_500;
const lastConnectionsMs = 1_000;
/** How often our key is renewed: well within its life of days. */
const renewEveryMs = 3_600_000;
const forgetEveryMs = 3_600_000;
/** How often what others left open is looked for: while there is none, that is one small query. */
const recoverEveryMs = 500;
/** How often it is looked whether a unique index that is away can come back: while none is, that is one small query. */
const indexEveryMs = 2_000;
/** How soon a table that "migrate" added, or a view or function that others made, is noticed. */
const watchEveryMs = 5_000;
/** How old what we know of a mirror may be. A migration in between is noticed when the call is noted. */
const freshMs = 1_000;

const watching = "looking up the names over the mirrors";
/** How long `/metrics` waits for Postgres. */
const metricsWaitMs = 5_000;
/** A proxy whose connection is lost seems to be gone, and others finish its calls: it shows itself again soon. */
const presenceEveryMs = 500;
const longestAbsenceMs = 2_000;

/** Starts a proxy. Throws ConnectionLost when Postgres can't be reached, what `listen` does, and Explained when there are too few open files. */
export async function startProxy(parts: ProxyParts): Promise<RunningProxy> {
  const { pool, background, log, postgres, metrics } = parts;
  const limits = limitsOf(parts);
  const signer = await Signer.register(background);
  let presence: Presence | undefined;
  try {
    const { mirrors, knownMirrors } = await cachedMirrors(parts);
    let isStopping = false;
    const watchList = new WatchList();
    const classifier = new Classifier(watchList);
    const functions = new NamesWatch(background, () => isStopping);
    const watch = async () => {
      const now = await mirrors();
      watchList.set(await functions.look(now.map(({ mirror }) => mirror)));
    };
    const onDefinition = () => rounds.hasten(watching, functions.restMs);
    const context = { ...parts, signer, mirrors, knownMirrors, functions, names: watchList, onDefinition };
    const interceptor = mirrorInterceptor(classifier, context);
    const asleep = mirrorInterceptor(new Classifier(new WatchList()), context);
    const listener = new Listener({ postgres, interceptor, asleep, log, memoryBytes: parts.memoryBytes, ...limits });
    await watch();
    classifier.warm();
    const shown = await Presence.begin(background, signer.proxy, log);
    presence = shown;
    const port = await listener.listen(parts.listen);
    metrics.watch({
      connections: () => listener.count,
      opening: () => listener.openingCount,
      heldStatements: () => interceptor.underWay,
      journal: async () => {
        const counts = await withinMs(metricsWaitMs, countOpen(background));
        return counts === "late" ? [] : counts;
      },
    });
    const entryWatch = new EntryWatch();
    const rounds = new Rounds(log, [
      { what: watching, everyMs: watchEveryMs, work: watch },
      { what: "renewing the proxy's key", everyMs: renewEveryMs, work: () => signer.renew(background) },
      {
        what: "forgetting old journal entries",
        firstMs: 0,
        everyMs: forgetEveryMs,
        work: () => deleteOldEntries(background, parts.keepMs),
      },
      {
        what: "showing that this proxy is running",
        everyMs: presenceEveryMs,
        longestMs: longestAbsenceMs,
        work: () => shown.renew(),
      },
      {
        what: "recovery",
        firstMs: 0,
        everyMs: recoverEveryMs,
        work: async () => {
          const stopping = () => isStopping;
          const results = await recover({
            pool,
            background,
            log,
            proxy: signer.proxy,
            watch: entryWatch,
            mirrors,
            stopping,
          });
          for (const { to } of results ?? []) if (to !== "left") metrics.recover(to);
        },
      },
      { what: "bringing back unique indexes", firstMs: 0, everyMs: indexEveryMs, work: () => parts.tendIndexes() },
      {
        what: "writing what the sync has parked",
        everyMs: recoverEveryMs,
        work: () => tendAllParked(pool, background, mirrors),
      },
    ]);
    const stop = async (drainMs: number) => {
      isStopping = true;
      const closing = new Closing(log, drainMs + graceMs - lastConnectionsMs);
      await closing.step("ending the sessions", () => listener.close(drainMs, graceMs - lastStepsMs));
      classifier.close();
      const ended = rounds.stop();
      shown.end();
      await closing.step("taking back the proxy's key", () => signer.retire(background));
      // A query that they wait for ends with its connection.
      await background.close();
      await closing.step("ending what the proxy does by itself", () => ended);
    };
    let closed: Promise<void> | undefined;
    const close = (drainMs = 0) => {
      closed ??= stop(drainMs);
      return closed;
    };
    return { port, background, close };
  } catch (cause) {
    presence?.end();
    await withinMs(lastStepsMs, signer.retire(background)).catch(() => undefined);
    throw cause;
  }
}

/** The limits that the process's open files allow; the log hears when they are lower than wanted. */
function limitsOf({ connections, opening, writes, ownConnections, log }: ProxyParts): FittingLimits {
  const limits = fitToFiles({ connections, opening, writes, own: ownConnections }, readOpenFiles());
  if (limits.files?.isShort) {
    const { connections: fewer, opening: fewerOpening, files } = limits;
    log.warn(
      { files: files.limit, connections: fewer, opening: fewerOpening },
      `this process may open ${files.limit} files ("ulimit -n"): it takes ${fewer} clients at a time, not ${connections}`,
    );
  }
  return limits;
}

/**
 * Returns what gives the mirrors, and those that it gave last. They are read afresh when that was asked for, or when what is known of them is too old. While they can't be read,
 * what is known stands: no call is noted for a mirror that has changed since.
 */
async function cachedMirrors({ mirrors }: ProxyParts) {
  let mirroredTables = await mirrors();
  let readAtMs = performance.now();
  const read = async () => {
    mirroredTables = await mirrors();
    readAtMs = performance.now();
  };
  return {
    mirrors: async (afresh?: "afresh") => {
      if (afresh) await read();
      else if (performance.now() - readAtMs > freshMs)
        await read().catch((cause: unknown) => {
          if (!(explainLoss(cause) instanceof ConnectionLost)) throw cause;
        });
      return mirroredTables;
    },
    knownMirrors: () => mirroredTables.map(({ mirror }) => mirror),
  };
}
