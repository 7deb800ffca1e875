// Asks upstream what became of calls whose outcome nobody knows. Reading is harmless; what is repeated is repeated under its key.

import pMap from "p-map";
import type { Pool, PoolClient } from "pg";
import { z } from "zod";
import { inSlices } from "../config/slices.js";
import { ReadFailed } from "../manifest/read-failed.js";
import { type Mirror, type MirrorColumn, type TextRow, textRowSchema } from "../mirror/column.js";
import { asJson } from "../mirror/guard-table.js";
import { keyOf } from "../mirror/key.js";
import { quoteName } from "../postgres/quote.js";
import { queryRows } from "../postgres/rows.js";
import type { MirroredTable } from "../upstream/mirrored-table.js";
import type { ConnectorTable, Verb } from "../upstream/table.js";
import { looksFor, type RowFate, rowEvidence, type Sighting, stateOf } from "./evidence.js";
import type { CanonicalRow, Outcome, RequestRow } from "./journal.js";

export interface UnknownCall {
  readonly call: string;
  readonly verb: Verb;
  readonly request: readonly RequestRow[];
  readonly idempotencyKey: string | null;
  /** How long ago it was sent, by Postgres's clock, and from its proxy's clock to ours; null: an earlier version noted no such thing. */
  readonly agesMs: readonly (number | null)[];
}

/** `neededLooks`: how often upstream has to have been looked at for it to count. */
export type Answer = Pick<Outcome, "state" | "rows"> & { readonly neededLooks: number };

/** How much shorter than upstream's own word an idempotency key is trusted: its clock began when the request arrived. */
const keepMarginMs = 60_000;
/** How many are asked for at a time where each is a request. */
const atATime = 8;

/** The records that a create is looked for by, and what was sent in the unique column by which they were found, as it may be spelled. */
export interface Claim {
  readonly call: string;
  readonly keys: readonly string[];
  readonly column: string;
  readonly values: readonly string[];
}

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
  const answers = new Map<string, Answer>();
  const add = (part: ReadonlyMap<string, Answer>) => {
    for (const [call, answer] of part) answers.set(call, answer);
  };
  add(await together(byKey, (some) => compareAll(asking, some)));
  for (const [column, some] of byValue) add(await together(some, (part) => findAll(asking, column, part)));
  add(await repeatAll(asking, byRepeating));
  return answers;
}

type Ask = (calls: readonly UnknownCall[]) => Promise<ReadonlyMap<string, Answer>>;

/** One that upstream refuses to be asked about keeps no other waiting: then each is asked about by itself. */
async function together(calls: readonly UnknownCall[], ask: Ask): Promise<ReadonlyMap<string, Answer>> {
  if (calls.length === 0) return new Map();
  try {
    return await ask(calls);
  } catch (cause) {
    if (!isRefusal(cause) || calls.length === 1) throw cause;
    const answers = await pMap(
      calls,
      (call) =>
        ask([call]).catch((one: unknown) => {
          if (isRefusal(one)) return new Map<string, Answer>();
          throw one;
        }),
      { concurrency: atATime },
    );
    return new Map(answers.flatMap((part) => [...part]));
  }
}

/** It says something of the request; that upstream can't be reached, has no time for us or doesn't know us does not. */
function isRefusal(cause: unknown): boolean {
  const { sqlstate } = cause instanceof ReadFailed ? cause : {};
  return sqlstate !== undefined && !["HV00N", "53400", "28000"].includes(sqlstate);
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
function isRepeatable(table: ConnectorTable, { verb, request, idempotencyKey, agesMs }: UnknownCall): boolean {
  const keepsMs = table.repeatableMs(verb, request.length) - keepMarginMs;
  const isYoung = agesMs.every((age) => age !== null && age >= 0 && age < keepsMs);
  return verb === "insert" && idempotencyKey !== null && isYoung;
}

/** Creates once more: upstream answers as it did, or would have, the first time. Any other answer says nothing of the first attempt. */
async function repeatAll(asking: Asking, calls: readonly UnknownCall[]): Promise<ReadonlyMap<string, Answer>> {
  const { mirror, table, signal } = asking;
  const answers = new Map<string, Answer>();
  const repeat = async ({ call, verb, request, idempotencyKey }: UnknownCall) => {
    const ending = await table.write(verb, mirror.columns, request, { idempotencyKey, signal });
    if (ending.kind !== "answered") return;
    const keys = ending.rows.flatMap((row) => (row.kind === "accepted" ? [row.key] : []));
    if (keys.length === request.length)
      answers.set(call, { state: "accepted", rows: await readCurrentRows(asking, keys), neededLooks: 1 });
  };
  await pMap(calls, repeat, { concurrency: atATime });
  return answers;
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
  records: readonly { readonly key: string; readonly row: TextRow }[],
): Promise<Answer | undefined> {
  const values = valuesOf(column, request);
  const wanted = new Set(values.map(plain));
  const mine = records.filter(({ row }) => wanted.has(plain(row[column.name])));
  // Who made a record that an upsert changes is no matter.
  const claim = { call, keys: mine.map(({ key }) => key), column: column.name, values: values.flatMap(spellings) };
  const others = verb === "upsert" ? new Set<string>() : await asking.findClaims(claim);
  if (!others) return undefined;
  const rows = mine.filter(({ key }) => !others.has(key));
  const recordsByValue = new Map(rows.map((record) => [plain(record.row[column.name]), record] as const).reverse());
  const fates: RowFate[] = [];
  for (const { sent } of request) {
    const { [column.name]: value, ...rest } = sent;
    const record = recordsByValue.get(plain(value));
    fates.push(rowEvidence[await sightingOf(asking, record?.row ?? null, rest, {})][verb]);
  }
  return { state: stateOf(fates), rows, neededLooks: looksFor(fates) };
}

/** A unique column of which each of the new rows has a value. */
function markOf(mirror: Mirror, request: UnknownCall["request"]): MirrorColumn | undefined {
  return mirror.columns.find((column) => column.unique && valuesOf(column, request).length === request.length);
}

function valuesOf({ name }: MirrorColumn, request: UnknownCall["request"]): readonly string[] {
  return request.flatMap(({ sent }) => sent[name] ?? []);
}

/** Rows as upstream has them now; null: it doesn't have it. Throws ReadFailed when it can't be asked, also because `signal` is aborted. */
export async function readCurrentRows(
  { mirror, table, signal }: Omit<Asking, "findClaims">,
  keys: readonly string[],
): Promise<CanonicalRow[]> {
  const reading = { lane: "read", waitMs: table.account.waitMs, signal } as const;
  const wanted = [...new Set(keys)];
  const records = new Map((await table.get(mirror.columns, wanted, reading)).map(({ key, row }) => [key, row]));
  return wanted.map((key) => ({ key, row: records.get(key) ?? null }));
}

async function holds(
  { mirror, table }: MirroredTable,
  row: NonNullable<CanonicalRow["row"]>,
  values: TextRow,
): Promise<boolean> {
  for (const column of mirror.columns) {
    const value = values[column.name];
    if (value === undefined) continue;
    const expected = await inSlices(table.expectedText(column, value));
    if (!(await inSlices(table.same(column, expected, row[column.name] ?? null)))) return false;
  }
  return true;
}
