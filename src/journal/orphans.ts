// What recovery finds: open entries that nobody else will finish.

import type { Pool, PoolClient } from "pg";
import { z } from "zod";
import { inSlices } from "../config/slices.js";
import { parsingJson } from "../manifest/lossless-json.js";
import { queryRows, queryTexts } from "../postgres/rows.js";
import { verbs } from "../upstream/table.js";
import { type CanonicalRow, canonicalRowSchema, noteOutcome, type Outcome, requestRowSchema } from "./journal.js";
import type { UnknownCall } from "./reconcile.js";
import { closeEntries } from "./settle.js";
import { isLookedForAgainSql, isState, type State } from "./states.js";

/** An open entry that nobody else will finish, or one that lapsed and is looked for once more. */
export interface OrphanEntry extends UnknownCall {
  readonly state: State;
  readonly rows: readonly CanonicalRow[] | null;
  readonly isBlocked: boolean;
  /** Closed is only what lapsed. */
  readonly isOpen: boolean;
  /** How often it was looked for upstream, and not found. */
  readonly looks: number;
  /** Some process has left it in peace for so long that upstream can't be at it any more. */
  readonly isQuiet: boolean;
  /** Its outcome was noted just now. */
  readonly isFresh: boolean;
}

/** What became of an entry. `left`: a later round tries it again. */
export interface RecoveryResult {
  readonly call: string;
  readonly from: State;
  readonly to: State | "left";
}

/** The proxies that are gone, and the mirrors whose APIs can be asked from here. */
interface RecoveryScope {
  readonly proxies: readonly string[];
  readonly mirrors: readonly number[];
}

/** Which entries are wanted: those of proxies that are gone, but for the ones that rest; or one alone. */
export interface Wanted {
  readonly proxies: readonly string[];
  readonly resting: readonly string[];
  readonly only: string | undefined;
}

/** The most that one round takes on. */
const perRound = 200;
/** How long a try that came to nothing keeps an entry from the next, doubled each time, up to the longest. */
const firstRetryMs = 1_000;
const longestRetryMs = 30_000;

/** An outcome that is older is read again before it is applied, and so is one from the future: a clock was moved. */
const freshMs = 60_000;

/** How long an API that is not configured here may be asked by another process, before its call is unknown. */
const elsewhereMs = 600_000;

const nothing = { rows: [], status: null, request: null };
const unsent: Outcome = { ...nothing, state: "unsent", sqlstate: null };
export const unknownOutcome: Outcome = { ...nothing, state: "unknown", sqlstate: "TL007" };

const unaskedRow = z.object({ id: z.string(), state: z.string() });

/** What needs no API to be told: what was never sent, and what was sent to one that nobody here can ask. */
export async function closeUnasked(client: Pool, { proxies, mirrors }: RecoveryScope): Promise<RecoveryResult[]> {
  const entries = await queryRows(
    client,
    "the entries that need no API",
    unaskedRow,
    `select id, state from throughline.journal where closed_at is null and proxy = any($1) and (state = 'intent'
       or (state = 'sent' and mirror <> all($2) and sent_at < clock_timestamp() - $3 * interval '1 millisecond'))`,
    [proxies, mirrors, elsewhereMs],
  );
  const results: RecoveryResult[] = [];
  for (const { id: call, state } of entries) {
    const outcome = state === "intent" ? unsent : unknownOutcome;
    const isNoted = await noteOutcome(client, call, outcome);
    if (isNoted && isState(state)) results.push({ call, from: state, to: outcome.state });
  }
  return results;
}

/** A crash between a commit and its note. */
export async function closeApplied(client: Pool): Promise<void> {
  const appliedCalls = await queryTexts(
    client,
    "the entries that are applied",
    `select id from throughline.journal j where closed_at is null and state not in ('intent', 'sent', 'unknown')
       and exists (select from throughline.applied a where a.call = j.id)`,
  );
  await closeEntries(client, appliedCalls);
}

/**
 * SQL: what belongs to proxies that are gone ($1), what nobody knows, what is blocked, what recovery has begun, and what lapsed and is looked for
 * once more. Not what rests ($2), nor what was tried just now; of the entry $3, nothing of that matters.
 */
