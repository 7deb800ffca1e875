// Recovery: finishes what others left open, at start and ever after. One process at a time does it in a database.

import type { Pool } from "pg";
import type { Logger } from "pino";
import { z } from "zod";
import { assertNever } from "../config/assert-never.js";
import { ReadFailed } from "../manifest/read-failed.js";
import { withAdvisoryLock } from "../postgres/advisory-lock.js";
import { serverTime } from "../postgres/clock.js";
import type { Lease } from "../postgres/connection.js";
import { ConnectionLost, explainLoss } from "../postgres/connection-lost.js";
import { queryRows } from "../postgres/rows.js";
import type { MirroredTable } from "../upstream/mirrored-table.js";
import { noteOutcome, renewRows } from "./journal.js";
import {
  closeApplied,
  closeUnasked,
  loadOrphans,
  type OrphanEntry,
  type RecoveryResult,
  unknownOutcome,
} from "./orphans.js";
import { stoppedProxies } from "./presence.js";
import { readCurrentRows, reconcileWithMirror, reconcileWithUpstream } from "./reconcile.js";
import { RecoveryLock } from "./recovery-lock.js";
import { closeEntries, isInMirror, settle } from "./settle.js";
import type { State } from "./states.js";

export interface RecoveryParts {
  readonly pool: Pool;
  /** Connections whose statements have a time-out, for all but the settling of rows; `pool` if absent. */
  readonly background?: Pool;
  readonly log: Logger;
  /** This process's name in the journal. */
  readonly proxy: string;
  /** The process is about to end: no further entry is begun. */
  stopping?(): boolean;
  mirrors(): Promise<readonly MirroredTable[]>;
}

/** An outcome that is older is read again before it is applied. */
const lateMs = 60_000;

/**
 * Runs one round. Returns what became of each entry it took on, or undefined while another process is at it.
 * `only`: this entry, whenever it was tried last. Throws ConnectionLost when the round's connection is lost; the entries stay open.
 */
export async function recover(parts: RecoveryParts, only?: string): Promise<readonly RecoveryResult[] | undefined> {
  // Nobody is to see a lock of ours while there is nothing to do.
  const { pool, background = pool } = parts;
  const some = await background.query("select from throughline.journal where closed_at is null limit 1");
  if (some.rowCount === 0) return [];
  return withAdvisoryLock(background, { name: "throughline recovery", id: 0 }, (lease) => round(parts, lease, only));
}

/** What is done while this process has the right to recover. */
async function round(parts: RecoveryParts, lease: Lease, only: string | undefined): Promise<readonly RecoveryResult[]> {
  const { client } = lease;
  await closeApplied(client);
  const mirrors = await parts.mirrors();
  const scope = {
    proxies: await stoppedProxies(client, parts.proxy),
    mirrors: mirrors.map(({ mirror }) => mirror.id),
  };
  const unaskedResults = await closeUnasked(client, scope);
  const orphans = (await loadOrphans(client, scope, only)).flatMap((entry) => {
    const mirroredTable = mirrors.find(({ mirror }) => mirror.id === entry.mirror);
    return mirroredTable ? [{ entry, mirroredTable }] : [];
  });
  const lock = new RecoveryLock(lease);
  // No API waits for another.
  const apis = new Set(orphans.map(({ mirroredTable: { mirror } }) => mirror.api));
  const ends = await Promise.allSettled(
    [...apis].map((api) =>
      finishAll(
        parts,
        lock,
        orphans.filter(({ mirroredTable: { mirror } }) => mirror.api === api),
      ),
    ),
  );
  // Each API has ended by now: nothing of this round runs beside the next one's.
  lease.lossSignal.throwIfAborted();
  const recoveredResults = ends.flatMap((end) => {
    if (end.status === "rejected") throw end.reason;
    return end.value;
  });
  return [...unaskedResults, ...recoveredResults];
}

/** Of one API, up to the first that it does not answer. Throws ConnectionLost: the next entry would meet the same. */
async function finishAll(
  parts: RecoveryParts,
  lock: RecoveryLock,
  orphans: readonly { readonly entry: OrphanEntry; readonly mirroredTable: MirroredTable }[],
): Promise<readonly RecoveryResult[]> {
  const results: RecoveryResult[] = [];
  for (const { entry, mirroredTable } of orphans) {
    if (lock.lossSignal.aborted || parts.stopping?.()) break;
    try {
      const result = await finish(parts, lock, mirroredTable, entry);
      if (result) results.push(result);
    } catch (cause) {
      if (lock.lossSignal.aborted || cause instanceof ReadFailed) break;
      const known = explainLoss(cause);
      if (known instanceof ConnectionLost) throw known;
      parts.log.error({ err: cause, call: entry.call }, "an open journal entry could not be finished");
    }
  }
  return results;
}

