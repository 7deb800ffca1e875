// The plan: what a statement would change, as Postgres recorded it, and what of it has to be sent.

import { createHash } from "node:crypto";
import { assertNever } from "../config/assert-never.js";
import { memberOf } from "../config/member.js";
import type { Slices } from "../config/slices.js";
import { parsingJson } from "../manifest/lossless-json.js";
import { isAssigned, type Mirror, type MirrorColumn, type TextRow, textRowSchema } from "../mirror/column.js";
import { type CellMarks, cellMarksSchema } from "../mirror/inexact.js";
import { keyOf } from "../mirror/key.js";
import { isInteger, withoutPlaceholders } from "../mirror/placeholder.js";
import { uniqueIndexName } from "../mirror/unique-index.js";
import type { SessionSigner } from "../postgres/mac.js";
import { parseJson, parseValue } from "../postgres/rows.js";
import type { Write } from "../sql/classification.js";
import type { ConnectorTable, Verb } from "../upstream/table.js";
import type { Rows } from "./injected-step.js";

export interface PlannedRow {
  readonly verb: Exclude<Verb, "upsert">;
  readonly relation: number;
  /** Null for an INSERT: there is no such row yet. */
  readonly key: string | null;
  /** The place among the statement's INSERT candidates, from 1; null for UPDATE and DELETE. */
  readonly n: number | null;
  readonly before: TextRow | null;
  readonly after: TextRow | null;
}

/** A row with the columns to send. */
export interface RowToSend {
  readonly plannedRow: PlannedRow;
  /** Null: upstream assigns it. */
  readonly key: string | null;
  readonly values: TextRow;
  /** False: upstream need not hear of this row. */
  readonly sends: boolean;
  /** The cells of the row, as it is, that are not known to be upstream's; undefined: none. */
  readonly marks?: CellMarks | undefined;
}

/** A row as it is under its lock. */
export interface LockedRow {
  readonly row: TextRow;
  readonly marks: CellMarks | undefined;
}

export interface Plan {
  readonly rows: readonly PlannedRow[];
  /** The mirror of the first row, or of the first INSERT candidate when all of them met a conflict. */
  readonly relation: number | undefined;
  /**
   * INSERT candidates that have to meet their conflict again when the statement runs, because an UPDATE or an exception handler
   * of the statement depends on it; 0 stands for all that are not rows.
   */
  readonly conflicts: readonly number[];
  /** The statement wrote rows of mirrors, and undid them itself. */
  readonly undone: boolean;
  /** The transaction it was planned in; null when that is read-only. */
  readonly transaction: string | null;
  /** The number under which Postgres takes what is staged next in that transaction. */
  readonly seat: string | null;
  /** The session may not read all of what was planned. */
  readonly sealed: boolean;
  /** The statement wrote, or may have written, to other tables as well. */
  readonly localWrites: boolean;
  /** The roles whose rights it wrote with, beside those of its session: sorted. */
  readonly roles: readonly string[];
}

/** Opens what the session may not read. */
type Opener = Pick<SessionSigner, "opening">;

