// Our own connections as a pool whose end has a bound: the driver's own waits for whoever has a connection, and never for the sockets.
// Each of them looks for names in pg_catalog alone.

import { Socket } from "node:net";
import pg from "pg";

/**
 * SQL: the session looks for names where Postgres has its own. A search_path that the login, the database or the server prescribes may
 * lead to schemas that others fill, and there an operator for exactly the types at hand is found before that of Postgres.
 */
export const ownPathSql = "set search_path = pg_catalog, pg_temp";

export interface OwnPoolOptions extends Omit<pg.PoolConfig, "stream" | "verify"> {
  /** SQL: what each connection sets besides its search_path. */
  readonly settings?: string;
}

/** How long the end waits for a connection that is in use, and for Postgres to hang up, in milliseconds. */
const patienceMs = 500;

export class OwnPool extends pg.Pool {
  /** SQL: what each connection is told first. */
  readonly firstSql: string;
  private readonly sockets: Set<Socket>;

  constructor(private readonly config: OwnPoolOptions) {
    const { settings = "", ...options } = config;
    const sockets = new Set<Socket>();
    const stream = () => {
      const socket = new Socket();
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
      return socket;
    };
    const firstSql = `${ownPathSql}; ${settings}`;
    const verify: pg.PoolConfig["verify"] = (client, done) => client.query(firstSql).then(() => done(), done);
    super({ ...options, stream, verify });
    this.firstSql = firstSql;
    this.sockets = sockets;
    // While a connection is in use, its work hears of what failed; unheard, the event would end the process.
    this.on("connect", (client) => client.on("error", () => undefined));
  }

  /** A pool of one connection of the same kind. The caller closes it. */
  another(): OwnPool {
    const pool = new OwnPool({ ...this.config, max: 1 });
    pool.on("error", () => undefined);
    return pool;
  }

  /**
   * Ends every connection, also those that are in use, being made, or stuck in a Postgres that answers nothing. Resolves when no socket
   * is left, after `patienceMs` and a moment at the latest; never rejects. A second call waits for the same end.
   */
  async close(): Promise<void> {
    if (!this.ending) this.end().catch(() => undefined);
    const cut = setTimeout(() => this.cut(), patienceMs);
    while (this.sockets.size > 0) await Promise.all([...this.sockets].map(closeOf));
    clearTimeout(cut);
  }

  private cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }
}

function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once("close", () => resolve()));
}
