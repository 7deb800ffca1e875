// Asks upstream what became of a call whose outcome nobody knows. Reading is harmless; what is repeated is repeated under its key.

import type { Pool } from "pg";
import { z } from "zod";
import { inSlices } from "../config/slices.js";
import { type Mirror, type MirrorColumn, type TextRow, textRowSchema } from "../mirror/column.js";
import { asJson } from "../mirror/guard-table.js";
import { keyOf } from "../mirror/key.js";
import { quoteName } from "../postgres/quote.js";
import { queryRows } from "../postgres/rows.js";
import type { MirroredTable } from "../upstream/mirrored-table.js";
import type { ConnectorTable, Verb } from "../upstream/table.js";
import type { CanonicalRow, Outcome, RequestRow } from "./journal.js";

export interface UnknownCall {
  readonly call: string;
  readonly verb: Verb;
  readonly request: readonly RequestRow[];
  /** How long ago it was sent, by Postgres's clock. */
  readonly ageMs: number;
  readonly idempotencyKey: string | null;
}

type Answer = Pick<Outcome, "state" | "rows">;

/** How much shorter than upstream's own word an idempotency key is trusted: its clock began when the request arrived. */
const keepMarginMs = 60_000;
/** Returns those of the keys that other creates have claimed; undefined when a create that is under way may still claim one. */
export type FindClaims = (keys: readonly string[]) => Promise<ReadonlySet<string> | undefined>;

/** Undefined: still nobody knows. Throws ReadFailed when upstream can't be asked, also because `signal` is aborted. */
export async function reconcileWithUpstream(
  { mirror, table }: MirroredTable,
  entry: UnknownCall,
  findClaims: FindClaims,
  signal?: AbortSignal,
): Promise<Answer | undefined> {
  const keys = entry.request.flatMap(({ key }) => key ?? []);
  // To make a change once more might undo what has been accepted since.
  if (keys.length === entry.request.length) return compare(mirror, table, entry, keys, signal);
  const answer = await lookFor(mirror, table, entry, findClaims, signal);
  if (answer !== "no such question") return answer;
  const keepsMs = table.repeatableMs(entry.verb, entry.request.length) - keepMarginMs;
  return entry.verb === "insert" && entry.idempotencyKey !== null && entry.ageMs < keepsMs
    ? repeat(mirror, table, entry, signal)
    : undefined;
}

/** A create once more: upstream answers as it did, or would have, the first time. Any other answer says nothing of the first attempt. */
async function repeat(
  mirror: Mirror,
  table: ConnectorTable,
  { verb, request, idempotencyKey }: UnknownCall,
  signal: AbortSignal | undefined,
): Promise<Answer | undefined> {
  const ending = await table.write(verb, mirror.columns, request, { idempotencyKey, signal });
  if (ending.kind !== "answered") return undefined;
  const keys = ending.rows.flatMap((row) => (row.kind === "accepted" ? [row.key] : []));
  return keys.length === request.length
    ? { state: "accepted", rows: await read(mirror, table, keys, signal) }
    : undefined;
}

