// Last stage: the client's own statement runs again, and what upstream made of its rows is written in their place.

import { notAppliedError } from "../client-errors.js";
import { applySteps } from "../injected-statements.js";
import { withoutContext } from "../sql-error.js";
import { stagedRows } from "../staged.js";
import type { CalledStatement, WriteResult } from "../statement.js";

export async function apply(statement: CalledStatement): Promise<WriteResult> {
  const { session, context, mirror, rows, plan, canonical, calls, accepted } = statement;
  const rowsToStage = stagedRows(mirror, rows, plan.conflicts, canonical);
  const steps = applySteps(context.signer, session.processId, { mirror: mirror.id, staged: rowsToStage, calls });
  const flight = await session.fly(steps, "flush");
  if (flight.kind === "landed") session.tellCompletion();
  else if (flight.kind === "failed") {
    const { error } = flight;
    session.tellError(accepted === null ? withoutContext(error) : notAppliedError(mirror.api, accepted, error));
  }
  return "answered";
}
