// What is refused by what a statement would change, or because its plan can't be relied on when the statement runs. Pure.

import { memberOf } from "../config/member.js";
import type { Slices } from "../config/slices.js";
import { isAssigned, type Mirror } from "../mirror/column.js";
import { isPlaceholder } from "../mirror/placeholder.js";
import type { SqlError } from "../postgres/error-catalogue.js";
import type { Verb } from "../upstream/table.js";
import { mixedVerbs, otherRows, otherValues, rowTwice, twoMirrors, undoesItself } from "./errors/plan-errors.js";
import { assignedKey, changedKey, readOnly } from "./errors/value-errors.js";
import { changedColumns, type Plan, type PlannedRow, samePlan, sameRows } from "./plan.js";

/** `mirror` and `verb` are those of the plan's first row. */
export function refusePlan(mirror: Mirror, verb: Verb, rows: readonly PlannedRow[]): SqlError | undefined {
  const verbs: readonly Verb[] = verb === "upsert" ? ["insert", "update"] : [verb];
  for (const row of rows) {
    if (row.relation !== mirror.relation) return twoMirrors(mirror);
    if (!verbs.includes(row.verb)) return mixedVerbs(mirror, verb, row.verb);
    const error = refuseKey(mirror, row) ?? refuseReadOnly(mirror, row);
    if (error) return error;
  }
  return undefined;
}

/** A row that is changed twice, and a write that the statement undoes itself, can't be told apart in its plan. */
export function refuseTangled(mirror: Mirror, { rows, undone }: Plan): SqlError | undefined {
  const keys = rows.flatMap(({ key, relation }) => (key === null ? [] : [`${relation} ${key}`]));
  if (new Set(keys).size < keys.length) return rowTwice(mirror);
  return undone && rows.length > 0 ? undoesItself(mirror) : undefined;
}

/** By what two plans of a statement have not in common: it runs once more after them. */
export function* refuseDifferent(mirror: Mirror, one: Plan, other: Plan): Slices<SqlError | undefined> {
  if (one.localWrites && !(yield* samePlan(mirror, one.rows, other.rows))) return otherValues(mirror);
  return sameRows(one.rows, other.rows) ? undefined : otherRows(mirror);
}

function refuseKey(mirror: Mirror, { verb, before, after }: PlannedRow): SqlError | undefined {
  const wrong = mirror.key.find((column) => {
    if (verb === "insert") return isAssigned(mirror, column) && !isPlaceholder(column, memberOf(after, column.name));
    return verb === "update" && memberOf(before, column.name) !== memberOf(after, column.name);
  });
  if (!wrong) return undefined;
  return isAssigned(mirror, wrong) ? assignedKey(mirror, wrong) : changedKey(mirror, wrong);
}

function refuseReadOnly(mirror: Mirror, row: PlannedRow): SqlError | undefined {
  if (row.verb === "delete") return undefined;
  const wrong = changedColumns(mirror, row).find(
    (column) =>
      !mirror.key.includes(column) &&
      (column.write === "never" || (column.write === "create" && row.verb === "update")),
  );
  return wrong && readOnly(mirror, wrong);
}
