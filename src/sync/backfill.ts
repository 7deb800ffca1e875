// Copies all of a resource into its mirror, page by page; an interrupted one goes on where it stopped.

import { setTimeout as delay } from "node:timers/promises";
import type { PoolClient } from "pg";
import { z } from "zod";
import { Explained } from "../config/explained.js";
import { hasCallsUnderWay } from "../journal/presence.js";
import { ReadFailed } from "../manifest/read-failed.js";
import type { Mirror } from "../mirror/column.js";
import { inTurn } from "../mirror/turn.js";
import { withAdvisoryLock } from "../postgres/advisory-lock.js";
import { type Moment, nextMoment } from "../postgres/moment.js";
import type { OwnPool } from "../postgres/own-pool.js";
import { queryRows } from "../postgres/rows.js";
import type { ConnectorTable } from "../upstream/table.js";
import { applyPage, type Checkpoint } from "./page.js";
import { countMissing, type ParkedCount, tendParked } from "./parked.js";
import { findUnlistedKeys, type Reader, refreshRows } from "./sweep.js";

export interface BackfillResult {
  readonly rows: number;
  /** Rows that upstream has deleted, and so the mirror. */
  readonly deleted: number;
  /** Rows that upstream did not list, and that stay: they are more than half of the mirror. */
  readonly withheld: number;
  /** Rows that are missing still: a running proxy or the next pull writes them, but for what Postgres refuses. */
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
  /** The API no longer knows the place where a copy was to go on, and the copy begins anew; `reason` is the API's word. */
  startsAnew?(reason: string): void;
}

/** Another pull of this table is running. */
class PullRunning extends Explained {}

/** A list whose places are forgotten more often in one copy can't be read to its end. */
const mostRestarts = 3;

/** So few may always go. */
const fewGone = 100;

/** How often it is looked whether what is parked can be written. */
const parkedEveryMs = 100;

/**
 * Copies all records of `table` into `mirror`. Throws PullRunning when another process copies it, ReadFailed when the API can't be
 * read, and ConnectionLost.
 *
 * A pull that has lost its lock writes no page, no checkpoint and no completion beside the one that has it now: a page is written while
 * the session that holds the lock has its turn to read, and the rest on its connection.
 */
export async function backfill(
  pool: OwnPool,
  mirror: Mirror,
  table: ConnectorTable,
  options: BackfillOptions,
): Promise<BackfillResult> {
  const lock = { name: "throughline pull", id: mirror.id };
  const result = await withAdvisoryLock(pool, lock, async (lease) => {
    const pages = pool.another();
    return copy({ pool: pages, lease }, mirror, table, options).finally(() => pages.close());
  });
  if (!result) throw new PullRunning(`another pull of ${mirror.schema}.${mirror.table} is running`);
  return result;
}

async function copy(
  pull: Reader,
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
  const parkedCounts = await awaitParked(pull, mirror, table);
  // A row that waits is missing, and an UPDATE would not find it. One that Postgres refuses is closed, and closes nothing else.
  const complete = parkedCounts.every(({ sqlstate }) => sqlstate !== null);
  await lease.client.query(
    `update throughline.mirror set checkpoint = null, complete_at = case when $2 then clock_timestamp() else complete_at end,
       complete_moment = case when $2 then $3 else complete_moment end where id = $1`,
    [mirror.id, complete, from],
  );
  // Of a call that can't be asked about, a whole copy tells.
  const wake =
    "update throughline.journal set tried_at = null where mirror = $1 and closed_at is null and state = 'unknown'";
  if (complete) await lease.client.query(wake, [mirror.id]);
  return { rows, deleted, withheld, parked: parkedCounts, isInterrupted: false };
}

interface CopyResult {
  readonly rows: number;
  /** When it began. */
  readonly from: Moment;
  /** The keys of all records that the API listed; undefined when the copy resumed at a checkpoint, since its earlier pages are not known. */
  readonly listedKeys: ReadonlySet<string> | undefined;
  readonly isInterrupted: boolean;
}

