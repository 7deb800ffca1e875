// Asks upstream what became of calls whose outcome nobody knows. Reading is harmless; what is repeated is repeated under its key.

import pMap from "p-map";
import type { Pool, PoolClient } from "pg";
import { z } from "zod";
import { memberOf } from "../config/member.js";
import { inSlices } from "../config/slices.js";
import { ReadFailed } from "../manifest/read-failed.js";
import { type Mirror, type MirrorColumn, type TextRow, textRowSchema } from "../mirror/column.js";
import { asJson } from "../mirror/guard-table.js";
import { keyOf } from "../mirror/key.js";
import { quoteName } from "../postgres/quote.js";
import { queryRows } from "../postgres/rows.js";
import type { SendGate } from "../upstream/admission.js";
import type { MirroredTable } from "../upstream/mirrored-table.js";
import type { UpstreamRecord } from "../upstream/record.js";
import type { ConnectorTable, Verb } from "../upstream/table.js";
import type { Claim } from "./claims.js";
import { looksFor, type RowFate, rowEvidence, type Sighting, stateOf } from "./evidence.js";
import type { CanonicalRow, Outcome, RequestRow } from "./journal.js";

export interface UnknownCall {
  readonly call: string;
  readonly verb: Verb;
  readonly request: readonly RequestRow[];
  readonly idempotencyKey: string | null;
  /** How long ago it was sent, by Postgres's clock, and from its proxy's clock to ours; null: an earlier version noted no such thing. */
  readonly agesMs: readonly (number | null)[];
  /** When that was so, by `performance.now()`. */
  readonly readAtMs: number;
}

/** `neededLooks`: how often upstream has to have been looked at for it to count. */
export type Answer = Pick<Outcome, "state" | "rows"> & { readonly neededLooks: number };

/** How much shorter than upstream's own word an idempotency key is trusted: its clock began when the request arrived. */
const keepMarginMs = 60_000;
/** How many are asked for at a time where each is a request. */
const atATime = 8;

/** Returns those of the keys that other creates have claimed; undefined when a create that is under way may still claim one. */
type FindClaims = (claim: Claim) => Promise<ReadonlySet<string> | undefined>;

/** How upstream is asked. */
export interface Asking extends MirroredTable {
  readonly findClaims: FindClaims;
  readonly signal: AbortSignal;
}

/**
 * Asks for many calls with as few requests as the API takes. Returns what became of those that it tells of. Throws ReadFailed when upstream can't
 * be asked, also because the signal is aborted.
 */
export async function reconcileWithUpstream(
  asking: Asking,
  calls: readonly UnknownCall[],
): Promise<ReadonlyMap<string, Answer>> {
  const { mirror, table } = asking;
  const byKey: UnknownCall[] = [];
  const byValue = new Map<MirrorColumn, UnknownCall[]>();
  const byRepeating: UnknownCall[] = [];
  for (const call of calls.filter(({ request }) => request.length > 0)) {
    const by = table.finds ? markOf(mirror, call.request) : undefined;
    // To make a change once more might undo what has been accepted since.
    if (call.request.every(({ key }) => key !== null)) byKey.push(call);
    else if (by) byValue.set(by, [...(byValue.get(by) ?? []), call]);
    else if (isRepeatable(table, call)) byRepeating.push(call);
  }
  const answers = [...(await together(byKey, (some) => compareAll(asking, some)))];
  for (const [column, some] of byValue)
    answers.push(...(await together(some, (part) => findAll(asking, column, part))));
  const repeat = (call: UnknownCall) => together([call], () => repeatOne(asking, call));
  answers.push(...(await pMap(byRepeating, repeat, { concurrency: atATime })).flat());
  return new Map(answers.flatMap((part) => [...part]));
}

/**
 * Asks for all at once, and one by one when upstream refuses that: what it does not tell of one keeps no other waiting. Returns the answers that
 * came. Throws ReadFailed when it can't be asked at all.
 */
export async function together<T, A>(
  some: readonly T[],
  ask: (some: readonly T[]) => Promise<A>,
  concurrency = atATime,
): Promise<readonly A[]> {
  if (some.length === 0) return [];
  try {
    return [await ask(some)];
  } catch (cause) {
    if (!(cause instanceof ReadFailed && cause.isOfRequest)) throw cause;
    if (some.length === 1) return [];
    const parts = await pMap(some, (one) => together([one], ask), { concurrency });
    return parts.flat();
  }
}