async function finish(
  parts: RecoveryParts,
  lock: RecoveryLock,
  mirroredTable: MirroredTable,
  entry: OrphanEntry,
): Promise<RecoveryResult | undefined> {
  const { pool, log } = parts;
  const { call, state: from } = entry;
  // Whoever sent it may still hear of it, and upstream may still be at it.
  if ((from === "sent" || from === "unknown") && entry.ageMs < 2 * mirroredTable.table.account.timeoutMs)
    return undefined;
  await pool.query("update throughline.journal set tries = tries + 1, tried_at = clock_timestamp() where id = $1", [
    call,
  ]);
  // A page that was asked for later must not be written before what is read here.
  const to = await lock.withoutPages(entry.mirror, () => outcomeOf(pool, lock, mirroredTable, entry));
  if (to === "busy") return undefined;
  if (to !== from) log.info({ call, from, to }, "a journal entry was finished");
  return { call, from, to };
}

async function outcomeOf(
  pool: Pool,
  lock: RecoveryLock,
  mirroredTable: MirroredTable,
  entry: OrphanEntry,
): Promise<RecoveryResult["to"]> {
  const { call, state } = entry;
  switch (state) {
    case "sent":
      if (!(await lock.write((client) => noteOutcome(client, call, unknownOutcome)))) return "left";
      return askAndApply(pool, lock, mirroredTable, entry);
    case "unknown":
      return askAndApply(pool, lock, mirroredTable, entry);
    case "accepted":
    case "partial":
    case "absent":
    case "settled":
    // An entry in one of the states below is closed as soon as it is noted, unless that was cut off.
    case "refused":
    case "unsent":
    case "lapsed":
    // An entry that waited for the rate limit was closed as unsent before.
    case "intent":
      await refresh(pool, lock, mirroredTable, entry);
      return applyAndClose(pool, call, state);
    default:
      return assertNever(state);
  }
}

async function askAndApply(
  pool: Pool,
  lock: RecoveryLock,
  mirroredTable: MirroredTable,
  entry: OrphanEntry,
): Promise<RecoveryResult["to"]> {
  const at = await serverTime(pool);
  const findClaims = (keys: readonly string[]) => queryClaims(pool, entry, keys);
  const answer =
    (await reconcileWithUpstream(mirroredTable, entry, findClaims, lock.lossSignal)) ??
    (await reconcileWithMirror(pool, mirroredTable, entry, findClaims));
  if (!answer) {
    // What it is known to have made is applied all the same.
    await settle(pool, [entry.call]);
    return "left";
  }
  const outcome = { ...answer, status: null, request: null, sqlstate: null, at };
  if (!(await lock.write((client) => noteOutcome(client, entry.call, outcome)))) return "left";
  return answer.state === "refused" ? "refused" : applyAndClose(pool, entry.call, answer.state);
}

/** Rows that were refused here once, or are old, may no longer be what upstream has. */
async function refresh(
  pool: Pool,
  lock: RecoveryLock,
  mirroredTable: MirroredTable,
  { call, rows, isBlocked, outcomeAgeMs }: OrphanEntry,
): Promise<void> {
  if (!rows || (!isBlocked && (outcomeAgeMs ?? 0) < lateMs)) return;
  const at = await serverTime(pool);
  const current = await readCurrentRows(mirroredTable, rows, lock.lossSignal);
  await lock.write((client) => renewRows(client, call, current, at));
}

const claimRow = z.object({ under_way: z.boolean(), keys: z.array(z.string()) });

/** Asked after upstream was: whatever create made a record that it has told of has been noted before. */
async function queryClaims(pool: Pool, { call, mirror }: OrphanEntry, keys: readonly string[]) {
  const claims = await queryRows(
    pool,
    "the keys of other creates",
    claimRow,
    `select closed_at is null as under_way, keys from throughline.journal
     where mirror = $1 and id <> $2 and (verb in ('insert', 'upsert') and closed_at is null and state <> 'unknown' and blocked is null
       or verb = 'insert' and keys && $3 and state in ('accepted', 'partial'))`,
    [mirror, call, keys],
  );
  if (keys.length > 0 && claims.some(({ under_way }) => under_way)) return undefined;
  return new Set(claims.flatMap((claim) => claim.keys));
}

async function applyAndClose(pool: Pool, call: string, state: State): Promise<RecoveryResult["to"]> {
  const [settlement] = await settle(pool, [call]);
  if (!settlement || !isInMirror(settlement)) return "left";
  await closeEntries(pool, [call]);
  return state;
}
