// Puts the proxy together: its key, the mirrors it knows, and the port.

import type { ListenOptions } from "node:net";
import type { Pool } from "pg";
import type { Logger } from "pino";
import { loadWatchedNames } from "../mirror/watch.js";
import type { PostgresAddress } from "../postgres/address.js";
import { Signer } from "../postgres/mac.js";
import { Watched } from "../sql/watched.js";
import type { KnownMirror } from "../write/run.js";
import { interception } from "./intercept.js";
import { Listener } from "./listener.js";

export interface RunningProxy {
  readonly port: number;
  close(): Promise<void>;
}

export interface ProxyParts {
  readonly pool: Pool;
  readonly postgres: PostgresAddress;
  readonly log: Logger;
  readonly listen: ListenOptions;
  /** Reads the mirrors afresh. */
  mirrors(): Promise<readonly KnownMirror[]>;
}

/** How often our key is renewed: well within its life of days. */
const renewEveryMs = 3_600_000;
/** How soon a table that "migrate" added, or a view or function that others made, is noticed. */
const watchEveryMs = 5_000;
/** How old what we know of a mirror may be. A migration in between is noticed when the call is noted. */
const freshMs = 1_000;

export async function startProxy(parts: ProxyParts): Promise<RunningProxy> {
  const { pool, log, postgres } = parts;
  const signer = await Signer.register(pool);
  let known = await parts.mirrors();
  let readAtMs = performance.now();
  const mirrors = async (afresh?: "afresh") => {
    if (afresh || performance.now() - readAtMs > freshMs) {
      known = await parts.mirrors();
      readAtMs = performance.now();
    }
    return known;
  };
  const watched = new Watched();
  const watch = async () => {
    const now = await mirrors();
    const names = await loadWatchedNames(
      pool,
      now.map(({ mirror }) => mirror),
    );
    watched.set(names.tables, names.functions);
  };
  await watch();
  const context = { pool, signer, log, mirrors, sources: () => watched.sourcePattern };
  const listener = new Listener({
    postgres,
    interception: interception(watched, context),
    asleep: interception(new Watched(), context),
    log,
  });
  const watching = setInterval(() => {
    watch().catch((err: unknown) => log.warn({ err }, "views and functions over the mirrors could not be looked up"));
  }, watchEveryMs);
  watching.unref();
  const renewal = setInterval(() => {
    signer.renew(pool).catch((err: unknown) => log.warn({ err }, "the proxy's key could not be renewed"));
  }, renewEveryMs);
  renewal.unref();
  const port = await listener.listen(parts.listen);
  return {
    port,
    close: async () => {
      clearInterval(renewal);
      clearInterval(watching);
      await listener.close();
      await signer.retire(pool);
    },
  };
}
