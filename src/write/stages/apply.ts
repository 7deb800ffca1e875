// Last stage: the client's own statement runs again, and what upstream made of its rows is written in their place.

import { assertNever } from "../../config/assert-never.js";
import { inSlices } from "../../config/slices.js";
import { notAppliedError } from "../client-errors.js";
import { applySteps } from "../injected-statements.js";
import { tellFailure } from "../raise-in-postgres.js";
import { stagedRows } from "../staged.js";
import type { CalledStatement, WriteResult } from "../statement.js";

export async function apply(statement: CalledStatement): Promise<WriteResult> {
  const { session, mirror, rows, plan, canonical, calls, accepted } = statement;
  const staged = await inSlices(stagedRows(mirror, rows, plan.conflicts, canonical));
  const steps = await inSlices(applySteps(session.signer, { mirror: mirror.id, staged, plan, calls }));
  const flight = await session.fly(steps, "flush");
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
