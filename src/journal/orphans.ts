// What recovery finds: open entries that nobody else will finish.

import type { PoolClient } from "pg";
import { z } from "zod";
import { inSlices } from "../config/slices.js";
import { parsingJson } from "../manifest/lossless-json.js";
import { queryRows, queryTexts } from "../postgres/rows.js";
import { verbs } from "../upstream/table.js";
import { type CanonicalRow, canonicalRowSchema, noteOutcome, type Outcome, requestRowSchema } from "./journal.js";
import type { UnknownCall } from "./reconcile.js";
import { closeEntries } from "./settle.js";
import { isState, type State } from "./states.js";

/** An open entry that nobody else will finish. */
export interface OrphanEntry extends UnknownCall {
  readonly state: State;
  readonly mirror: number;
  readonly rows: readonly CanonicalRow[] | null;
  readonly isBlocked: boolean;
  /** How long ago its outcome was noted; null when there is none. */
  readonly outcomeAgeMs: number | null;
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

/** The most that one round takes on. */
const perRound = 200;
/** How long a try that came to nothing keeps an entry from the next, doubled each time, up to the longest. */
const firstRetryMs = 1_000;
const longestRetryMs = 300_000;

/** How long an API that is not configured here may be asked by another process, before its call is unknown. */
const elsewhereMs = 600_000;

const nothing = { rows: [], status: null, request: null };
const unsent: Outcome = { ...nothing, state: "unsent", sqlstate: null };
export const unknownOutcome: Outcome = { ...nothing, state: "unknown", sqlstate: "TL007" };

const unaskedRow = z.object({ id: z.string(), state: z.string() });

/** What needs no API to be told: what was never sent, and what was sent to one that nobody here can ask. */
export async function closeUnasked(client: PoolClient, { proxies, mirrors }: RecoveryScope): Promise<RecoveryResult[]> {
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
export async function closeApplied(client: PoolClient): Promise<void> {
  const appliedCalls = await queryTexts(
    client,
    "the entries that are applied",
    `select id from throughline.journal j where closed_at is null and state not in ('intent', 'sent', 'unknown')
       and exists (select from throughline.applied a where a.call = j.id)`,
  );
  await closeEntries(client, appliedCalls);
}

const orphanRow = z.object({
  id: z.string(),
  state: z.string(),
  mirror: z.number(),
  verb: z.enum(verbs),
  /** JSON. */
  request: z.string().nullable(),
  rows: z.string().nullable(),
  blocked: z.boolean(),
  idempotency_key: z.string().nullable(),
  age_ms: z.number().nullable(),
  outcome_age_ms: z.number().nullable(),
});

/** Entries of another version of the program may have other values: they wait for it, and keep no other entry waiting. */
const orphanValues = z.object({
  request: z.array(requestRowSchema).nullable(),
  rows: z.array(canonicalRowSchema).nullable(),
});

/** What belongs to proxies that are gone, what nobody knows, what is blocked, and what recovery has begun. */
export async function loadOrphans(
  client: PoolClient,
  { proxies, mirrors }: RecoveryScope,
  only: string | undefined,
): Promise<OrphanEntry[]> {
  const entries = await queryRows(
    client,
    "the entries that nobody else will finish",
    orphanRow,
    `select id, state, mirror, verb, request::text, rows::text, blocked is not null as blocked, idempotency_key,
       (extract(epoch from clock_timestamp() - sent_at) * 1000)::float8 as age_ms,
       (extract(epoch from clock_timestamp() - outcome_at) * 1000)::float8 as outcome_age_ms
     from throughline.journal
     where closed_at is null and mirror = any($6) and (proxy = any($1) or state = 'unknown' or blocked is not null or tries > 0)
       and case when $2::uuid is null
         then tried_at is null or tried_at < clock_timestamp() - least($3::float8 * 2 ^ least(tries, 20), $4::float8) * interval '1 millisecond'
         else id = $2 end
     order by intent_at limit $5`,
    [proxies, only ?? null, firstRetryMs / 2, longestRetryMs, perRound, mirrors],
  );
  const orphans: OrphanEntry[] = [];
  for (const row of entries) {
    const { id: call, state, mirror, verb, blocked: isBlocked, idempotency_key: idempotencyKey } = row;
    const { age_ms: ageMs, outcome_age_ms: outcomeAgeMs } = row;
    const values = orphanValues.safeParse({
      request: row.request === null ? null : await inSlices(parsingJson(row.request)),
      rows: row.rows === null ? null : await inSlices(parsingJson(row.rows)),
    });
    if (!isState(state) || !values.success) continue;
    const { request, rows } = values.data;
    const unknownCall = { call, verb, request: request ?? [], idempotencyKey, ageMs: ageMs ?? 0 };
    orphans.push({ ...unknownCall, state, mirror, rows, isBlocked, outcomeAgeMs });
  }
  return orphans;
}