/** Returns the plan from what `plan` and `planned` returned; `mirrors` are all there are. Throws UnexpectedValue. */
export function* readPlan(mirrors: readonly Mirror[], plan: Rows, planned: Rows, opener: Opener): Slices<Plan> {
  const keys = new Map(mirrors.map(({ relation, key }) => [relation, key]));
  const candidates = planned.filter(([, verb]) => verb === "candidate");
  const places = new Map<string, number>();
  for (const [index, row] of candidates.entries()) {
    const place = `${row[0]} ${(yield* readingRow(row[3], row[5], opener))?.["key"]}`;
    if (!places.has(place)) places.set(place, index + 1);
  }
  const rows: PlannedRow[] = [];
  for (const [oid, verb, oldRow, newRow, , sealed] of planned) {
    if (verb !== "insert" && verb !== "update" && verb !== "delete") continue;
    const relation = Number(oid);
    const before = yield* readingRow(oldRow, sealed, opener);
    const after = yield* readingRow(newRow, sealed, opener);
    const key = keys.get(relation) ?? [];
    const n = verb === "insert" ? (places.get(`${oid} ${keyOf(key, after)}`) ?? null) : null;
    rows.push({ verb, relation, key: keyOf(key, before), n, before, after });
  }
  const localWrites = planned.some((row) => row[4] === "t");
  const undone = planned.some(([, verb]) => verb === "undone");
  const insertedPlaces = new Set(rows.map(({ n }) => n));
  const conflicts = candidates.map((_, index) => index + 1).filter((n) => !insertedPlaces.has(n));
  const first = rows[0]?.relation ?? candidates[0]?.[0];
  return {
    rows,
    relation: first == null ? undefined : Number(first),
    conflicts: undone ? [0] : rows.some(({ verb }) => verb === "update") || localWrites ? conflicts : [],
    undone,
    transaction: plan[0]?.[0] ?? null,
    seat: plan[0]?.[1] ?? null,
    sealed: planned.some((row) => row[5] === "t"),
    localWrites,
    roles: planned.flatMap(([, verb, , role]) => (verb === "role" && role != null ? [role] : [])).sort(),
  };
}

/** Whether two plans of a statement write as many rows, the same ones where they are there already. */
export function sameRows(one: readonly PlannedRow[], other: readonly PlannedRow[]): boolean {
  const fingerprint = (rows: readonly PlannedRow[]) =>
    rows.map(({ verb, relation, key }) => `${verb} ${relation} ${key}`).sort();
  return fingerprint(one).join("\n") === fingerprint(other).join("\n");
}

/** Whether two plans of a statement would send the same; a placeholder is another one each time, and local columns stay here. */
export function* samePlan(mirror: Mirror, one: readonly PlannedRow[], other: readonly PlannedRow[]): Slices<boolean> {
  const ones = yield* fingerprints(mirror, one);
  const others = yield* fingerprints(mirror, other);
  return ones.length === others.length && ones.every((print, index) => print === others[index]);
}

/** For each row a hash of what of it would be sent, in an order of their own. */
function* fingerprints(mirror: Mirror, rows: readonly PlannedRow[]): Slices<readonly string[]> {
  const prints: string[] = [];
  for (const { verb, relation, key, after } of rows) {
    const print = createHash("sha256").update(`${verb} ${relation} ${key}`);
    for (const column of mirror.columns) {
      yield;
      const value = isAssigned(mirror, column) ? null : (memberOf(after, column.name) ?? null);
      const text = value === null ? "" : withoutPlaceholders(value);
      print.update(`\n${value === null ? "NULL" : text.length} ${text}`);
    }
    prints.push(print.digest("hex"));
  }
  return prints.sort();
}

/** Returns the rows as they are under lock, by key. Throws UnexpectedValue. */
export function* readLocked(rows: Rows, opener: Opener): Slices<ReadonlyMap<string, LockedRow>> {
  const lockedRows = new Map<string, LockedRow>();
  for (const [key, text, sealed, marksText] of rows) {
    const row = (yield* readingRow(text, sealed, opener)) ?? {};
    const marks = marksText == null ? undefined : parseJson("the marks of a row", cellMarksSchema, marksText);
    lockedRows.set(key ?? "", { row, marks });
  }
  return lockedRows;
}

/** Returns whether every planned row still is what it was when it was planned. */
export function* stillPlanned(
  mirror: Mirror,
  planned: readonly PlannedRow[],
  lockedRows: ReadonlyMap<string, Pick<LockedRow, "row">>,
): Slices<boolean> {
  for (const { key, before, relation } of planned) {
    yield;
    if (key === null || relation !== mirror.relation) continue;
    const now = lockedRows.get(key)?.row;
    if (now === undefined || before === null) return false;
    if (!Object.entries(before).every(([name, value]) => memberOf(now, name) === value)) return false;
  }
  return true;
}

