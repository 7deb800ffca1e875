// What a copy of everything has not met: rows that upstream may have deleted. Each is asked for by its key before it goes.

import type { Pool, PoolClient } from "pg";
import type { ConnectorTable } from "../connector/table.js";
import type { Mirror } from "../mirror/column.js";
import { keySql } from "../mirror/key.js";
import { stamp } from "../postgres/clock.js";
import { quoteName } from "../postgres/quote.js";
import { applyPage } from "./page.js";

/** How many keys are asked for at a time. */
const portion = 1_000;

/** The keys that a copy has met, in a table that its connection alone sees. */
export class SeenKeys {
  private constructor(private readonly client: PoolClient) {}

  static async begin(client: PoolClient): Promise<SeenKeys> {
    await client.query("create temp table if not exists throughline_seen (key text)");
    await client.query("truncate pg_temp.throughline_seen");
    return new SeenKeys(client);
  }

  async add(keys: readonly string[]): Promise<void> {
    await this.client.query("insert into pg_temp.throughline_seen select unnest($1::text[])", [keys]);
  }

  /** The keys of the mirror's rows that are not among them. */
  async unseen({ key, schema, table }: Mirror): Promise<readonly string[]> {
    const found = await this.client.query<{ key: string }>(
      `select ${keySql(key, "t")} as key from ${quoteName(schema)}.${quoteName(table)} t
       where ${keySql(key, "t")} not in (select key from pg_temp.throughline_seen)`,
    );
    return found.rows.map((row) => row.key);
  }

  async end(): Promise<void> {
    await this.client.query("drop table pg_temp.throughline_seen");
  }
}

/** Reads these records again; a key that upstream no longer has is gone here as well. Returns how many those are. */
export async function readAgain(
  pool: Pool,
  mirror: Mirror,
  table: ConnectorTable,
  keys: readonly string[],
): Promise<number> {
  let gone = 0;
  for (let at = 0; at < keys.length; at += portion) {
    const asked = keys.slice(at, at + portion);
    const askedAt = await stamp(pool);
    const records = new Map((await table.get(mirror.columns, asked)).map((record) => [record.key, record]));
    const rows = asked.map((key) => records.get(key) ?? { key, row: null });
    await applyPage(pool, { mirror, askedAt, rows });
    gone += asked.length - records.size;
  }
  return gone;
}
