// The plan: what a statement would change, as Postgres recorded it, and what of it has to be sent.

import { assertNever } from "../config/assert-never.js";
import { isAssigned, type Mirror, type MirrorColumn, type TextRow, textRowSchema } from "../mirror/column.js";
import { keyOf } from "../mirror/key.js";
import { isInteger, mentionsPlaceholder, withoutPlaceholders } from "../mirror/placeholder.js";
import { parseJson } from "../postgres/rows.js";
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
  /** The statement wrote, or may have written, to other tables as well. */
  readonly localWrites: boolean;
}

/** From what `plan` and `planned` returned; `mirrors` are all there are. */
export function readPlan(mirrors: readonly Mirror[], plan: Rows, planned: Rows): Plan {
  const keys = new Map(mirrors.map(({ relation, key }) => [relation, key]));
  const candidates = planned.filter(([, verb]) => verb === "candidate");
  const places = new Map(
    candidates.map((row, index) => [`${row[0]} ${readRow(row[3])?.["key"]}`, index + 1] as const).reverse(),
  );
  const rows = planned.flatMap(([oid, verb, oldRow, newRow]): PlannedRow[] => {
    if (verb !== "insert" && verb !== "update" && verb !== "delete") return [];
    const relation = Number(oid);
    const [before, after, key] = [readRow(oldRow), readRow(newRow), keys.get(relation) ?? []];
    const n = verb === "insert" ? (places.get(`${oid} ${keyOf(key, after)}`) ?? null) : null;
    return [{ verb, relation, key: keyOf(key, before), n, before, after }];
  });
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
    localWrites,
  };
}

/** Whether two plans of a statement write as many rows, the same ones where they are there already. */
export function sameRows(one: readonly PlannedRow[], other: readonly PlannedRow[]): boolean {
  const fingerprint = (rows: readonly PlannedRow[]) =>
    rows.map(({ verb, relation, key }) => `${verb} ${relation} ${key}`).sort();
  return fingerprint(one).join("\n") === fingerprint(other).join("\n");
}

/** Whether two plans of a statement would send the same; a placeholder is another one each time, and local columns stay here. */
export function samePlan(mirror: Mirror, one: readonly PlannedRow[], other: readonly PlannedRow[]): boolean {
  const fingerprint = (rows: readonly PlannedRow[]) =>
    rows
      .map(({ verb, relation, key, after }) => {
        const values = mirror.columns.map((column) =>
          isAssigned(mirror, column) ? null : (after?.[column.name] ?? null),
        );
        return withoutPlaceholders(JSON.stringify([verb, relation, key, values]));
      })
      .sort()
      .join("\n");
  return fingerprint(one) === fingerprint(other);
}

/** The rows as they are under lock, by key. */
export function readLocked(rows: Rows): ReadonlyMap<string, TextRow> {
  return new Map(rows.map(([key, row]) => [key ?? "", readRow(row) ?? {}]));
}

/** Whether every planned row still is what it was when it was planned. */
export function stillPlanned(
  mirror: Mirror,
  planned: readonly PlannedRow[],
  lockedRows: ReadonlyMap<string, TextRow>,
): boolean {
  return planned.every(({ key, before, relation }) => {
    if (key === null || relation !== mirror.relation) return true;
    const now = lockedRows.get(key);
    return now !== undefined && before !== null && Object.entries(before).every(([name, value]) => now[name] === value);
  });
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
    values: Object.fromEntries(columns.map(({ name }) => [name, after?.[name] ?? null])),
    sends: verb !== "update" || columns.length > 0,
  };
}

/**
 * By which column an API that knows upserts can tell which rows are new: where a statement inserts some and updates others, what
 * its ON CONFLICT names, when all rows have a value in it and none changes it.
 */
export function upsertColumn(
  { columns, table: name }: Mirror,
  table: Pick<ConnectorTable, "upsertsBy">,
  { rows }: Plan,
  conflict: Write["conflict"],
): MirrorColumn | undefined {
  const verbs = new Set(rows.map(({ verb }) => verb));
  if (conflict === null || verbs.size !== 2 || verbs.has("delete")) return undefined;
  const isNamed = (column: MirrorColumn) =>
    "constraint" in conflict
      ? conflict.constraint === `${name}_${column.name}_key`
      : conflict.columns.length === 1 && conflict.columns[0] === column.name;
  const by = columns.find((column) => isNamed(column) && table.upsertsBy(column));
  const stays = ({ before, after }: PlannedRow) =>
    by !== undefined && after?.[by.name] != null && (before === null || before[by.name] === after[by.name]);
  return rows.every(stays) ? by : undefined;
}

/** Columns of upstream's that the row changes, whether it may or not. */
export function changedColumns(mirror: Mirror, { before, after }: PlannedRow): readonly MirrorColumn[] {
  return mirror.columns.filter(({ name }) => (before?.[name] ?? null) !== (after?.[name] ?? null));
}

/** Whether a value holds a placeholder of one of these rows. */
export function holdsPlaceholder(mirror: Mirror, planned: readonly PlannedRow[], value: string): boolean {
  if (mentionsPlaceholder(value)) return true;
  const numbers = mirror.key.filter((column) => isAssigned(mirror, column) && isInteger(column.type));
  return planned.some(({ verb, after }) => verb === "insert" && numbers.some(({ name }) => after?.[name] === value));
}

function isSent(column: MirrorColumn, planned: PlannedRow, insertColumns: readonly string[] | null): boolean {
  if (column.write === "never") return false;
  switch (planned.verb) {
    case "insert":
      return insertColumns?.includes(column.name) === true || planned.after?.[column.name] != null;
    case "update":
      return (planned.before?.[column.name] ?? null) !== (planned.after?.[column.name] ?? null);
    case "delete":
      return false;
    default:
      return assertNever(planned.verb);
  }
}

function readRow(json: string | null | undefined): TextRow | null {
  return json == null ? null : parseJson("a planned row", textRowSchema, json);
}
