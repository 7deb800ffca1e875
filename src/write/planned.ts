// The plan: what a statement would change, as Postgres recorded it, and what of it has to be sent.

import type { Verb } from "../connector/table.js";
import { type Mirror, type MirrorColumn, placeholderPrefix, type TextRow } from "../mirror/column.js";
import type { Rows } from "./held.js";

export interface PlannedRow {
  readonly verb: Verb;
  readonly relation: number;
  /** Null for an INSERT: upstream assigns it. */
  readonly key: string | null;
  readonly before: TextRow | null;
  readonly after: TextRow | null;
}

/** A row with the columns to send. */
export interface RowToSend {
  readonly planned: PlannedRow;
  readonly sent: TextRow;
  /** False: upstream need not hear of this row. */
  readonly sends: boolean;
}

export interface Plan {
  readonly rows: readonly PlannedRow[];
  /** The transaction it was planned in; null when that is read-only. */
  readonly transaction: string | null;
  /** The statement wrote, or may have written, to other tables as well. */
  readonly localWrites: boolean;
}

/** From what `plan` and `planned` returned. */
export function readPlan(mirror: Mirror, plan: Rows, planned: Rows): Plan {
  return {
    rows: readPlanned(mirror, planned),
    transaction: plan[0]?.[0] ?? null,
    localWrites: planned.some((row) => row[4] === "t"),
  };
}

/** What was recorded, row by row. */
export function readPlanned(mirror: Mirror, rows: Rows): PlannedRow[] {
  return rows.map(([relation, verb, oldRow, newRow]) => {
    const before = readRow(oldRow);
    const after = readRow(newRow);
    return {
      verb: verb === "insert" || verb === "update" ? verb : "delete",
      relation: Number(relation),
      key: before?.[mirror.key.name] ?? null,
      before,
      after,
    };
  });
}

/** Whether two plans of a statement would send the same; a placeholder is another one each time. */
export function samePlan(one: readonly PlannedRow[], other: readonly PlannedRow[]): boolean {
  const shown = (rows: readonly PlannedRow[]) =>
    JSON.stringify(rows).replaceAll(new RegExp(`${placeholderPrefix}[0-9a-f-]{36}`, "g"), placeholderPrefix);
  return shown(one) === shown(other);
}

/** The rows as they are under lock, by key. */
export function readLocked(rows: Rows): ReadonlyMap<string, TextRow> {
  return new Map(rows.map(([key, row]) => [key ?? "", readRow(row) ?? {}]));
}

/** Whether every planned row still is what it was when it was planned. */
export function stillPlanned(planned: readonly PlannedRow[], locked: ReadonlyMap<string, TextRow>): boolean {
  return planned.every(({ key, before }) => {
    if (key === null) return true;
    const now = locked.get(key);
    return now !== undefined && before !== null && Object.entries(before).every(([name, value]) => now[name] === value);
  });
}

/** INSERT sends what the statement named and what a default filled, UPDATE what really differs from the mirror. */
export function toSend(mirror: Mirror, planned: PlannedRow, named: readonly string[] | null): RowToSend {
  const sent = mirror.columns.filter((column) => isSent(column, mirror, planned, named));
  const columns = Object.fromEntries(sent.map(({ name }) => [name, planned.after?.[name] ?? null]));
  return { planned, sent: columns, sends: planned.verb !== "update" || sent.length > 0 };
}

/** Columns of upstream's that the row changes, whether it may or not. */
export function changedColumns(mirror: Mirror, { before, after }: PlannedRow): readonly MirrorColumn[] {
  return mirror.columns.filter(({ name }) => (before?.[name] ?? null) !== (after?.[name] ?? null));
}

export function isPlaceholder(value: string | null | undefined): boolean {
  return value?.includes(placeholderPrefix) === true;
}

function isSent(column: MirrorColumn, mirror: Mirror, planned: PlannedRow, named: readonly string[] | null): boolean {
  if (column.name === mirror.key.name || column.write === "never") return false;
  switch (planned.verb) {
    case "insert":
      return named?.includes(column.name) === true || planned.after?.[column.name] != null;
    case "update":
      return (planned.before?.[column.name] ?? null) !== (planned.after?.[column.name] ?? null);
    case "delete":
      return false;
  }
}

function readRow(json: string | null | undefined): TextRow | null {
  return json == null ? null : JSON.parse(json);
}
