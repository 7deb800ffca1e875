// Recovery: finishes what others left open, at start and ever after. One process at a time does it in a database.

import type { Pool, PoolClient } from "pg";
import type { Logger } from "pino";
import { ReadFailed } from "../manifest/read-failed.js";
import { serverTime } from "../postgres/clock.js";
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
import { closeEntries, settle } from "./settle.js";
import type { State } from "./states.js";

export interface RecoveryParts {
  readonly pool: Pool;
  readonly log: Logger;
  /** This process's name in the journal. */
  readonly proxy: string;
  /** The process is about to end: no further entry is begun. */
  stopping?(): boolean;
  mirrors(): Promise<readonly MirroredTable[]>;
}

/** An outcome that is older is read again before it is applied. */
const lateMs = 60_000;

/** One round. Undefined: another process is at it. `only`: this entry, whenever it was tried last. */
export async function recover(parts: RecoveryParts, only?: string): Promise<readonly RecoveryResult[] | undefined> {
  const client = await parts.pool.connect();
  let mine = false;
  try {
    // Nobody is to see a lock of ours while there is nothing to do.
    const some = await client.query<{ open: boolean }>(
      "select exists (select from throughline.journal where closed_at is null) as open",
    );
    if (some.rows[0]?.open !== true) return [];
    const asked = await client.query<{ mine: boolean }>(
      "select pg_try_advisory_lock(hashtext('throughline recovery'), 0) as mine",
    );
    mine = asked.rows[0]?.mine === true;
    if (!mine) return undefined;
    await closeApplied(client);
    const known = await parts.mirrors();
    const orphans = {
      proxies: await stoppedProxies(client, parts.proxy),
      mirrors: known.map(({ mirror }) => mirror.id),
    };
    const unasked = await closeUnasked(parts.pool, client, orphans);
    const left = (await loadOrphans(client, orphans, only)).flatMap((entry) => {
      const found = known.find(({ mirror }) => mirror.id === entry.mirror);
      return found ? [{ entry, known: found }] : [];
    });
    const lock = oneByOne(client);
    // No API waits for another.
    const apis = new Set(left.map(({ known: { mirror } }) => mirror.api));
    const recovered = await Promise.all(
      [...apis].map((api) =>
        finishAll(
          parts,
          lock,
          left.filter(({ known: { mirror } }) => mirror.api === api),
        ),
      ),
    );
    return [...unasked, ...recovered.flat()];
  } finally {
    // A lock that can't be given back goes with its connection.
    const back = mine ? client.query("select pg_advisory_unlock(hashtext('throughline recovery'), 0)") : undefined;
    await Promise.resolve(back).then(
      () => client.release(),
      () => client.release(true),
    );
  }
}

type Lock = (verb: "lock" | "unlock", mirror: number) => Promise<unknown>;

/** What several would ask of one connection, one after the other. */
function oneByOne(client: PoolClient): Lock {
  let last: Promise<unknown> = Promise.resolve();
  return (verb, mirror) => {
    const ask = () => client.query(`select pg_advisory_${verb}(hashtext('throughline asking'), $1)`, [mirror]);
    last = last.then(ask, ask);
    return last;
  };
}

/** Of one API, up to the first that it does not answer. */
async function finishAll(
  parts: RecoveryParts,
  lock: Lock,
  left: readonly { readonly entry: OrphanEntry; readonly known: MirroredTable }[],
): Promise<readonly RecoveryResult[]> {
  const recovered: RecoveryResult[] = [];
  for (const { entry, known } of left) {
    if (parts.stopping?.()) break;
    try {
      const one = await finish(parts, lock, known, entry);
      if (one) recovered.push(one);
    } catch (cause) {
      if (cause instanceof ReadFailed) break;
      parts.log.error({ err: cause, call: entry.call }, "an open journal entry could not be finished");
    }
  }
  return recovered;
}

async function finish(
  parts: RecoveryParts,
  lock: Lock,
  known: MirroredTable,
  entry: OrphanEntry,
): Promise<RecoveryResult | undefined> {
  const { pool, log } = parts;
  const { call, state: from } = entry;
  // Whoever sent it may still hear of it, and upstream may still be at it.
  if ((from === "sent" || from === "unknown") && entry.ageMs < 2 * known.table.account.timeoutMs) return undefined;
  await pool.query("update throughline.journal set tries = tries + 1, tried_at = clock_timestamp() where id = $1", [
    call,
  ]);
  // A page that was asked for later must not be written before what is read here.
  await lock("lock", entry.mirror);
  const to = await outcomeOf(pool, known, entry).finally(() => lock("unlock", entry.mirror));
  if (to !== from) log.info({ call, from, to }, "a journal entry was finished");
  return { call, from, to };
}

async function outcomeOf(pool: Pool, known: MirroredTable, entry: OrphanEntry): Promise<RecoveryResult["to"]> {
  const { call, state } = entry;
  switch (state) {
    case "sent":
      if (!(await noteOutcome(pool, call, unknownOutcome))) return "left";
      return askAndApply(pool, known, entry);
    case "unknown":
      return askAndApply(pool, known, entry);
    default:
      await refresh(pool, known, entry);
      return applyAndClose(pool, call, state);
  }
}

async function askAndApply(pool: Pool, known: MirroredTable, entry: OrphanEntry): Promise<RecoveryResult["to"]> {
  const at = await serverTime(pool);
  const claimed = (keys: readonly string[]) => claimedBy(pool, entry, keys);
  const answer =
    (await reconcileWithUpstream(known, entry, claimed)) ?? (await reconcileWithMirror(pool, known, entry, claimed));
  if (!answer) {
    // What it is known to have made is applied all the same.
    await settle(pool, [entry.call]);
    return "left";
  }
  const noted = await noteOutcome(pool, entry.call, { ...answer, status: null, request: null, sqlstate: null, at });
  if (!noted) return "left";
  return answer.state === "refused" ? "refused" : applyAndClose(pool, entry.call, answer.state);
}

/** Rows that were refused here once, or are old, may no longer be what upstream has. */
async function refresh(
  pool: Pool,
  known: MirroredTable,
  { call, rows, blocked, outcomeAgeMs }: OrphanEntry,
): Promise<void> {
  if (!rows || (!blocked && (outcomeAgeMs ?? 0) < lateMs)) return;
  const at = await serverTime(pool);
  await renewRows(pool, call, await readCurrentRows(known, rows), at);
}

/** Asked after upstream was: whatever create made a record that it has told of has been noted before. */
async function claimedBy(pool: Pool, { call, mirror }: OrphanEntry, keys: readonly string[]) {
  const found = await pool.query<{ under_way: boolean; keys: string[] }>(
    `select closed_at is null as under_way, keys from throughline.journal
     where mirror = $1 and id <> $2 and (verb in ('insert', 'upsert') and closed_at is null and state <> 'unknown' and blocked is null
       or verb = 'insert' and keys && $3 and state in ('accepted', 'partial'))`,
    [mirror, call, keys],
  );
  if (keys.length > 0 && found.rows.some(({ under_way }) => under_way)) return undefined;
  return new Set(found.rows.flatMap((other) => other.keys));
}

async function applyAndClose(pool: Pool, call: string, state: State): Promise<RecoveryResult["to"]> {
  const [settled] = await settle(pool, [call]);
  if (settled?.state !== "applied" && settled?.state !== "repaired") return "left";
  await closeEntries(pool, [call]);
  return state;
}
