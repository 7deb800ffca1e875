// What a statement would send, in the words of an EXPLAIN.

import { escapeText } from "../config/clean-text.js";
import type { CheckedStatement } from "./statement.js";

/** In place of keys and values: the session's role may not read all of the mirror, and so not what would be sent. */
const hidden = "(its address and body are not shown: this role may not read all of the mirror)";
/** A body is shown up to here. */
const shownBody = 2_000;

/** The lines of an EXPLAIN, fit for a terminal: the first says which request, or that there is none. */
export async function explainText({
  mirror,
  table,
  verb,
  by,
  rowsToSend,
  limit,
  plan,
}: CheckedStatement): Promise<readonly string[]> {
  if (rowsToSend.length === 0) return ["Throughline: no request (nothing would change)"];
  const portion = rowsToSend.slice(0, limit).map(({ key, values, plannedRow }) => ({
    key,
    sent: values,
    before: plannedRow.before ?? undefined,
  }));
  const { method, url, body, remaining } = await table.describe(verb, mirror.columns, portion, by);
  const calls = Math.ceil(rowsToSend.length / limit);
  const budget = remaining.map(({ calls: remain, of, perMs }) => `${remain} of ${of} calls left in ${perMs / 1000} s`);
  const lines = [
    `Throughline: ${calls === 1 ? "" : `${calls} requests, the first: `}${method} ${plan.sealed ? hidden : url}`,
    `  Rows: ${rowsToSend.length}, at most ${limit} in one request`,
    `  Budget: ${budget.length === 0 ? "no limit is known" : budget.join("; ")}`,
    ...(body === undefined || plan.sealed
      ? []
      : [`  Body: ${body.length <= shownBody ? body : `${body.slice(0, shownBody)}…`}`]),
  ];
  return lines.map(escapeText);
}
