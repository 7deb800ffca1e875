// Which proxies are running: each holds an advisory lock of Postgres's as long as it does. A crash releases it at once.

import type { Pool, PoolClient } from "pg";
import type { Logger } from "pino";

/** How soon a lock that was lost with its connection is taken again. */
const retryMs = 500;

export class Presence {
  private client: PoolClient | undefined;
  private ended = false;

  private constructor(
    private readonly pool: Pool,
    private readonly proxy: string,
    private readonly log: Logger,
  ) {}

  /** Holds a connection of the pool's until `end`. */
  static async begin(pool: Pool, proxy: string, log: Logger): Promise<Presence> {
    const presence = new Presence(pool, proxy, log);
    await presence.take();
    return presence;
  }

  end(): void {
    this.ended = true;
    const { client } = this;
    this.client = undefined;
    // The lock goes with the connection.
    client?.release(true);
  }

  private async take(): Promise<void> {
    const client = await this.pool.connect();
    client.on("error", () => this.lost(client));
    client.on("end", () => this.lost(client));
    try {
      // Shared: two proxies whose names have one hash don't wait for each other.
      await client.query("select pg_advisory_lock_shared(hashtext('throughline proxy'), hashtext($1))", [this.proxy]);
    } catch (cause) {
      client.release(true);
      throw cause;
    }
    if (this.ended) client.release(true);
    else this.client = client;
  }

  private lost(client: PoolClient): void {
    if (this.client !== client || this.ended) return;
    this.client = undefined;
    client.release(true);
    this.log.warn("the connection that shows this proxy to be running was lost");
    this.again();
  }

  private again(): void {
    const retry = () => {
      if (!this.ended) this.take().catch(() => this.again());
    };
    setTimeout(retry, retryMs).unref();
  }
}

/** Those of the proxies with open entries that are not running. */
export async function gone(client: PoolClient, own: string): Promise<readonly string[]> {
  const found = await client.query<{ proxy: string }>(
    `select proxy from (select distinct proxy from throughline.journal where closed_at is null and proxy <> $1) p
     where pg_try_advisory_xact_lock(hashtext('throughline proxy'), hashtext(proxy::text))`,
    [own],
  );
  return found.rows.map(({ proxy }) => proxy);
}
