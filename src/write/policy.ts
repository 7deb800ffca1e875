// Who may write what to a mirror, by the rules of throughline.yaml. Pure.

import type { WriteRule } from "../config/api.js";
import type { Mirror } from "../mirror/column.js";
import type { SqlError } from "../postgres/error-catalogue.js";
import type { Verb } from "../upstream/table.js";
import { columnForbidden, rowsForbidden, verbForbidden } from "./errors/plan-errors.js";
import type { RowToSend } from "./plan.js";

/** The first rule that fits the role counts. Without `rules`, Postgres's own grants are all there is. */
export function refusePolicy(
  mirror: Mirror,
  rules: readonly WriteRule[] | undefined,
  role: string,
  verb: Verb,
  rows: readonly RowToSend[],
): SqlError | undefined {
  if (rules === undefined) return undefined;
  const rule = rules.find((one) => one.role === undefined || one.role === role);
  const verbs = verb === "upsert" ? (["insert", "update"] as const) : [verb];
  if (!rule || !verbs.every((one) => rule.verbs.includes(one))) return verbForbidden(mirror, role, verb);
  if (rule.rows !== undefined && rows.length > rule.rows) return rowsForbidden(mirror, role, rule.rows, rows.length);
  const { columns } = rule;
  const sentColumns = mirror.columns.filter(({ name }) => rows.some((row) => row.values[name] !== undefined));
  const wrong = columns && sentColumns.find(({ name }) => !columns.includes(name));
  return wrong && columnForbidden(mirror, role, wrong);
}