async function compareAll(asking: Asking, calls: readonly UnknownCall[]): Promise<ReadonlyMap<string, Answer>> {
  const keys = calls.flatMap(({ request }) => request.flatMap(({ key }) => key ?? []));
  const rows = new Map((await readCurrentRows(asking, keys)).map((row) => [row.key, row]));
  const answers = new Map<string, Answer>();
  for (const { call, verb, request } of calls) {
    const canonical = request.map(({ key }) => rows.get(key ?? "") ?? { key: key ?? "", row: null });
    const fates: RowFate[] = [];
    for (const [index, { row }] of canonical.entries()) {
      const { sent, before } = request[index] ?? { sent: {}, before: {} };
      fates.push(rowEvidence[await sightingOf(asking, row, sent, before)][verb]);
    }
    // What was to be created, and is not there, is nothing that is gone.
    const known = verb === "insert" ? canonical.filter(({ row }) => row !== null) : canonical;
    answers.set(call, { state: stateOf(fates), rows: known, neededLooks: looksFor(fates) });
  }
  return answers;
}

async function sightingOf(
  asking: MirroredTable,
  row: CanonicalRow["row"],
  sent: TextRow,
  before: TextRow,
): Promise<Sighting> {
  if (row === null) return "not there";
  if (await holds(asking, row, sent)) return "as sent";
  return Object.keys(before).length > 0 && (await holds(asking, row, before)) ? "as before" : "otherwise";
}

/** Upstream may have its own spelling of what was sent, and find a record by that alone; the case of letters and spaces around is the usual one. */
function spellings(value: string): readonly string[] {
  return [...new Set([value, value.trim().toLowerCase()])];
}

const plain = (text: string | null | undefined) => text?.trim().toLowerCase() ?? null;

async function findAll(
  asking: Asking,
  column: MirrorColumn,
  calls: readonly UnknownCall[],
): Promise<ReadonlyMap<string, Answer>> {
  const values = calls.flatMap(({ request }) => valuesOf(column, request).flatMap(spellings));
  const found = await asking.table.find(asking.mirror.columns, column, [...new Set(values)], asking.signal);
  const records = new Map(found?.map((record) => [record.key, record]));
  const answers = new Map<string, Answer>();
  // A record is one create's: of two that nobody knows of, the one that was noted first.
  const claimed = new Set<string>();
  const findClaims: FindClaims = async (claim) => {
    const others = await asking.findClaims(claim);
    return others && new Set([...others, ...claimed]);
  };
  for (const call of calls) {
    const answer = await judgeCreated({ ...asking, findClaims }, column, call, [...records.values()]);
    if (!answer) continue;
    answers.set(call.call, answer);
    for (const { key } of answer.rows) claimed.add(key);
  }
  return answers;
}

/** Whether a create can be made once more: by no clock that we know of has upstream forgotten its key. */
function isRepeatable(table: ConnectorTable, call: UnknownCall): boolean {
  const { verb, request, idempotencyKey, agesMs, readAtMs } = call;
  const keepsMs = table.repeatableMs(verb, request.length) - keepMarginMs - (performance.now() - readAtMs);
  const isYoung = agesMs.every((age) => age !== null && age >= 0 && age < keepsMs);
  return verb === "insert" && idempotencyKey !== null && isYoung;
}

/** Creates once more: upstream answers as it did, or would have, the first time. Any other answer says nothing of the first attempt. */
async function repeatOne(asking: Asking, repeated: UnknownCall): Promise<ReadonlyMap<string, Answer>> {
  const { mirror, table, signal } = asking;
  const { call, verb, request, idempotencyKey } = repeated;
  // Its turn may come late: it is asked again when the request is about to go out.
  const gate: SendGate = { onWait: async () => {}, onSend: async () => isRepeatable(table, repeated) };
  if (!isRepeatable(table, repeated)) return new Map();
  const ending = await table.write(verb, mirror.columns, request, { idempotencyKey, signal, gate });
  if (ending.kind !== "answered") return new Map();
  const keys = ending.rows.flatMap((row) => (row.kind === "accepted" ? [row.key] : []));
  if (keys.length !== request.length) return new Map();
  return new Map([[call, { state: "accepted", rows: await readCurrentRows(asking, keys), neededLooks: 1 }]]);
}

const createdRow = z.object({ rows: z.array(textRowSchema) });

