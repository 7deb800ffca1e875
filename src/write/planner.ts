// Plans a statement and locks what it would change, until both agree.

import type { Fields } from "../../protocol/fields.js";
import type { Mirror } from "../mirror/column.js";
import type { Signer } from "../postgres/mac.js";
import { type Inspection, lockStep, planSteps, undoneStep } from "./injected-statements.js";
import { type Plan, readLocked, readPlan, stillPlanned } from "./plan.js";
import { refuseDifferent, refuseRestless, refuseTangled, refuseUndone } from "./refuse-plan.js";
import type { FlightResult, InjectedStep, OpenCall, WriteSession } from "./session-port.js";
import type { SqlError } from "./sql-error.js";

/** How often a statement is planned when its rows change under it. */
const planAttempts = 3;

export type PlanResult =
  /** Its rows are locked as they were planned. */
  | { readonly kind: "planned"; readonly plan: Plan }
  /** Postgres refused it. */
  | { readonly kind: "failed"; readonly error: Fields }
  | { readonly kind: "refused"; readonly error: SqlError }
  | { readonly kind: "over" };

/** `opening`: what comes before the first plan. `volatile`: the statement calls functions, and may find other rows each time. */
export async function planAndLock(
  session: WriteSession,
  signer: Signer,
  mirrors: readonly Mirror[],
  limit: number,
  opening: readonly InjectedStep[],
  volatile: boolean,
  { deferrable }: Inspection,
): Promise<PlanResult> {
  const planOnce = async (before: readonly InjectedStep[]): Promise<PlanResult> => {
    // What the client has written earlier in its transaction is not ours to check.
    const constraints = session.begun && !session.follows ? "all" : deferrable;
    const steps = planSteps(signer, session.processId, crypto.randomUUID(), limit, constraints);
    const flight = await session.fly([...before, ...steps], "flush");
    if (flight.kind !== "landed") return flight;
    return { kind: "planned", plan: readPlan(mirrors, flight.rows.at(-4) ?? [], flight.rows.at(-3) ?? []) };
  };
  for (let attempt = 1; ; attempt += 1) {
    const planned = await planOnce(attempt === 1 ? opening : []);
    if (planned.kind !== "planned") return planned;
    const mirror = mirrors.find(({ relation }) => relation === planned.plan.rows[0]?.relation);
    if (!mirror) return planned;
    const wrong = refuseTangled(mirror, planned.plan);
    if (wrong) return { kind: "refused", error: wrong };
    const lock = await lockPlanned(session, signer, mirror, planned.plan);
    if (lock.kind !== "landed") return lock;
    if (!stillPlanned(mirror, planned.plan.rows, readLocked(lock.rows[0] ?? []))) {
      if (attempt < planAttempts) continue;
      return { kind: "refused", error: refuseRestless(mirror, planAttempts) };
    }
    if (!planned.plan.localWrites && !volatile) return planned;
    // What it writes elsewhere is written anew when it runs, and which rows it finds is asked anew.
    const again = await planOnce([]);
    if (again.kind !== "planned") return again;
    const differs = refuseDifferent(mirror, planned.plan, again.plan);
    return differs ? { kind: "refused", error: differs } : again;
  }
}

/** What these calls of the transaction have changed must be here; `refused`: a rollback has undone it. */
export async function lookForUndone(
  session: WriteSession,
  mirror: Mirror,
  earlier: readonly OpenCall[],
): Promise<Exclude<PlanResult, { kind: "planned" }> | undefined> {
  const calls = earlier.flatMap((one) => (one.mirror === mirror.id && one.changed !== null ? [one.call] : []));
  if (calls.length === 0) return undefined;
  const flight = await session.fly([undoneStep(calls)], "flush");
  if (flight.kind !== "landed") return flight;
  return flight.rows[0]?.[0]?.[0] === "t" ? { kind: "refused", error: refuseUndone(mirror) } : undefined;
}

/** An INSERT has nothing to lock. */
async function lockPlanned(
  session: WriteSession,
  signer: Signer,
  mirror: Mirror,
  { rows }: Plan,
): Promise<FlightResult> {
  // Rows of another mirror are refused for that.
  const keys = rows.flatMap(({ key, relation }) => (key === null || relation !== mirror.relation ? [] : [key]));
  if (keys.length === 0) return { kind: "landed", rows: [], wasOpen: false };
  const forDelete = rows.some(({ verb }) => verb === "delete");
  return session.fly([lockStep(signer, session.processId, mirror.id, keys, forDelete)], "flush");
}
