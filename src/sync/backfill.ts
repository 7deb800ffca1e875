// Copies all of a resource into its mirror, page by page; an interrupted one goes on where it stopped.

import type { PoolClient } from "pg";
import { z } from "zod";
import { Explained } from "../config/explained.js";
import { ReadFailed } from "../manifest/read-failed.js";
import type { Mirror } from "../mirror/column.js";
import { withAdvisoryLock } from "../postgres/advisory-lock.js";
import { serverTime } from "../postgres/clock.js";
import type { OwnPool } from "../postgres/own-pool.js";
import { queryRows } from "../postgres/rows.js";
import type { ConnectorTable } from "../upstream/table.js";
import { applyPage, type Checkpoint } from "./page.js";
import { findUnlistedKeys, type Pull, refreshRows } from "./sweep.js";

export interface BackfillResult {
  readonly rows: number;
  /** Rows that upstream has deleted, and so the mirror. */
  readonly deleted: number;
  /** Rows that upstream did not list, and that stay: they are more than half of the mirror. */
  readonly withheld: number;
  /** Rows that are missing still: the next pull reads them again. */
  readonly parked: readonly ParkedCount[];
  /** It stopped before the last page; the next one goes on there. */
  readonly isInterrupted: boolean;
}

interface BackfillOptions {
  /** From the beginning, even if an earlier copy can go on. */
  readonly full: boolean;
  /** Aborted: stops after the page that is under way. */
  readonly signal?: AbortSignal;
  progress(rows: number): void;
}

export interface ParkedCount {
  /** Null: an open write keeps them out. Otherwise why Postgres refuses them. */
  readonly sqlstate: string | null;
  readonly count: number;
}

/** Another pull of this table is running. */
class PullRunning extends Explained {}

/** So few may always go. */
const fewGone = 100;

/** How often parked rows are read again before they are left to the next pull. */
const parkedAttempts = 3;

/**
 * Copies all records of `table` into `mirror`. Throws PullRunning when another process copies it, ReadFailed when the API can't be
 * read, and ConnectionLost.
 *
 * A pull that has lost its lock writes no page, no checkpoint and no completion beside the one that has it now: a page looks for the
 * session that holds the lock, and the rest is written on its connection.
 */
export async function backfill(
  pool: OwnPool,
  mirror: Mirror,
  table: ConnectorTable,
  options: BackfillOptions,
): Promise<BackfillResult> {
  const lock = { name: "throughline pull", id: mirror.id };
  const result = await withAdvisoryLock(pool, lock, async (lease) => {
    const [session] = await queryRows(lease.client, "the session", sessionRow, "select pg_backend_pid() as pid");
    const pages = pool.another();
    const pull = { pool: pages, lease, puller: session?.pid ?? 0 };
    return copy(pull, mirror, table, options).finally(() => pages.close());
  });
  if (!result) throw new PullRunning(`another pull of ${mirror.schema}.${mirror.table} is running`);
  return result;
}

const sessionRow = z.object({ pid: z.number() });

async function copy(
  pull: Pull,
  mirror: Mirror,
  table: ConnectorTable,
  options: BackfillOptions,
): Promise<BackfillResult> {
  const { lease } = pull;
  const { rows, from, listedKeys, isInterrupted } = await copyPages(pull, mirror, table, options);
  if (isInterrupted) return { rows, deleted: 0, withheld: 0, parked: [], isInterrupted };
  const { unlistedKeys, all } = listedKeys
    ? await findUnlistedKeys(lease.client, mirror, listedKeys)
    : { unlistedKeys: [], all: 0 };
  // An account that has lost a right sees less, and asked by key it says the same.
  const withheld = !options.full && unlistedKeys.length > Math.max(fewGone, all / 2) ? unlistedKeys.length : 0;
  const deleted = withheld > 0 ? 0 : await refreshRows(pull, mirror, table, unlistedKeys);
  const parkedCounts = await readParked(pull, mirror, table);
  // A row that is still parked is missing, and an UPDATE would not find it.
  const complete = parkedCounts.length === 0;
  await lease.client.query(
    `update throughline.mirror set checkpoint = null, complete_at = case when $2 then clock_timestamp() else complete_at end,
       complete_from = case when $2 then $3::timestamptz else complete_from end where id = $1`,
    [mirror.id, complete, from],
  );
  return { rows, deleted, withheld, parked: parkedCounts, isInterrupted: false };
}

interface CopyResult {
  readonly rows: number;
  /** When it began, by Postgres's clock. */
  readonly from: string;
  /** The keys of all records that the API listed; undefined when the copy resumed at a checkpoint, since its earlier pages are not known. */
  readonly listedKeys: ReadonlySet<string> | undefined;
  readonly isInterrupted: boolean;
}

async function copyPages(
  { pool, lease, puller }: Pull,
  mirror: Mirror,
  table: ConnectorTable,
  options: BackfillOptions,
): Promise<CopyResult> {
  const { client } = lease;
  const checkpoint = options.full ? null : await checkpointOf(client, mirror);
  const from = checkpoint?.from ?? (await serverTime(client));
  let cursor = checkpoint?.cursor ?? null;
  const listedKeys = checkpoint === null ? new Set<string>() : undefined;
  let rows = 0;
  for (let pages = 1; ; pages += 1) {
    const askedAt = await serverTime(client);
    const page = await lease.unlessLost(table.list(mirror.columns, cursor, lease.lossSignal));
    await applyPage(pool, {
      mirror,
      askedAt,
      puller,
      rows: page.records,
      checkpoint: page.next === null ? null : { cursor: page.next, from },
    });
    for (const { key } of page.records) listedKeys?.add(key);
    rows += page.records.length;
    options.progress(rows);
    if (page.next === null) return { rows, from, listedKeys, isInterrupted: false };
    if (pages >= table.mostPages)
      throw new ReadFailed(`${mirror.api}: the pages of ${mirror.resource} have no end (${pages} read)`);
    cursor = page.next;
    if (options.signal?.aborted) return { rows, from, listedKeys, isInterrupted: true };
  }
}

const parkedRow = z.object({ key: z.string(), sqlstate: z.string().nullable() });

/** A key that upstream no longer has is gone here as well. Returns what stays parked. */
async function readParked(pull: Pull, mirror: Mirror, table: ConnectorTable): Promise<readonly ParkedCount[]> {
  for (let attempt = 1; ; attempt += 1) {
    const parkedRows = await queryRows(
      pull.lease.client,
      "the parked rows of a mirror",
      parkedRow,
      "select key, sqlstate from throughline.parked where mirror = $1 order by key",
      [mirror.id],
    );
    const keys = parkedRows.map(({ key }) => key);
    if (keys.length === 0 || attempt > parkedAttempts)
      return countBySqlstate(parkedRows.map(({ sqlstate }) => sqlstate));
    await refreshRows(pull, mirror, table, keys);
  }
}

function countBySqlstate(sqlstates: readonly (string | null)[]): ParkedCount[] {
  return [...new Set(sqlstates)].map((sqlstate) => ({
    sqlstate,
    count: sqlstates.filter((other) => other === sqlstate).length,
  }));
}

const checkpointRow = z.object({ checkpoint: z.object({ cursor: z.string(), from: z.string() }).nullable() });

async function checkpointOf(client: PoolClient, mirror: Mirror): Promise<Checkpoint | null> {
  const [row] = await queryRows(
    client,
    "the checkpoint of a mirror",
    checkpointRow,
    "select checkpoint from throughline.mirror where id = $1",
    [mirror.id],
  );
  return row?.checkpoint ?? null;
}
