// Last stage: the client's own statement runs again, and what upstream made of its rows is written in their place.

import { assertNever } from "../../config/assert-never.js";
import { inSlices } from "../../config/slices.js";
import { notAppliedError } from "../client-errors.js";
import { applySteps, timeoutStep } from "../injected-statements.js";
import { tellFailure } from "../raise-in-postgres.js";
import { stagedRows } from "../staged.js";
import type { CalledStatement, WriteResult } from "../statement.js";

/** The client's time-out may be short, and what upstream has accepted is not to be undone because a machine is busy. */
const leastApplyMs = 10_000;

export async function apply(statement: CalledStatement): Promise<WriteResult> {
  const { session, inspection, mirror, rows, plan, canonical, calls, accepted } = statement;
  const staged = await inSlices(stagedRows(mirror, rows, plan.conflicts, canonical));
  const steps = await inSlices(applySteps(session.signer, { mirror: mirror.id, staged, plan, calls }));
  const { statementTimeoutMs = leastApplyMs } = inspection;
  const isShort = accepted !== null && statementTimeoutMs < leastApplyMs;
  const flight = await session.fly(
    isShort ? [timeoutStep(leastApplyMs), ...steps, timeoutStep(statementTimeoutMs)] : steps,
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
