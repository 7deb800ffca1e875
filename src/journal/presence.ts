// Which proxies are running: each keeps a connection that goes by its name in pg_stat_activity. A crash ends it at once. An advisory
// lock would do as well, but clients would see it among their own.

import type { Pool, PoolClient } from "pg";
import type { Logger } from "pino";

/** How soon a connection that was lost is made again. */
const retryMs = 500;

/** With the name of a proxy behind it, it is shorter than what Postgres cuts. */
const prefix = "throughline ";

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
    client?.release(true);
  }

  private async take(): Promise<void> {
    const client = await this.pool.connect();
    client.on("error", () => this.lost(client));
    client.on("end", () => this.lost(client));
    try {
      await client.query("select set_config('application_name', $1 || $2, false)", [prefix, this.proxy]);
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
export async function stoppedProxies(client: PoolClient, own: string): Promise<readonly string[]> {
  const found = await client.query<{ proxy: string }>(
    `select proxy from (select distinct proxy from throughline.journal where closed_at is null and proxy <> $1) p
     where not exists (
       select from pg_stat_activity where usename = session_user and application_name = $2 || proxy::text)`,
    [own, prefix],
  );
  return found.rows.map(({ proxy }) => proxy);
}
