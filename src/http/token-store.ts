// The place in the database where the processes of an account have their newest tokens. One at a time asks the API for others: a refresh
// token that is good for a single use is used once, whoever needs it.

import { setTimeout as delay } from "node:timers/promises";
import { DatabaseError, type Pool, type PoolClient } from "pg";
import type { Logger } from "pino";
import { z } from "zod";
import { withAdvisoryLock } from "../postgres/advisory-lock.js";
import type { OwnPool } from "../postgres/own-pool.js";
import { parseJson, queryRows } from "../postgres/rows.js";
import { type TokenSeal, tokenSeal } from "./token-seal.js";

/** What an answer of the token's server brought. */
export interface KeptToken {
  readonly access: string;
  /** The other texts and numbers of the answer. */
  readonly fields: Readonly<Record<string, string>>;
  /** Asks for the next one; undefined: the configured one does. */
  readonly refresh?: string | undefined;
  /** As `performance.now()` tells the time. */
  readonly usedUntilMs: number;
}

/** There is no place for tokens: the schema is not there, or is an older program's. */
export class NoPlaceForTokens extends Error {}

/** Another process has asked for tokens for too long. */
class TokensAreAskedFor extends Error {}

const row = z.object({ sealed: z.instanceof(Buffer), left: z.number() });
const contents = z.object({
  access: z.string(),
  fields: z.record(z.string(), z.string()),
  refresh: z.string().optional(),
});

/** How long a process waits between two looks whether another one has its answer. */
const pollMs = 100;
/** A clock of the database may be moved: what it says of a token counts for a day. */
const longestMs = 86_400_000;
const undefinedTable = "42P01";

export class TokenStore {
  private readonly seal: TokenSeal;

  constructor(
    private readonly pool: OwnPool,
    private readonly log: Logger,
    secrets: readonly string[],
    /** How long it waits for another process that asks. */
    private readonly waitMs: number,
  ) {
    this.seal = tokenSeal(secrets);
  }

  /**
   * Runs `renew` with what was kept last, while no other process of the account does, and keeps what it returns, if that is another one.
   * Returns it. Throws what `renew` throws, NoPlaceForTokens, TokensAreAskedFor, and ConnectionLost. It has a connection of its own:
   * who waits for a token may hold all others.
   */
  async renew(renew: (kept: KeptToken | undefined) => Promise<KeptToken>): Promise<KeptToken> {
    const { id } = this.seal;
    const lock = { name: `throughline token ${id}`, id: 0 };
    const pool = this.pool.another();
    const deadlineMs = performance.now() + this.waitMs;
    try {
      for (;;) {
        const kept = await withAdvisoryLock(pool, lock, ({ client }) => this.renewAlone(client, renew));
        if (kept) return kept;
        if (performance.now() > deadlineMs) throw new TokensAreAskedFor("another process has been asking for a token");
        await delay(pollMs);
      }
    } finally {
      await pool.close();
    }
  }

  private async renewAlone(
    client: PoolClient,
    renew: (kept: KeptToken | undefined) => Promise<KeptToken>,
  ): Promise<KeptToken> {
    const kept = await this.read(client);
    const next = await renew(kept);
    if (next === kept) return next;
    try {
      // The token before may be dead by now: a connection that was lost meanwhile must not cost this one.
      await this.write(client, next).catch(() => this.write(this.pool, next));
    } catch (err) {
      this.log.error(
        { err },
        "a new token could not be kept: when this process ends, the account may have to be let in again",
      );
      throw err;
    }
    return next;
  }

  private async read(client: PoolClient): Promise<KeptToken | undefined> {
    const sql = `select sealed, extract(epoch from used_until - clock_timestamp())::float8 * 1000 as left
      from throughline.credential where id = $1`;
    const [found] = await queryRows(client, "a token", row, sql, [this.seal.id]).catch(noPlace);
    const text = found && this.seal.open(found.sealed);
    if (!found || text === undefined) return undefined;
    const usedUntilMs = performance.now() + Math.min(longestMs, found.left);
    return { ...parseJson("a token", contents, text), usedUntilMs };
  }

  private async write(on: Pool | PoolClient, { usedUntilMs, ...token }: KeptToken): Promise<void> {
    await on.query(
      `insert into throughline.credential (id, sealed, used_until)
         values ($1, $2, clock_timestamp() + make_interval(secs => $3::float8 / 1000))
       on conflict (id) do update set sealed = excluded.sealed, used_until = excluded.used_until, renewed_at = clock_timestamp()`,
      [this.seal.id, this.seal.seal(JSON.stringify(token)), usedUntilMs - performance.now()],
    );
  }
}

function noPlace(cause: unknown): never {
  if (cause instanceof DatabaseError && cause.code === undefinedTable)
    throw new NoPlaceForTokens('there is no place to keep it in the database: run "throughline migrate"');
  throw cause;
}