/** Once a whole pull has begun after upstream can have been at it, the mirror has the rows that were created, or there are none. */
export async function reconcileWithMirror(
  client: Pool | PoolClient,
  asking: Omit<Asking, "signal">,
  entry: UnknownCall,
): Promise<Answer | undefined> {
  const { mirror } = asking;
  const { call, verb, request } = entry;
  const by = markOf(mirror, request);
  if (!by || (verb !== "insert" && verb !== "upsert")) return undefined;
  const value = `t.${quoteName(by.name)}::text`;
  const [creation] = await queryRows(
    client,
    "the rows of a create in its mirror",
    createdRow,
    `select (select coalesce(json_agg(${asJson(mirror.columns, "t")}), '[]')
         from ${quoteName(mirror.schema)}.${quoteName(mirror.table)} t where ${value} = any($2) or lower(btrim(${value})) = any($2)) as rows
     from throughline.mirror m join throughline.journal j on j.mirror = m.id where j.id = $1 and m.complete_moment > j.quiet_moment`,
    [call, valuesOf(by, request).flatMap(spellings)],
  );
  const records = creation?.rows.map((row) => ({ key: keyOf(mirror.key, row) ?? "", row }));
  const answer = records && (await judgeCreated(asking, by, entry, records));
  // They are here already.
  return answer && { ...answer, rows: [] };
}

/** `records`: those that may have the values of a unique column. */
async function judgeCreated(
  asking: Omit<Asking, "signal">,
  column: MirrorColumn,
  { call, verb, request }: UnknownCall,
  records: readonly UpstreamRecord[],
): Promise<Answer | undefined> {
  const values = valuesOf(column, request);
  const wanted = new Set(values.map(plain));
  const mine = records.filter(({ row }) => wanted.has(plain(memberOf(row, column.name))));
  // Who made a record that an upsert changes is no matter.
  const claim = { call, keys: mine.map(({ key }) => key), column: column.name, values: values.flatMap(spellings) };
  const others = verb === "upsert" ? new Set<string>() : await asking.findClaims(claim);
  if (!others) return undefined;
  const rows = mine.filter(({ key }) => !others.has(key));
  const fates: RowFate[] = [];
  const found: (typeof records)[number][] = [];
  let isDoubted = false;
  for (const { sent } of request) {
    const { [column.name]: value, ...rest } = sent;
    const exact = rows.find(({ row }) => memberOf(row, column.name) === value);
    const record = exact ?? rows.find(({ row }) => plain(memberOf(row, column.name)) === plain(value));
    const sighting = await sightingOf(asking, record?.row ?? null, rest, {});
    // A record of another spelling that has not what was sent may be another's, and its own may be made yet.
    isDoubted ||= record !== undefined && !exact && sighting !== "as sent";
    fates.push(rowEvidence[sighting][verb]);
    if (record) found.push(record);
  }
  return { state: stateOf(fates), rows: found, neededLooks: isDoubted ? 2 : looksFor(fates) };
}

/** A unique column of which each of the new rows has a value. */
function markOf(mirror: Mirror, request: UnknownCall["request"]): MirrorColumn | undefined {
  return mirror.columns.find((column) => column.unique && valuesOf(column, request).length === request.length);
}

function valuesOf({ name }: MirrorColumn, request: UnknownCall["request"]): readonly string[] {
  return request.flatMap(({ sent }) => memberOf(sent, name) ?? []);
}

/** Rows as upstream has them now; null: it doesn't have it. Throws ReadFailed when it can't be asked, also because `signal` is aborted. */
export async function readCurrentRows(
  { mirror, table, signal }: Omit<Asking, "findClaims">,
  keys: readonly string[],
): Promise<CanonicalRow[]> {
  const reading = { lane: "read", waitMs: table.account.waitMs, signal } as const;
  const wanted = [...new Set(keys)];
  const records = new Map((await table.get(mirror.columns, wanted, reading)).map((record) => [record.key, record]));
  return wanted.map((key) => records.get(key) ?? { key, row: null });
}

async function holds(
  { mirror, table }: MirroredTable,
  row: NonNullable<CanonicalRow["row"]>,
  values: TextRow,
): Promise<boolean> {
  for (const column of mirror.columns) {
    const value = memberOf(values, column.name);
    if (value === undefined) continue;
    const expected = await inSlices(table.expectedText(column, value));
    if (!(await inSlices(table.same(column, expected, memberOf(row, column.name) ?? null)))) return false;
  }
  return true;
}
