// What is refused because its plan can't be relied on when the statement runs. Pure.

import type { Mirror } from "../mirror/column.js";
import { type Plan, samePlan, sameRows } from "./plan.js";
import { at, nameOf } from "./refuse.js";
import type { SqlError } from "./sql-error.js";

/** By what can't be told apart in its plan. */
export function refuseTangled(mirror: Mirror, { rows, undone }: Plan): SqlError | undefined {
  const keys = rows.flatMap(({ key, relation }) => (key === null ? [] : [`${relation} ${key}`]));
  const twice = new Set(keys).size < keys.length;
  if (!twice && !(undone && rows.length > 0)) return undefined;
  return {
    ...at(mirror),
    sqlstate: "0A000",
    message: twice
      ? `throughline: this statement changes a row of ${nameOf(mirror)} more than once`
      : `throughline: this statement undoes a write to ${nameOf(mirror)} itself, and makes another`,
    hint: "Nothing was sent. Send each INSERT, UPDATE or DELETE as a statement of its own.",
  };
}

/** What upstream has accepted in this transaction is no more what its rows are here. */
export function refuseUndone(mirror: Mirror): SqlError {
  return {
    ...at(mirror),
    sqlstate: "0A000",
    message: `throughline: a rollback to a savepoint has undone here what ${mirror.api} has accepted of ${nameOf(mirror)} in this transaction`,
    hint: "Nothing was sent. End the transaction first: then the mirror has the rows as the API has them.",
  };
}

/** Its rows changed under it, each time it was planned. */
export function refuseRestless(mirror: Mirror, attempts: number): SqlError {
  return {
    ...at(mirror),
    sqlstate: "40001",
    message: `throughline: rows of ${nameOf(mirror)} changed ${attempts} times while the statement was planned`,
    hint: "Nothing was sent. Run the statement again.",
  };
}

/** By what two plans of it have not in common: it runs once more. */
export function refuseDifferent(mirror: Mirror, one: Plan, other: Plan): SqlError | undefined {
  if (one.localWrites && !samePlan(mirror, one.rows, other.rows)) {
    return {
      ...at(mirror),
      sqlstate: "0A000",
      message: `throughline: this statement writes to other tables or rows as well, and would give ${nameOf(mirror)} other values each time it runs`,
      hint: "Nothing was sent. Compute the values in a statement of their own, then write them to the mirror table.",
    };
  }
  if (sameRows(one.rows, other.rows)) return undefined;
  return {
    ...at(mirror),
    sqlstate: "0A000",
    message: `throughline: this statement would write other rows of ${nameOf(mirror)} each time it runs`,
    hint: "Nothing was sent. Choose the rows in a statement of its own, then write them by their keys.",
  };
}
