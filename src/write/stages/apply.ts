// Last stage: the client's own statement runs again, and what upstream made of its rows is written in their place.

import { assertNever } from "../../config/assert-never.js";
import { inSlices } from "../../config/slices.js";
import { notAppliedError } from "../client-errors.js";
import { applySteps, timeoutStep } from "../injected-statements.js";
import { tellFailure } from "../raise-in-postgres.js";
import { stagedRows } from "../staged.js";
import type { CalledStatement, WriteResult } from "../statement.js";

export async function apply(statement: CalledStatement): Promise<WriteResult> {
  const { session, inspection, mirror, rows, plan, canonical, calls, accepted } = statement;
  const staged = await inSlices(stagedRows(mirror, rows, plan.conflicts, canonical));
  const steps = await inSlices(applySteps(session.signer, { mirror: mirror.id, staged, plan, calls }));
  const { statementTimeoutMs } = inspection;
  // What upstream has accepted, the client's time-out shall not undo.
  const isFree = accepted !== null && statementTimeoutMs !== undefined;
  const flight = await session.fly(
    isFree ? [timeoutStep(0), ...steps, timeoutStep(statementTimeoutMs)] : steps,
    "flush",
  );
  switch (flight.kind) {
    case "landed":
      session.tellCompletion();
      return "answered";
    case "failed":
      if (accepted === null) return tellFailure(session, flight);
      session.tellError(notAppliedError(mirror.api, accepted, flight.error));
      return "answered";
    case "over":
      return "answered";
    default:
      return assertNever(flight);
  }
}
