// Fourth stage: what the statement would change. It runs in a portal of ours, inside a savepoint that is rolled back.

import { inSlices } from "../../config/slices.js";
import type { MirroredTable } from "../../upstream/mirrored-table.js";
import { verbs } from "../../upstream/table.js";
import { planSteps } from "../injected-statements.js";
import type { InjectedStep } from "../injected-step.js";
import { type Plan, readPlan } from "../plan.js";
import { tellFailure } from "../raise-in-postgres.js";
import type { AdmittedStatement, PlannedStatement, WriteResult } from "../statement.js";

/** With `throughline.chunk = on`, a statement of more rows is a matter for an import. */
export const mostRowsInChunks = 10_000;

export async function plan(statement: AdmittedStatement): Promise<PlannedStatement | WriteResult> {
  const planned = await planOnce(statement, statement.opening);
  return planned === "answered" ? planned : { ...statement, plan: planned };
}

/** Plans the statement, after the steps `before`. `answered`: Postgres refused it, and the client has been told. */
export async function planOnce(
  statement: AdmittedStatement,
  before: readonly InjectedStep[],
): Promise<Plan | "answered"> {
  const { session, mirrors, inspection } = statement;
  // What the client has written earlier in its transaction is not ours to check.
  const constraints = session.hasBegun && !session.followsOthers ? "all" : inspection.deferrable;
  const steps = planSteps(session.signer, crypto.randomUUID(), rowLimit(statement), constraints);
  const flight = await session.fly([...before, ...steps], "flush");
  if (flight.kind !== "landed") return tellFailure(session, flight);
  // Behind `planned` come the two statements that end the savepoint; in front of it ran `plan`.
  const [planRows = [], plannedRows = []] = flight.rows.slice(-4, -2);
  return inSlices(
    readPlan(
      mirrors.map(({ mirror }) => mirror),
      planRows,
      plannedRows,
      session.signer,
    ),
  );
}

/** How many rows are planned before Postgres gives up: no call takes more. */
function rowLimit({ inspection, mirrors, targets }: AdmittedStatement): number {
  if (inspection.chunk) return mostRowsInChunks;
  // A function may write to any mirror.
  return Math.max(1, ...(inspection.callsWriter ? mirrors : targets).flatMap(callLimits));
}

function callLimits({ table }: MirroredTable): number[] {
  return verbs.map((verb) => table.limit(verb) ?? 1);
}
