// Writes one page of upstream's rows into a mirror, behind the fence: a page never overwrites a later accepted write.

import type { Pool, PoolClient } from "pg";
import { inSlices } from "../config/slices.js";
import type { CanonicalRow } from "../journal/journal.js";
import { writingUtf8Json } from "../manifest/lossless-json.js";
import type { Mirror } from "../mirror/column.js";
import { amongKeysSql, hasKeySql, keyNamesSql, keySql } from "../mirror/key.js";
import { queryLong } from "../postgres/long-query.js";
import { quoteName } from "../postgres/quote.js";
import { rowRefusal } from "../postgres/row-refusal.js";
import { queryTexts } from "../postgres/rows.js";
import { inSavepoint, inTransaction } from "../postgres/transaction.js";

export interface PageToApply {
  readonly mirror: Mirror;
  /** Postgres's clock before the page was asked for. */
  readonly askedAt: string;
  readonly rows: readonly CanonicalRow[];
  /** Stored with the rows it covers; undefined: no checkpoint. */
  readonly checkpoint?: Checkpoint | null;
}

/** Where a pull goes on, and when it began, by Postgres's clock. */
export interface Checkpoint {
  readonly cursor: string;
  readonly from: string;
}

/**
 * Writes the page in one transaction: on a connection of its own when `on` is a pool, otherwise on that client.
 * Returns the keys that the fence kept out, or that Postgres refused: they are parked, and have to be read again.
 */
export async function applyPage(on: Pool | PoolClient, page: PageToApply): Promise<readonly string[]> {
  return inTransaction(on, async (client) => {
    // Recovery may be at reading what this page has later.
    await client.query("select pg_advisory_xact_lock_shared(hashtext('throughline asking'), $1)", [page.mirror.id]);
    // A client's open transaction may hold a key that is new here; its lock is not worth waiting for.
    await client.query("set local lock_timeout = '5s'");
    const fencedKeys = await findFencedKeys(client, page);
    const rowsToWrite = page.rows.filter((row) => !fencedKeys.has(row.key));
    // First unparked: a row that another takes a unique value from is parked by apply itself.
    await client.query("delete from throughline.parked where mirror = $1 and key = any($2)", [
      page.mirror.id,
      page.rows.map((row) => row.key),
    ]);
    const refusedRows = await applyOrPark(client, page, rowsToWrite);
    const parkedRows = [...[...fencedKeys].map((key) => ({ key, sqlstate: null })), ...refusedRows];
    await client.query(
      `insert into throughline.parked (mirror, key, sqlstate)
       select $1, p ->> 'key', p ->> 'sqlstate' from json_array_elements($2) p on conflict do nothing`,
      [page.mirror.id, JSON.stringify(parkedRows)],
    );
    if (page.checkpoint !== undefined) {
      const checkpoint = page.checkpoint === null ? null : JSON.stringify(page.checkpoint);
      await client.query("update throughline.mirror set checkpoint = $2 where id = $1", [page.mirror.id, checkpoint]);
    }
    return parkedRows.map(({ key }) => key);
  });
}

/** Returns the keys that the fence keeps out of this page. */
async function findFencedKeys(
  client: PoolClient,
  { mirror, askedAt, rows }: PageToApply,
): Promise<ReadonlySet<string>> {
  const target = `${quoteName(mirror.schema)}.${quoteName(mirror.table)}`;
  const keys = rows.map((row) => row.key);
  // First the locks, then, with a newer snapshot, the question: what a statement holds, or held until just now, is in the journal.
  const lockedKeys = await queryTexts(
    client,
    "the rows that a page locks",
    `select ${keySql(mirror.key, "t")} from ${target} t where ${amongKeysSql(mirror.key, "t", "$1::text[]")}
     order by ${keyNamesSql(mirror.key, "t")} for no key update of t skip locked`,
    [keys],
  );
  const fencedKeys = await queryTexts(
    client,
    "the keys that the fence keeps out",
    `with fence as (
       select keys, verb in ('insert', 'upsert') and (outcome_at is null or outcome_at >= $2) as creates from throughline.journal j where mirror = $1 and state not in ('refused', 'unsent')
         and (outcome_at >= $2 or (outcome_at is null or closed_at is null and (state <> 'unknown' or rows::text <> '[]') and blocked is null
           and not exists (select from throughline.applied a where a.call = j.id)))
     )
     select wanted.key from unnest($3::text[]) wanted(key)
     where wanted.key in (select unnest(keys) from fence)
        or (wanted.key <> all($4::text[]) and (exists (select from ${target} t where ${hasKeySql(mirror.key, "t", "wanted.key")})
          or exists (select from fence where creates)))`,
    [mirror.id, askedAt, keys, lockedKeys],
  );
  return new Set(fencedKeys);
}

interface ParkedRow {
  readonly key: string;
  /** Why Postgres refused it; null: the fence kept it out. */
  readonly sqlstate: string | null;
}

/** All at once; where Postgres refuses that, one by one, so that what it refuses stops nothing else. */
async function applyOrPark(client: PoolClient, page: PageToApply, rows: readonly CanonicalRow[]): Promise<ParkedRow[]> {
  const batchResult = await tryRows(client, page, rows);
  if (batchResult === "applied") return [];
  await client.query("set local lock_timeout = '250ms'");
  const refusedRows: ParkedRow[] = [];
  for (const row of rows) {
    const result = await tryRows(client, page, [row]);
    if (result !== "applied") refusedRows.push({ key: row.key, sqlstate: result === "wait" ? null : result.sqlstate });
  }
  return refusedRows;
}

async function tryRows(
  client: PoolClient,
  { mirror, askedAt }: PageToApply,
  rows: readonly CanonicalRow[],
): Promise<"applied" | NonNullable<ReturnType<typeof rowRefusal>>> {
  try {
    await inSavepoint(client, async () => {
      const json = await inSlices(writingUtf8Json(rows));
      await queryLong(client, `select throughline.apply_${mirror.id}($1, $2)`, [json, askedAt]);
      // What is deferred must fail here, where it can be told which row it is.
      await client.query("set constraints all immediate");
    });
    return "applied";
  } catch (cause) {
    const refusal = rowRefusal(cause);
    if (refusal === undefined) throw cause;
    return refusal;
  }
}
