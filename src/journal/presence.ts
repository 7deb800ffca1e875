// Which proxies are running: each keeps a connection that goes by its name in pg_stat_activity. A crash ends it at once. An advisory
// lock would do as well, but clients would see it among their own.

import type { Pool, PoolClient } from "pg";
import type { Logger } from "pino";
import { Lease } from "../postgres/connection.js";
import { queryTexts } from "../postgres/rows.js";

/** With the name of a proxy behind it, it is shorter than what Postgres cuts. */
const prefix = "throughline ";

/** SQL: whether the proxy that `id` names is running; $2 is the prefix. */
const isRunningSql = (id: string) =>
  `exists (select from pg_stat_activity where usename = session_user and application_name = $2 || ${id}::text)`;

export class Presence {
  private lease: Lease | undefined;
  private hasEnded = false;

  private constructor(
    private readonly pool: Pool,
    private readonly proxy: string,
    private readonly log: Logger,
  ) {}

  /** Holds a connection of the pool's until `end`, or until it is lost: see `renew`. Throws ConnectionLost when there is none to be had. */
  static async begin(pool: Pool, proxy: string, log: Logger): Promise<Presence> {
    const presence = new Presence(pool, proxy, log);
    await presence.take();
    return presence;
  }

  /** Takes another connection when the one that was held is lost. To be called again and again. Throws ConnectionLost when there is none to be had. */
  async renew(): Promise<void> {
    if (!this.lease && !this.hasEnded) await this.take();
  }

  end(): void {
    this.hasEnded = true;
    this.lease?.end();
    this.lease = undefined;
  }

  private async take(): Promise<void> {
    const lease = await Lease.take(this.pool);
    // It goes by the name of a proxy from now on.
    lease.discard();
    try {
      await lease.client.query("select set_config('application_name', $1 || $2, false)", [prefix, this.proxy]);
      lease.lossSignal.throwIfAborted();
    } catch (cause) {
      lease.end();
      throw lease.explain(cause);
    }
    if (this.hasEnded) return lease.end();
    this.lease = lease;
    lease.lossSignal.addEventListener("abort", () => this.lose(lease));
  }

  private lose(lease: Lease): void {
    // The listener of one that has ended is of no interest.
    if (this.lease !== lease) return;
    this.lease = undefined;
    lease.end();
    this.log.warn("the connection that shows this proxy to be running was lost");
  }
}

/** Those of the proxies with open entries that are not running. */
export async function stoppedProxies(client: PoolClient, own: string): Promise<readonly string[]> {
  return queryTexts(
    client,
    "the proxies that are gone",
    `select proxy from (select distinct proxy from throughline.journal where closed_at is null and proxy <> $1) p
     where not ${isRunningSql("proxy")}`,
    [own, prefix],
  );
}

/** Whether a running proxy has an open entry of this mirror. */
export async function hasCallsUnderWay(client: PoolClient, mirror: number): Promise<boolean> {
  const { rowCount } = await client.query(
    `select from throughline.journal j where mirror = $1 and closed_at is null and ${isRunningSql("j.proxy")} limit 1`,
    [mirror, prefix],
  );
  return rowCount !== 0;
}
