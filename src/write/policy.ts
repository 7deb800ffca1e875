// Who may write what to a mirror, by the rules of throughline.yaml. Pure.

import type { WriteRule } from "../config/api.js";
import { memberOf } from "../config/member.js";
import type { Mirror } from "../mirror/column.js";
import type { SqlError } from "../postgres/error-catalogue.js";
import type { Verb } from "../upstream/table.js";
import { columnForbidden, rowsForbidden, verbForbidden } from "./errors/plan-errors.js";
import type { Inspection } from "./inspection.js";
import type { Plan, RowToSend } from "./plan.js";

/**
 * Returns the roles whose rights a statement uses, each once, in the order in which they are asked: that of its session, its own, and those
 * that it writes as by functions and views. A login of `switches` only takes on other roles, and is asked where it does not.
 */
export function rolesOf(
  { sessionRole, role }: Pick<Inspection, "sessionRole" | "role">,
  { roles }: Pick<Plan, "roles">,
  switches: readonly string[],
): readonly string[] {
  return [...new Set([...(switches.includes(sessionRole) ? [] : [sessionRole]), role, ...roles])];
}

/** Returns why one of the roles may not; undefined: all of them may. Without `rules`, Postgres's own grants are all there is. */
export function refusePolicy(
  mirror: Mirror,
  rules: readonly WriteRule[] | undefined,
  roles: readonly string[],
  verb: Verb,
  rows: readonly RowToSend[],
): SqlError | undefined {
  if (rules === undefined) return undefined;
  for (const role of roles) {
    const refusal = refuseRole(mirror, rules, role, verb, rows);
    if (refusal) return refusal;
  }
  return undefined;
}

/** The first rule that fits the role counts. */
function refuseRole(
  mirror: Mirror,
  rules: readonly WriteRule[],
  role: string,
  verb: Verb,
  rows: readonly RowToSend[],
): SqlError | undefined {
  const rule = rules.find((one) => one.role === undefined || one.role === role);
  const verbs = verb === "upsert" ? (["insert", "update"] as const) : [verb];
  if (!rule || !verbs.every((one) => rule.verbs.includes(one))) return verbForbidden(mirror, role, verb);
  if (rule.rows !== undefined && rows.length > rule.rows) return rowsForbidden(mirror, role, rule.rows, rows.length);
  const { columns } = rule;
  const sentColumns = mirror.columns.filter(({ name }) => rows.some((row) => memberOf(row.values, name) !== undefined));
  const wrong = columns && sentColumns.find(({ name }) => !columns.includes(name));
  return wrong && columnForbidden(mirror, role, wrong);
}
