// Recovery: finishes what others left open, at start and ever after. Of one mirror, one process at a time asks.

import pMap from "p-map";
import type { Pool, PoolClient } from "pg";
import type { Logger } from "pino";
import { assertNever } from "../config/assert-never.js";
import { ReadFailed } from "../manifest/read-failed.js";
import { inTurnSoon, type Turn } from "../mirror/turn.js";
import { type Lease, withClient, withLease } from "../postgres/connection.js";
import { ConnectionLost, explainLoss } from "../postgres/connection-lost.js";
import { forEachApi, type MirroredTable } from "../upstream/mirrored-table.js";
import { type Claim, queryClaims } from "./claims.js";
import type { EntryWatch } from "./entry-watch.js";
import { restMs } from "./evidence.js";
import { noteLook, noteOutcome, renewRows } from "./journal.js";
import {
  closeApplied,
  closeUnasked,
  loadOrphans,
  mirrorsOfOrphans,
  noteTry,
  type OrphanEntry,
  type RecoveryResult,
  unknownOutcome,
  type Wanted,
} from "./orphans.js";
import { stoppedProxies } from "./presence.js";
import {
  type Answer,
  type Asking,
  readCurrentRows,
  reconcileWithMirror,
  reconcileWithUpstream,
  together,
} from "./reconcile.js";
import { closeEntries, isInMirror, settle } from "./settle.js";
import { isLookedForAgainSql, type State } from "./states.js";

/** Each takes a connection of those that clients' calls need as well. */
const settledAtATime = 3;

export interface RecoveryParts {
  readonly pool: Pool;
  /** Connections whose statements have a time-out, for all but the settling of rows; `pool` if absent. */
  readonly background?: Pool;
  readonly log: Logger;
  /** This process's name in the journal. */
  readonly proxy: string;
  /** How long this process has left which entry in peace. */
  readonly watch: EntryWatch;
  /** The process is about to end: no further entry is begun. */
  stopping?(): boolean;
  mirrors(): Promise<readonly MirroredTable[]>;
}

/**
 * Runs one round. Returns what became of each entry it took on. `only`: this entry, whenever it was tried last; then undefined is returned while
 * another reader has its mirror. Throws ConnectionLost when a connection of the round's is lost; the entries stay open.
 */
export async function recover(parts: RecoveryParts, only?: string): Promise<readonly RecoveryResult[] | undefined> {
  const { pool, background = pool, watch } = parts;
  const some = `select from throughline.journal where closed_at is null or ${isLookedForAgainSql} limit 1`;
  if ((await background.query(some)).rowCount === 0) return [];
  await closeApplied(background);
  const mirrors = await parts.mirrors();
  const proxies = await withClient(background, (client) => stoppedProxies(client, parts.proxy));
  const unaskedResults = await closeUnasked(background, { proxies, mirrors: mirrors.map(({ mirror }) => mirror.id) });
  const wanted: Wanted = { proxies, resting: watch.resting(), only };
  const waiting = await mirrorsOfOrphans(background, wanted);
  const due = mirrors.filter(({ mirror }) => waiting.has(mirror.id));
  // Nothing of this round runs beside the next one's.
  const results = (await forEachApi(due, (tables) => finishAll(parts, tables, wanted))).flat();
  if (only !== undefined && results.includes("busy")) return undefined;
  return [...unaskedResults, ...results.filter((result) => result !== "busy")];
}

/** Of one API, up to the first mirror that it does not answer for. Throws ConnectionLost. */
async function finishAll(parts: RecoveryParts, mirroredTables: readonly MirroredTable[], wanted: Wanted) {
  const results: (RecoveryResult | "busy")[] = [];
  for (const mirroredTable of mirroredTables) {
    if (parts.stopping?.()) break;
    const end = await finishMirror(parts, mirroredTable, wanted);
    if (end === "busy") {
      results.push(end);
      continue;
    }
    results.push(...end.results);
    if (!end.isAnswered) break;
  }
  return results;
}

