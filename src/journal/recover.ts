// Recovery: finishes what others left open, at start and ever after. One process at a time does it in a database.

import type { Pool, PoolClient } from "pg";
import type { Logger } from "pino";
import { ReadFailed } from "../connector/ending.js";
import type { KnownMirror } from "../connector/known.js";
import { stamp } from "../postgres/clock.js";
import { askMirror, askUpstream, readAgain, type UnknownCall } from "./ask.js";
import { type CanonicalRow, noteOutcome, renewRows } from "./journal.js";
import { gone } from "./presence.js";
import { closeEntries, settle } from "./settle.js";
import { isState, type State } from "./states.js";

export interface RecoveryParts {
  readonly pool: Pool;
  readonly log: Logger;
  /** This process's name in the journal. */
  readonly proxy: string;
  mirrors(): Promise<readonly KnownMirror[]>;
}

/** An open entry that nobody else will finish. */
interface LeftOpen extends UnknownCall {
  readonly state: State;
  readonly mirror: number;
  readonly rows: readonly CanonicalRow[] | null;
  readonly blocked: boolean;
  /** How long ago its outcome was noted; null when there is none. */
  readonly outcomeAgeMs: number | null;
}

/** What became of an entry. `left`: a later round tries it again. */
export interface Recovered {
  readonly call: string;
  readonly from: State;
  readonly to: State | "left";
}

/** An outcome that is older is read again before it is applied. */
const lateMs = 60_000;
/** The most that one round takes on. */
const perRound = 200;
/** How long a try that came to nothing keeps an entry from the next, doubled each time, up to the longest. */
const firstRetryMs = 1_000;
const longestRetryMs = 300_000;

/** One round. Undefined: another process is at it. `only`: this entry, whenever it was tried last. */
export async function recover(parts: RecoveryParts, only?: string): Promise<readonly Recovered[] | undefined> {
  const client = await parts.pool.connect();
  let mine = false;
  try {
    const asked = await client.query<{ mine: boolean }>(
      "select pg_try_advisory_lock(hashtext('throughline recovery'), 0) as mine",
    );
    mine = asked.rows[0]?.mine === true;
    if (!mine) return undefined;
    await closeApplied(client);
    const known = await parts.mirrors();
    const left = (await leftOpen(client, parts.proxy, only)).flatMap((entry) => {
      const found = known.find(({ mirror }) => mirror.id === entry.mirror);
      return found ? [{ entry, known: found }] : [];
    });
    // No API waits for another.
    const apis = new Set(left.map(({ known: { mirror } }) => mirror.api));
    const recovered = await Promise.all(
      [...apis].map((api) =>
        finishAll(
          parts,
          left.filter(({ known: { mirror } }) => mirror.api === api),
        ),
      ),
    );
    return recovered.flat();
  } finally {
    // A lock that can't be given back goes with its connection.
    const back = mine ? client.query("select pg_advisory_unlock(hashtext('throughline recovery'), 0)") : undefined;
    await Promise.resolve(back).then(
      () => client.release(),
      () => client.release(true),
    );
  }
}

/** Of one API, up to the first that it does not answer. */
async function finishAll(
  parts: RecoveryParts,
  left: readonly { readonly entry: LeftOpen; readonly known: KnownMirror }[],
): Promise<readonly Recovered[]> {
  const recovered: Recovered[] = [];
  for (const { entry, known } of left) {
    try {
      const one = await finish(parts, known, entry);
      if (one) recovered.push(one);
    } catch (cause) {
      if (cause instanceof ReadFailed) break;
      parts.log.error({ err: cause, call: entry.call }, "an open journal entry could not be finished");
    }
  }
  return recovered;
}

/** A crash between a commit and its note. */
async function closeApplied(client: PoolClient): Promise<void> {
  const found = await client.query<{ id: string }>(
    `select id from throughline.journal j where closed_at is null and state not in ('intent', 'sent', 'unknown')
       and exists (select from throughline.applied a where a.call = j.id)`,
  );
  await closeEntries(
    client,
    found.rows.map(({ id }) => id),
  );
}

interface LeftRow {
  readonly id: string;
  readonly state: string;
  readonly mirror: number;
  readonly verb: UnknownCall["verb"];
  readonly request: UnknownCall["request"] | null;
  readonly rows: LeftOpen["rows"];
  readonly blocked: boolean;
  readonly idempotency_key: string | null;
  readonly age_ms: number | null;
  readonly outcome_age_ms: number | null;
}