/** Upstream's rows are the truth, whether the call made them so or not. */
async function compare(
  mirror: Mirror,
  table: ConnectorTable,
  { verb, request }: UnknownCall,
  keys: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Answer> {
  const rows = await read(mirror, table, keys, signal);
  const fates: RowFate[] = [];
  for (const [index, { row }] of rows.entries())
    fates.push(await fateOfRow(mirror, table, verb, row, request[index] ?? { sent: {}, before: {} }));
  // What was to be created, and is not there, is nothing that is gone.
  const canonicalRows = verb === "insert" ? rows.filter(({ row }) => row !== null) : rows;
  return { state: stateOf(fates), rows: canonicalRows };
}

async function fateOfRow(
  mirror: Mirror,
  table: ConnectorTable,
  verb: Verb,
  row: CanonicalRow["row"],
  { sent, before }: Pick<RequestRow, "sent" | "before">,
): Promise<RowFate> {
  if (verb === "delete") return row === null ? "done" : "undone";
  if (row === null) return verb === "update" ? "absent" : "undone";
  if (await holds(mirror, table, row, sent)) return "done";
  const isAsBefore = Object.keys(before).length > 0 && (await holds(mirror, table, row, before));
  return verb === "update" && isAsBefore ? "undone" : "other";
}

async function lookFor(
  mirror: Mirror,
  table: ConnectorTable,
  entry: UnknownCall,
  findClaims: FindClaims,
  signal: AbortSignal | undefined,
): Promise<Answer | undefined | "no such question"> {
  for (const { column, values } of identifying(mirror, entry.request)) {
    const records = await table.find(mirror.columns, column, values, signal);
    if (records) return judgeCreated(mirror, table, column, entry, records, findClaims);
  }
  return "no such question";
}

const createdRow = z.object({ rows: z.array(textRowSchema) });

/** Once a whole pull has begun after upstream can have been at it, the mirror has the rows that were created, or there are none. */
export async function reconcileWithMirror(
  pool: Pool,
  { mirror, table }: MirroredTable,
  { call, verb, request }: UnknownCall,
  findClaims: FindClaims,
): Promise<Answer | undefined> {
  const [by] = identifying(mirror, request);
  if (!by || (verb !== "insert" && verb !== "upsert")) return undefined;
  const [creation] = await queryRows(
    pool,
    "the rows of a create in its mirror",
    createdRow,
    `select (select coalesce(json_agg(${asJson(mirror.columns, "t")}), '[]')
         from ${quoteName(mirror.schema)}.${quoteName(mirror.table)} t where t.${quoteName(by.column.name)}::text = any($3)) as rows
     from throughline.mirror m join throughline.journal j on j.mirror = m.id
     where j.id = $1 and m.complete_from > j.sent_at + $2 * interval '1 millisecond'`,
    [call, 2 * table.account.timeoutMs, by.values],
  );
  const records = creation?.rows.map((row) => ({ key: keyOf(mirror.key, row) ?? "", row }));
  const answer = records && (await judgeCreated(mirror, table, by.column, { verb, request }, records, findClaims));
  // They are here already.
  return answer && { ...answer, rows: [] };
}

/** `records`: those that have the values of a unique column. */
async function judgeCreated(
  mirror: Mirror,
  table: ConnectorTable,
  column: MirrorColumn,
  { verb, request }: Pick<UnknownCall, "verb" | "request">,
  records: readonly { readonly key: string; readonly row: TextRow }[],
  findClaims: FindClaims,
): Promise<Answer | undefined> {
  // Who made a record that an upsert changes is no matter.
  const others = verb === "upsert" ? new Set<string>() : await findClaims(records.map(({ key }) => key));
  if (!others) return undefined;
  const rows = records.filter(({ key }) => !others.has(key));
  // Upstream has its own idea of when two are the same; case is the usual one.
  const plain = (text: string | null | undefined) => text?.toLowerCase() ?? null;
  const recordsByValue = new Map(rows.map((record) => [plain(record.row[column.name]), record] as const).reverse());
  const fates: RowFate[] = [];
  for (const { sent } of request) {
    const { [column.name]: value, ...rest } = sent;
    const record = recordsByValue.get(plain(value));
    fates.push(!record ? "undone" : (await holds(mirror, table, record.row, rest)) ? "done" : "other");
  }
  return { state: stateOf(fates), rows };
}

/** Unique columns that each of the new rows has. */
function identifying(mirror: Mirror, request: UnknownCall["request"]) {
  return mirror.columns
    .filter(({ unique }) => unique)
    .map((column) => ({ column, values: request.flatMap(({ sent }) => sent[column.name] ?? []) }))
    .filter(({ values }) => values.length === request.length);
}

async function read(
  mirror: Mirror,
  table: ConnectorTable,
  keys: readonly string[],
  signal: AbortSignal | undefined,
): Promise<CanonicalRow[]> {
  const reading = { lane: "read", waitMs: table.account.waitMs, signal } as const;
  const records = new Map((await table.get(mirror.columns, keys, reading)).map(({ key, row }) => [key, row]));
  return keys.map((key) => ({ key, row: records.get(key) ?? null }));
}

/** The accepted rows of an entry as upstream has them now. Throws ReadFailed when it can't be asked, also because `signal` is aborted. */
export function readCurrentRows(
  { mirror, table }: MirroredTable,
  rows: readonly CanonicalRow[],
  signal: AbortSignal,
): Promise<readonly CanonicalRow[]> {
  const keys = rows.map(({ key }) => key);
  return read(mirror, table, keys, signal);
}

async function holds(
  mirror: Mirror,
  table: ConnectorTable,
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

/** What became of one row; `other`: it has neither the values of the request nor those before it. */
type RowFate = "done" | "undone" | "absent" | "other";

function stateOf(fates: readonly RowFate[]): Answer["state"] {
  if (fates.includes("other")) return "settled";
  if (fates.every((one) => one === "done")) return "accepted";
  if (fates.every((one) => one === "absent")) return "absent";
  return fates.every((one) => one === "undone") ? "lapsed" : "partial";
}
