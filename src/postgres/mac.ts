// The proxy's key, and the MAC that the installed functions ask for.

import { createHash, type Hash, randomBytes, randomUUID } from "node:crypto";
import type { Pool } from "pg";
import type { Portions } from "../../protocol/portions.js";
import type { Slices } from "../config/slices.js";
import { opening, sealing } from "./seal.js";

/** How long a proxy that renews nothing counts as running, in days. */
const keyLifeDays = 7;

/** Makes the arguments that only the proxy can make. */
export class Signer {
  private constructor(
    readonly proxy: string,
    private readonly key: Buffer,
  ) {}

  /** Registers a new key; those of proxies long gone are dropped, and of none that shows itself running (journal/presence): a clock may have been moved. */
  static async register(pool: Pool): Promise<Signer> {
    const signer = new Signer(randomUUID(), randomBytes(32));
    await pool.query(
      `delete from throughline.proxy_key where renewed_at < clock_timestamp() - make_interval(days => $1)
         and not exists (select from pg_stat_activity where application_name = 'throughline ' || id)`,
      [keyLifeDays],
    );
    await pool.query("insert into throughline.proxy_key (id, key) values ($1, $2)", [signer.proxy, signer.key]);
    return signer;
  }

  /** To be called well within the life of a key. */
  async renew(pool: Pool): Promise<void> {
    await pool.query("update throughline.proxy_key set renewed_at = clock_timestamp() where id = $1", [this.proxy]);
  }

  async retire(pool: Pool): Promise<void> {
    await pool.query("delete from throughline.proxy_key where id = $1", [this.proxy]);
  }

  /** What is signed and sealed for the session of that process id. */
  forSession(processId: number): SessionSigner {
    return new SessionSigner(this.proxy, this.key, processId);
  }
}

/** Signs and seals what the installed functions take from one session, and opens what they seal. */
export class SessionSigner {
  constructor(
    readonly proxy: string,
    private readonly key: Buffer,
    private readonly processId: number,
  ) {}

  /** sha256(key‖sha256(key‖message)) as bytea text, bound to the session's process id. */
  mac(message: string): string {
    return this.outer(this.inner(message));
  }

  /** Does what `mac` does, for a message with a long end. */
  *signing(message: string, end: Portions): Slices<string> {
    const inner = this.inner(message);
    for (const portion of end.buffers) {
      inner.update(portion);
      yield;
    }
    return this.outer(inner);
  }

  /** Returns what `throughline.unseal` opens. */
  sealing(text: Portions): Slices<Portions> {
    return sealing(this.key, text);
  }

  /** Returns what `throughline.seal` was given, and spaces behind it. */
  opening(sealed: string): Slices<string> {
    return opening(this.key, sealed);
  }

  private inner(message: string): Hash {
    return createHash("sha256").update(this.key).update(message, "utf8");
  }

  private outer(inner: Hash): string {
    const digest = inner.update(`|${this.processId}`).digest();
    return `\\x${createHash("sha256").update(this.key).update(digest).digest("hex")}`;
  }
}
