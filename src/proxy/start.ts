// Puts the proxy together: its key, the mirrors it knows, and the port.

import type { ListenOptions } from "node:net";
import type { Pool } from "pg";
import type { Logger } from "pino";
import type { ConnectorTable } from "../connector/table.js";
import type { Mirror } from "../mirror/column.js";
import type { PostgresAddress } from "../postgres/address.js";
import { Signer } from "../postgres/mac.js";
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
  mirrors(): Promise<readonly { readonly mirror: Mirror; readonly table: ConnectorTable }[]>;
}

/** How often our key is renewed: well within its life of days. */
const renewEveryMs = 3_600_000;
/** How old what we know of a mirror may be. A migration in between is noticed when the call is noted. */
const freshMs = 1_000;

export async function startProxy(parts: ProxyParts): Promise<RunningProxy> {
  const { pool, log, postgres } = parts;
  const signer = await Signer.register(pool);
  let known = await parts.mirrors();
  let readAtMs = performance.now();
  const mirrorOf = async (relation: number) => {
    const found = known.find(({ mirror }) => mirror.relation === relation);
    if (found?.mirror.complete && performance.now() - readAtMs < freshMs) return found;
    known = await parts.mirrors();
    readAtMs = performance.now();
    return known.find(({ mirror }) => mirror.relation === relation);
  };
  const context = { pool, signer, log, mirrorOf };
  const names = known.map(({ mirror }) => mirror.table);
  const listener = new Listener({
    postgres,
    interception: interception(names, context),
    asleep: interception([], context),
    log,
  });
  const renewal = setInterval(() => {
    signer.renew(pool).catch((err: unknown) => log.warn({ err }, "the proxy's key could not be renewed"));
  }, renewEveryMs);
  renewal.unref();
  const port = await listener.listen(parts.listen);
  return {
    port,
    close: async () => {
      clearInterval(renewal);
      await listener.close();
      await signer.retire(pool);
    },
  };
}