/** The API no longer knows a place in its list that it has given. */
class PlaceForgotten extends ReadFailed {}

/** Copies from where an earlier copy stopped, and from the beginning when the API has forgotten that place. */
async function copyPages(
  reader: Reader,
  mirror: Mirror,
  table: ConnectorTable,
  options: BackfillOptions,
): Promise<CopyResult> {
  const { client } = reader.lease;
  let checkpoint = options.full ? null : await checkpointOf(client, mirror);
  for (let restarts = 0; ; restarts += 1) {
    try {
      return await copyFrom(checkpoint, reader, mirror, table, options);
    } catch (cause) {
      if (!(cause instanceof PlaceForgotten) || restarts >= mostRestarts) throw cause;
      // The checkpoint stays in the database until the first page has been read.
      checkpoint = null;
      options.startsAnew?.(cause.message);
    }
  }
}

async function copyFrom(
  checkpoint: Checkpoint | null,
  { pool, lease }: Reader,
  mirror: Mirror,
  table: ConnectorTable,
  options: BackfillOptions,
): Promise<CopyResult> {
  const from = checkpoint?.from ?? (await nextMoment(lease.client));
  const listedKeys = checkpoint === null ? new Set<string>() : undefined;
  let cursor = checkpoint?.cursor ?? null;
  let rows = 0;
  let isSecondLook = false;
  for (let pages = 1; ; pages += 1) {
    const page = await inTurn(lease, mirror.id, async (turn) => {
      const list = table.list(mirror.columns, cursor, lease.lossSignal);
      const read = await lease.unlessLost(
        list.catch((cause) => Promise.reject(asForgotten(cause, cursor, pages === 1))),
      );
      const place = read.next === null ? null : { cursor: read.next, from };
      await applyPage(pool, { mirror, turn, rows: read.records, checkpoint: place });
      return read;
    });
    for (const { key } of page.records) listedKeys?.add(key);
    rows += page.records.length;
    options.progress(rows);
    if (pages >= table.mostPages && page.next !== null)
      throw new ReadFailed(`${mirror.api}: the pages of ${mirror.resource} have no end (${pages} read)`);
    cursor = page.next;
    if (cursor === null) {
      // What was deleted and made at one time leaves the total as it was, and may have moved a record past us.
      const isShort = listedKeys !== undefined && page.total !== null && listedKeys.size < page.total;
      if (!isShort || isSecondLook) return { rows: listedKeys?.size ?? rows, from, listedKeys, isInterrupted: false };
      isSecondLook = true;
    }
    if (options.signal?.aborted) return { rows, from, listedKeys, isInterrupted: true };
  }
}

/** Returns the failure of a page as what it is: an API may forget a place while a copy rests, and some say so during one. */
function asForgotten(cause: unknown, cursor: string | null, isResumed: boolean): unknown {
  if (!(cause instanceof ReadFailed) || cursor === null) return cause;
  const isForgotten = cause.asksForRestart || (isResumed && cause.isOfPlace);
  return isForgotten ? new PlaceForgotten(cause.message, cause.sqlstate, cause.answer) : cause;
}

/**
 * Waits for the calls of running proxies that keep rows out, as long as one can take: none that begins later keeps any of them. What Postgres
 * refused is read again once. Returns what stays parked.
 */
async function awaitParked(pull: Reader, mirror: Mirror, table: ConnectorTable): Promise<readonly ParkedCount[]> {
  const deadlineMs = performance.now() + 2 * table.account.timeoutMs;
  await tendParked(pull, { mirror, table }, { refused: true });
  for (;;) {
    // What has ended by now is written below.
    const isUnderWay = await hasCallsUnderWay(pull.lease.client, mirror.id);
    await tendParked(pull, { mirror, table });
    const counts = await countMissing(pull.lease.client, mirror);
    const isAwaited = counts.some(({ sqlstate }) => sqlstate === null) && performance.now() < deadlineMs;
    if (!isAwaited || !isUnderWay) return counts;
    await delay(parkedEveryMs);
  }
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