/** What belongs to proxies that are gone, what nobody knows, what is blocked, and what recovery has begun. */
async function leftOpen(client: PoolClient, own: string, only: string | undefined): Promise<LeftOpen[]> {
  const found = await client.query<LeftRow>(
    `select id, state, mirror, verb, request, rows, blocked is not null as blocked, idempotency_key,
       (extract(epoch from clock_timestamp() - sent_at) * 1000)::float8 as age_ms,
       (extract(epoch from clock_timestamp() - outcome_at) * 1000)::float8 as outcome_age_ms
     from throughline.journal
     where closed_at is null and (proxy = any($1) or state = 'unknown' or blocked is not null or tries > 0)
       and case when $2::uuid is null
         then tried_at is null or tried_at < clock_timestamp() - least($3::float8 * 2 ^ least(tries, 20), $4::float8) * interval '1 millisecond'
         else id = $2 end
     order by intent_at limit $5`,
    [await gone(client, own), only ?? null, firstRetryMs / 2, longestRetryMs, perRound],
  );
  return found.rows.flatMap((row) => {
    const { id: call, state, mirror, verb, rows, blocked, idempotency_key: idempotencyKey } = row;
    const { request, age_ms: ageMs, outcome_age_ms: outcomeAgeMs } = row;
    if (!isState(state)) return [];
    const sent = { call, verb, request: request ?? [], idempotencyKey, ageMs: ageMs ?? 0 };
    return [{ ...sent, state, mirror, rows, blocked, outcomeAgeMs }];
  });
}

async function finish(parts: RecoveryParts, known: KnownMirror, entry: LeftOpen): Promise<Recovered | undefined> {
  const { pool, log } = parts;
  const { call, state: from } = entry;
  // Whoever sent it may still hear of it, and upstream may still be at it.
  if ((from === "sent" || from === "unknown") && entry.ageMs < 2 * known.table.account.timeoutMs) return undefined;
  await pool.query("update throughline.journal set tries = tries + 1, tried_at = clock_timestamp() where id = $1", [
    call,
  ]);
  const to = await outcomeOf(pool, known, entry);
  if (to !== from) log.info({ call, from, to }, "a journal entry was finished");
  return { call, from, to };
}

async function outcomeOf(pool: Pool, known: KnownMirror, entry: LeftOpen): Promise<Recovered["to"]> {
  const { call, state } = entry;
  const nothing = { rows: [], status: null, request: null, sqlstate: null };
  switch (state) {
    case "intent":
      return (await noteOutcome(pool, call, { ...nothing, state: "unsent" })) ? "unsent" : "left";
    case "sent":
      if (!(await noteOutcome(pool, call, { ...nothing, state: "unknown", sqlstate: "TL007" }))) return "left";
      return askAndApply(pool, known, entry);
    case "unknown":
      return askAndApply(pool, known, entry);
    default:
      await refresh(pool, known, entry);
      return applyAndClose(pool, call, state);
  }
}

async function askAndApply(pool: Pool, known: KnownMirror, entry: LeftOpen): Promise<Recovered["to"]> {
  const at = await stamp(pool);
  const answer = (await askUpstream(known, entry)) ?? (await askMirror(pool, known, entry));
  if (!answer) return "left";
  const noted = await noteOutcome(pool, entry.call, { ...answer, status: null, request: null, sqlstate: null, at });
  if (!noted) return "left";
  return answer.state === "refused" ? "refused" : applyAndClose(pool, entry.call, answer.state);
}

/** Rows that were refused here once, or are old, may no longer be what upstream has. */
async function refresh(pool: Pool, known: KnownMirror, { call, rows, blocked, outcomeAgeMs }: LeftOpen): Promise<void> {
  if (!rows || (!blocked && (outcomeAgeMs ?? 0) < lateMs)) return;
  const at = await stamp(pool);
  const again = await readAgain(known, rows);
  if (again) await renewRows(pool, call, again, at);
}

async function applyAndClose(pool: Pool, call: string, state: State): Promise<Recovered["to"]> {
  const [settled] = await settle(pool, [call]);
  if (settled?.state !== "applied" && settled?.state !== "repaired") return "left";
  await closeEntries(pool, [call]);
  return state;
}