/** What was found of an entry. `unknown`: what it is known to have made is applied all the same. */
interface Finding {
  readonly entry: OrphanEntry;
  readonly to: State;
}

async function finishMirror(
  parts: RecoveryParts,
  mirroredTable: MirroredTable,
  wanted: Wanted,
): Promise<{ readonly results: readonly RecoveryResult[]; readonly isAnswered: boolean } | "busy"> {
  const { pool, background = pool } = parts;
  const { mirror } = mirroredTable;
  const settleAll = async (findings: readonly Finding[]) => {
    const results = await pMap(findings, (finding) => finish(parts, finding), { concurrency: settledAtATime });
    return results.filter((result) => result !== undefined);
  };
  // What needs no question waits for no turn: another reader may stand still.
  const entries = await withClient(background, (client) => loadOrphans(client, mirror.id, wanted));
  const fresh = entries.filter((entry) => !isUnknown(entry) && !isOld(entry));
  await noteTry(background, fresh);
  const settled = await settleAll(fresh.map((entry) => ({ entry, to: entry.state })));
  if (fresh.length === entries.length) return { results: settled, isAnswered: true };
  // What is read is noted in the turn, on its connection: from then on the journal keeps pages out, so that it can be applied later.
  const inquiry = await withLease(background, (lease) =>
    inTurnSoon(lease, mirror.id, (turn) => inquire(parts, mirroredTable, { lease, turn, wanted })),
  );
  if (inquiry === "busy") return inquiry;
  return { results: [...settled, ...(await settleAll(inquiry.findings))], isAnswered: inquiry.isAnswered };
}

/** Undefined: it is left to a later round. Throws ConnectionLost. */
async function finish({ pool, log, stopping }: RecoveryParts, { entry, to }: Finding) {
  if (stopping?.()) return undefined;
  try {
    const result = { call: entry.call, from: entry.state, to: await applyAndClose(pool, entry.call, to) };
    tell(log, entry, result);
    return result;
  } catch (cause) {
    const known = explainLoss(cause);
    if (known instanceof ConnectionLost) throw known;
    log.error({ err: cause, call: entry.call }, "an open journal entry could not be finished");
    return undefined;
  }
}

function tell(log: Logger, entry: OrphanEntry, { call, from, to }: RecoveryResult): void {
  if (to === "left") log.debug({ call, from }, "a journal entry is left open, and tried again");
  else if (to !== from) log.info({ call, from, to, looks: entry.looks }, "a journal entry was finished");
}

interface Inquiry {
  /** It holds the turn. */
  readonly lease: Lease;
  readonly turn: Turn;
  readonly wanted: Wanted;
}

/** Asks upstream, and notes what it says. When it does not answer, what needs no answer is found all the same. */
async function inquire(
  parts: RecoveryParts,
  mirroredTable: MirroredTable,
  { lease, turn, wanted }: Inquiry,
): Promise<{ readonly findings: readonly Finding[]; readonly isAnswered: boolean }> {
  const { client, lossSignal } = lease;
  const { mirror, table } = mirroredTable;
  const entries = (await loadOrphans(client, mirror.id, wanted)).filter((entry) => isDue(parts.watch, table, entry));
  await noteTry(client, entries);
  const findClaims = (claim: Claim) => queryClaims(client, mirror.id, claim);
  const asking: Asking = { mirror, table, findClaims, signal: lossSignal };
  const known = entries.filter((entry) => !isUnknown(entry));
  const unknown: OrphanEntry[] = [];
  for (const entry of entries.filter(isUnknown))
    if (entry.state !== "sent" || (await noteOutcome(client, entry.call, unknownOutcome))) unknown.push(entry);
  const findings = known.flatMap((entry) => (isOld(entry) ? [] : [{ entry, to: entry.state }]));
  try {
    const renewed = await together(known.filter(isOld), (some) => refresh(client, asking, turn, some));
    for (const entry of renewed.flat()) findings.push({ entry, to: entry.state });
    const answers = await reconcileWithUpstream(asking, unknown);
    for (const entry of unknown) {
      const answer = answers.get(entry.call) ?? (await reconcileWithMirror(client, asking, entry));
      const to = await noteAnswer(client, turn, entry, answer);
      if (answer) restOrForget(parts.watch, table, entry, to);
      if (to !== "lapsed" || entry.state !== "lapsed") findings.push({ entry, to });
    }
  } catch (cause) {
    lossSignal.throwIfAborted();
    if (!(cause instanceof ReadFailed)) throw cause;
    return { findings, isAnswered: false };
  }
  return { findings, isAnswered: true };
}

