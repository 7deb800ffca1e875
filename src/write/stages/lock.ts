// Fifth stage: the planned rows are locked, and the plan holds for them.

import { inSlices } from "../../config/slices.js";
import type { Mirror } from "../../mirror/column.js";
import { restlessRows } from "../errors/plan-errors.js";
import { lockStep } from "../injected-statements.js";
import { type LockedRow, type Plan, readLocked, stillPlanned } from "../plan.js";
import { raiseInPostgres, tellFailure } from "../raise-in-postgres.js";
import { refuseDifferent, refuseTangled } from "../refuse-plan.js";
import type { LockedStatement, PlannedStatement, WriteResult } from "../statement.js";
import { planOnce } from "./plan.js";

/** How often a statement is planned when its rows change under it. */
const planAttempts = 3;

/** Locks what would be changed, and plans again where a row has changed meanwhile. */
export async function lock(planned: PlannedStatement): Promise<LockedStatement | WriteResult> {
  const { session } = planned;
  let { plan } = planned;
  for (let attempt = 1; ; attempt += 1) {
    const mirror = mirrorOf(planned, plan);
    if (!mirror) return { ...planned, plan, lockedRows: new Map() };
    const refusal = refuseTangled(mirror, plan);
    if (refusal) return raiseInPostgres(session, refusal);
    const lockedRows = await lockRows(planned, mirror, plan);
    if (lockedRows === "answered") return lockedRows;
    if (await inSlices(stillPlanned(mirror, plan.rows, lockedRows)))
      return confirm({ ...planned, plan, lockedRows }, mirror);
    if (attempt === planAttempts) return raiseInPostgres(session, restlessRows(mirror, planAttempts));
    const again = await planOnce(planned, []);
    if (again === "answered") return again;
    plan = again;
  }
}

function mirrorOf({ mirrors }: PlannedStatement, { rows: [first] }: Plan): Mirror | undefined {
  return mirrors.find(({ mirror }) => mirror.relation === first?.relation)?.mirror;
}

/** The rows as they are under lock, by key. An INSERT has nothing to lock. */
async function lockRows(
  { session }: PlannedStatement,
  mirror: Mirror,
  { rows }: Plan,
): Promise<ReadonlyMap<string, LockedRow> | "answered"> {
  // Rows of another mirror are refused later, for that.
  const keys = rows.flatMap(({ key, relation }) => (key === null || relation !== mirror.relation ? [] : [key]));
  if (keys.length === 0) return new Map();
  const forDelete = rows.some(({ verb }) => verb === "delete");
  const step = lockStep(session.signer, mirror.id, keys, forDelete);
  const flight = await session.fly([step], "flush");
  return flight.kind === "landed"
    ? inSlices(readLocked(flight.rows[0] ?? [], session.signer))
    : tellFailure(session, flight);
}

/** Plans once more what may be another plan each time: what the statement writes elsewhere, and the rows that its functions find. */
async function confirm(planned: LockedStatement, mirror: Mirror): Promise<LockedStatement | WriteResult> {
  if (!planned.plan.localWrites && !planned.classification.calls) return planned;
  const again = await planOnce(planned, []);
  if (again === "answered") return again;
  const differs = await inSlices(refuseDifferent(mirror, planned.plan, again));
  return differs ? raiseInPostgres(planned.session, differs) : { ...planned, plan: again };
}
