// Who may write what to a mirror, by the rules of throughline.yaml. Pure.

import type { WriteRule } from "../config/api.js";
import type { Mirror } from "../mirror/column.js";
import type { Verb } from "../upstream/table.js";
import type { RowToSend } from "./plan.js";
import { at, nameOf } from "./refuse.js";
import type { SqlError } from "./sql-error.js";

/** `rules`: undefined, and Postgres's own grants are all there is. */
export function refusePolicy(
  mirror: Mirror,
  rules: readonly WriteRule[] | undefined,
  role: string,
  verb: Verb,
  rows: readonly RowToSend[],
): SqlError | undefined {
  if (rules === undefined) return undefined;
  const rule = rules.find((one) => one.role === undefined || one.role === role);
  const where = `"write" of apis.${mirror.api}.tables.${mirror.resource} in throughline.yaml`;
  const refuse = (message: string, sqlstate = "42501"): SqlError => ({
    ...at(mirror),
    sqlstate,
    message: `throughline: ${message}`,
    hint: `Nothing was sent. The rule is ${where}.`,
  });
  const does = verb === "upsert" ? (["insert", "update"] as const) : [verb];
  if (!rule || !does.every((one) => rule.verbs.includes(one)))
    return refuse(`role "${role}" may not ${verb.toUpperCase()} on ${nameOf(mirror)}`);
  if (rule.rows !== undefined && rows.length > rule.rows) {
    const most = rule.rows === 1 ? "1 row" : `${rule.rows} rows`;
    return refuse(
      `role "${role}" may write ${most} of ${nameOf(mirror)} in one statement, not ${rows.length}`,
      "54000",
    );
  }
  const { columns } = rule;
  const sent = mirror.columns.filter(({ name }) => rows.some((row) => row.sent[name] !== undefined));
  const wrong = columns && sent.find(({ name }) => !columns.includes(name));
  return (
    wrong && {
      ...refuse(`role "${role}" may not write column "${wrong.name}" of ${nameOf(mirror)}`),
      ...at(mirror, wrong),
    }
  );
}
