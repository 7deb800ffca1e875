// Asks upstream what became of a call whose outcome nobody knows. Reading is harmless; what is repeated is repeated under its key.

import type { Pool } from "pg";
import { ReadFailed, type RowResult } from "../connector/ending.js";
import type { KnownMirror } from "../connector/known.js";
import type { ConnectorTable, Verb } from "../connector/table.js";
import type { Mirror, MirrorColumn } from "../mirror/column.js";
import { quoteName } from "../postgres/quote.js";
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
/** A refusal of these says nothing of the first attempt. */
const passing = new Set(["40001", "53400", "55P03", "28000", "42501"]);

/** Undefined: still nobody knows. Throws ReadFailed when upstream can't be asked. */
export async function askUpstream({ mirror, table }: KnownMirror, entry: UnknownCall): Promise<Answer | undefined> {
  const keepsMs = table.repeatableMs(entry.verb, entry.request.length) - keepMarginMs;
  if (entry.idempotencyKey !== null && entry.ageMs < keepsMs) return repeat(mirror, table, entry);
  const keys = entry.request.flatMap(({ key }) => key ?? []);
  if (keys.length === entry.request.length) return compare(mirror, table, entry, keys);
  return lookFor(mirror, table, entry);
}

/** Upstream answers as it did, or would have, the first time. */
async function repeat(mirror: Mirror, table: ConnectorTable, entry: UnknownCall): Promise<Answer | undefined> {
  const { verb, request, idempotencyKey } = entry;
  const ending = await table.write(verb, mirror.columns, request, { idempotencyKey });
  if (ending.kind === "refused" && !passing.has(ending.error.sqlstate)) return { state: "refused", rows: [] };
  if (ending.kind !== "answered") return undefined;
  if (ending.rows.some(({ kind }) => kind === "unreported")) return undefined;
  const accepted = ending.rows.flatMap((row) => (row.kind === "accepted" ? [row.key] : []));
  const gone = ending.rows.flatMap((row, index) => (row.kind === "absent" ? (request[index]?.key ?? []) : []));
  const rows = verb === "delete" ? accepted.map((key) => ({ key, row: null })) : await read(mirror, table, accepted);
  return { state: stateOfResults(ending.rows), rows: [...rows, ...gone.map((key) => ({ key, row: null }))] };
}

/** Upstream's rows are the truth, whether the call made them so or not. */
async function compare(
  mirror: Mirror,
  table: ConnectorTable,
  { verb, request }: UnknownCall,
  keys: readonly string[],
): Promise<Answer> {
  const rows = await read(mirror, table, keys);
  const isDone = ({ row }: CanonicalRow, index: number) =>
    verb === "delete" ? row === null : row !== null && holds(mirror, table, row, request[index]?.sent ?? {});
  const done = rows.filter(isDone).length;
  const absent = verb === "update" ? rows.filter(({ row }) => row === null).length : 0;
  // What was to be created, and is not there, is nothing that is gone.
  const known = verb === "insert" ? rows.filter(({ row }) => row !== null) : rows;
  return { state: stateOf(rows.length, done, absent), rows: known };
}

async function lookFor(mirror: Mirror, table: ConnectorTable, { request }: UnknownCall): Promise<Answer | undefined> {
  for (const { column, values } of identifying(mirror, request)) {
    const found = await table.find(mirror.columns, column, values);
    if (found) return { state: stateOf(values.length, found.length, 0), rows: found };
  }
  return undefined;
}

/** Once a whole pull has begun after upstream can have been at it, the mirror has the rows that were created, or there are none. */
export async function askMirror(
  pool: Pool,
  { mirror, table }: KnownMirror,
  { call, verb, request }: UnknownCall,
): Promise<Answer | undefined> {
  const [by] = identifying(mirror, request);
  if (!by || verb !== "insert") return undefined;
  const name = quoteName(by.column.name);
  const found = await pool.query<{ rows: number }>(
    `select (select count(*)::int from ${quoteName(mirror.schema)}.${quoteName(mirror.table)} t where t.${name}::text = any($3)) as rows
     from throughline.mirror m join throughline.journal j on j.mirror = m.id
     where j.id = $1 and m.complete_from > j.sent_at + $2 * interval '1 millisecond'`,
    [call, 2 * table.account.timeoutMs, by.values],
  );
  const [pulled] = found.rows;
  return pulled && { state: stateOf(by.values.length, pulled.rows, 0), rows: [] };
}

/** Unique columns that each of the new rows has. */
function identifying(mirror: Mirror, request: UnknownCall["request"]) {
  return mirror.columns
    .filter(({ unique }) => unique)
    .map((column) => ({ column, values: request.flatMap(({ sent }) => sent[column.name] ?? []) }))
    .filter(({ values }) => values.length === request.length);
}

async function read(mirror: Mirror, table: ConnectorTable, keys: readonly string[]): Promise<CanonicalRow[]> {
  const records = new Map(
    (await table.get(mirror.columns, keys, table.account.waitMs)).map(({ key, row }) => [key, row]),
  );
  return keys.map((key) => ({ key, row: records.get(key) ?? null }));
}

/** The accepted rows of an entry as upstream has them now; undefined when it can't be asked. */
export async function readAgain(
  { mirror, table }: KnownMirror,
  rows: readonly CanonicalRow[],
): Promise<readonly CanonicalRow[] | undefined> {
  try {
    return await read(
      mirror,
      table,
      rows.map(({ key }) => key),
    );
  } catch (cause) {
    if (cause instanceof ReadFailed) return undefined;
    throw cause;
  }
}

function holds(
  mirror: Mirror,
  table: ConnectorTable,
  row: NonNullable<CanonicalRow["row"]>,
  sent: RequestRow["sent"],
): boolean {
  const isSame = (column: MirrorColumn) =>
    table.same(column, table.expected(column, sent[column.name] ?? null), row[column.name] ?? null);
  return mirror.columns.filter(({ name }) => sent[name] !== undefined).every(isSame);
}

function stateOfResults(results: readonly RowResult[]): Answer["state"] {
  const count = (kind: RowResult["kind"]) => results.filter((result) => result.kind === kind).length;
  const state = stateOf(results.length, count("accepted"), count("absent"));
  return state === "lapsed" ? "refused" : state;
}

function stateOf(all: number, done: number, absent: number): Answer["state"] {
  if (done === all) return "accepted";
  if (absent === all) return "absent";
  return done + absent === 0 ? "lapsed" : "partial";
}