const isOrphanSql = `(closed_at is null and (proxy = any($1) or state = 'unknown' or blocked is not null or tries > 0)
      or ${isLookedForAgainSql})
    and case when $3::uuid is not null then id = $3 else (id <> all($2) or state = 'lapsed' and closed_at is null) and (tried_at is null or tried_at > clock_timestamp()
      or tried_at < clock_timestamp() - least(${firstRetryMs / 2} * 2 ^ least(tries, 20), ${longestRetryMs}) * interval '1 millisecond') end`;

const orphanMirror = z.object({ mirror: z.number() });

/** The mirrors that have such entries. */
export async function mirrorsOfOrphans(pool: Pool, { proxies, resting, only }: Wanted): Promise<ReadonlySet<number>> {
  const rows = await queryRows(
    pool,
    "the mirrors of entries that nobody else will finish",
    orphanMirror,
    `select distinct mirror from throughline.journal where ${isOrphanSql}`,
    [proxies, resting, only ?? null],
  );
  return new Set(rows.map(({ mirror }) => mirror));
}

/** They are taken on: how often, and that upstream has had its time. */
export async function noteTry(on: Pool | PoolClient, entries: readonly UnknownCall[]): Promise<void> {
  if (entries.length === 0) return;
  await on.query(
    `update throughline.journal set tries = tries + 1, tried_at = clock_timestamp(),
       quiet_moment = coalesce(quiet_moment, nextval('throughline.moment')) where id = any($1)`,
    [entries.map(({ call }) => call)],
  );
}

const orphanRow = z.object({
  id: z.string(),
  state: z.string(),
  verb: z.enum(verbs),
  /** JSON. */
  request: z.string().nullable(),
  rows: z.string().nullable(),
  isBlocked: z.boolean(),
  idempotencyKey: z.string().nullable(),
  ageMs: z.number().nullable(),
  proxySentMs: z.number().nullable(),
  isOpen: z.boolean(),
  looks: z.number(),
  isQuiet: z.boolean(),
  isFresh: z.boolean(),
});

/** Entries of another version of the program may have other values: they wait for it, and keep no other entry waiting. */
const orphanValues = z.object({
  request: z.array(requestRowSchema).nullable(),
  rows: z.array(canonicalRowSchema).nullable(),
});

/** The entries of one mirror in the order in which they were noted; those that lapsed come last. */
export async function loadOrphans(
  client: PoolClient,
  mirror: number,
  { proxies, resting, only }: Wanted,
): Promise<OrphanEntry[]> {
  const entries = await queryRows(
    client,
    "the entries that nobody else will finish",
    orphanRow,
    `select id, state, verb, request::text, rows::text, blocked is not null as "isBlocked", idempotency_key as "idempotencyKey", looks, closed_at is null as "isOpen",
       (extract(epoch from clock_timestamp() - sent_at) * 1000)::float8 as "ageMs",
       (extract(epoch from proxy_sent_at) * 1000)::float8 as "proxySentMs", quiet_moment is not null as "isQuiet",
       coalesce(outcome_at between clock_timestamp() - $6 * interval '1 millisecond' and clock_timestamp(), false) as "isFresh"
     from throughline.journal where mirror = $5 and ${isOrphanSql} order by state = 'lapsed', intent_moment limit $4`,
    [proxies, resting, only ?? null, perRound, mirror, freshMs],
  );
  const readAtMs = performance.now();
  const orphans: OrphanEntry[] = [];
  for (const { id: call, state, request: requestText, rows: rowsText, ageMs, proxySentMs, ...row } of entries) {
    const values = orphanValues.safeParse({
      request: requestText === null ? null : await inSlices(parsingJson(requestText)),
      rows: rowsText === null ? null : await inSlices(parsingJson(rowsText)),
    });
    if (!isState(state) || !values.success) continue;
    const { request, rows } = values.data;
    const agesMs = [ageMs, proxySentMs === null ? null : Date.now() - proxySentMs];
    orphans.push({ ...row, call, state, request: request ?? [], rows, agesMs, readAtMs });
  }
  return orphans;
}