/** Its rows were refused here once, or were noted long ago: they may no longer be what upstream has. */
function isOld({ rows, isBlocked, isFresh }: OrphanEntry): boolean {
  return rows !== null && (isBlocked || !isFresh);
}

/** Whoever sent it may still hear of it, and upstream may still be at it. */
function isDue(watch: EntryWatch, { account: { timeoutMs } }: MirroredTable["table"], entry: OrphanEntry): boolean {
  if (!isUnknown(entry) || (entry.isQuiet && entry.looks === 0)) return true;
  watch.begin(entry.call, entry.looks, restMs(entry.looks, timeoutMs));
  return watch.isDue(entry.call);
}

/** It was looked for just now. */
function restOrForget(
  watch: EntryWatch,
  { account }: MirroredTable["table"],
  { call, state, looks }: OrphanEntry,
  to: State,
) {
  const isLookedForAgain = to === "unknown" || (to === "lapsed" && state !== "lapsed");
  if (isLookedForAgain) watch.begin(call, looks + 1, restMs(looks + 1, account.timeoutMs));
  else watch.forget(call);
}

function isUnknown({ state, isOpen }: OrphanEntry): boolean {
  switch (state) {
    case "sent":
    case "unknown":
      return true;
    case "lapsed":
      // One that is open was not closed in time.
      return !isOpen;
    case "accepted":
    case "partial":
    case "absent":
    case "settled":
    // An entry in one of the states below is closed as soon as it is noted, unless that was cut off.
    case "refused":
    case "unsent":
    // An entry that waited for the rate limit was closed as unsent before.
    case "intent":
      return false;
    default:
      return assertNever(state);
  }
}

/** That a row is undone or absent counts when it was looked for often enough. Returns what the entry is by now. */
async function noteAnswer(
  client: PoolClient,
  { asked }: Turn,
  { call, state }: OrphanEntry,
  answer: Answer | undefined,
): Promise<State> {
  const now = state === "lapsed" ? state : "unknown";
  if (!answer) return now;
  if (answer.neededLooks > 1) {
    const looks = await noteLook(client, call);
    if (looks === undefined || looks < answer.neededLooks || (answer.state === "lapsed" && state === "lapsed"))
      return now;
  }
  const outcome = { state: answer.state, rows: answer.rows, status: null, request: null, sqlstate: null, at: asked };
  return (await noteOutcome(client, call, outcome)) ? answer.state : now;
}

/** Reads the rows of these entries again. Returns the entries. */
async function refresh(
  client: PoolClient,
  asking: Asking,
  { asked }: Turn,
  entries: readonly OrphanEntry[],
): Promise<readonly OrphanEntry[]> {
  const keys = entries.flatMap(({ rows }) => rows?.map(({ key }) => key) ?? []);
  const current = new Map((await readCurrentRows(asking, keys)).map((row) => [row.key, row]));
  for (const { call, rows } of entries)
    await renewRows(client, call, rows?.flatMap(({ key }) => current.get(key) ?? []) ?? [], asked);
  return entries;
}

async function applyAndClose(pool: Pool, call: string, state: State): Promise<RecoveryResult["to"]> {
  const [settlement] = await settle(pool, [call]);
  if (!settlement || !isInMirror(settlement)) return "left";
  await closeEntries(pool, [call], state);
  return state;
}