/** INSERT sends what the statement named and what a default filled, UPDATE what really differs from the mirror. */
export function toSend(
  mirror: Mirror,
  plannedRow: PlannedRow,
  insertColumns: readonly string[] | null,
  by?: MirrorColumn,
): RowToSend {
  const { key, verb, after } = plannedRow;
  const changes = mirror.columns.filter((column) => isSent(column, plannedRow, insertColumns));
  // An upsert names each row by this column, also where it stays as it is.
  const columns = by && changes.length > 0 && !changes.includes(by) ? [...changes, by] : changes;
  const ownKey = mirror.key.every((column) => !isAssigned(mirror, column)) ? keyOf(mirror.key, after) : null;
  return {
    plannedRow,
    key: key ?? ownKey,
    values: Object.fromEntries(columns.map(({ name }) => [name, memberOf(after, name) ?? null])),
    sends: verb !== "update" || columns.length > 0,
  };
}

/**
 * By which column an API that knows upserts can tell which rows are new: where a statement inserts some and updates others, what
 * its ON CONFLICT names, when all rows have a value in it and none changes it.
 */
export function upsertColumn(
  mirror: Mirror,
  table: Pick<ConnectorTable, "upsertsBy">,
  { rows }: Plan,
  conflict: Write["conflict"],
): MirrorColumn | undefined {
  const verbs = new Set(rows.map(({ verb }) => verb));
  if (conflict === null || verbs.size !== 2 || verbs.has("delete")) return undefined;
  const isNamed = (column: MirrorColumn) =>
    "constraint" in conflict
      ? conflict.constraint === uniqueIndexName(mirror, column)
      : conflict.columns.length === 1 && conflict.columns[0] === column.name;
  const by = mirror.columns.find((column) => isNamed(column) && table.upsertsBy(column));
  const stays = ({ before, after }: PlannedRow) =>
    by !== undefined &&
    memberOf(after, by.name) != null &&
    (before === null || memberOf(before, by.name) === memberOf(after, by.name));
  return rows.every(stays) ? by : undefined;
}

/** Columns of upstream's that the row changes, whether it may or not. */
export function changedColumns(mirror: Mirror, { before, after }: PlannedRow): readonly MirrorColumn[] {
  return mirror.columns.filter(({ name }) => (memberOf(before, name) ?? null) !== (memberOf(after, name) ?? null));
}

/** Returns the placeholders of these rows that are numbers: such a one can't be told by itself. */
export function placeholderNumbers(mirror: Mirror, planned: readonly PlannedRow[]): ReadonlySet<string> {
  const numbers = mirror.key.filter((column) => isAssigned(mirror, column) && isInteger(column.type));
  const newRows = numbers.length === 0 ? [] : planned.filter(({ verb }) => verb === "insert");
  return new Set(newRows.flatMap(({ after }) => numbers.flatMap(({ name }) => memberOf(after, name) ?? [])));
}

function isSent(column: MirrorColumn, planned: PlannedRow, insertColumns: readonly string[] | null): boolean {
  if (column.write === "never") return false;
  switch (planned.verb) {
    case "insert":
      return insertColumns?.includes(column.name) === true || memberOf(planned.after, column.name) != null;
    case "update":
      return (memberOf(planned.before, column.name) ?? null) !== (memberOf(planned.after, column.name) ?? null);
    case "delete":
      return false;
    default:
      return assertNever(planned.verb);
  }
}

/** The length in characters of a row that is read at once. */
const shortRow = 65_536;

function* readingRow(
  text: string | null | undefined,
  sealed: string | null | undefined,
  opener: Opener,
): Slices<TextRow | null> {
  yield;
  if (text == null) return null;
  const json = sealed === "t" ? yield* opener.opening(text) : text;
  return json.length <= shortRow
    ? parseJson("a planned row", textRowSchema, json)
    : parseValue("a planned row", textRowSchema, yield* parsingJson(json));
}
