// Sixth stage: everything cheap that speaks against the call, before anything is sent (P5).

import { inSlices, type Slices } from "../../config/slices.js";
import type { SqlError } from "../../postgres/error-catalogue.js";
import type { MirroredTable } from "../../upstream/mirrored-table.js";
import type { Verb } from "../../upstream/table.js";
import { functionInPortions, verbNotOffered } from "../errors/plan-errors.js";
import { incomplete, undoneBySavepoint } from "../errors/session-errors.js";
import { refuseMissingReferences } from "../foreign-keys.js";
import { undoneStep } from "../injected-statements.js";
import { type RowToSend, toSend, upsertColumn } from "../plan.js";
import { refusePolicy, rolesOf } from "../policy.js";
import { raiseInPostgres, runUnchanged, tellFailure } from "../raise-in-postgres.js";
import { refuseInexact } from "../refuse-inexact.js";
import { refusePlan } from "../refuse-plan.js";
import { refuseTransaction } from "../refuse-session.js";
import { refuseSent } from "../refuse-values.js";
import type { OpenCall } from "../session-port.js";
import type { CheckedStatement, LockedStatement, PlannedStatement, WriteResult } from "../statement.js";
import { mostRowsInChunks } from "./plan.js";

export async function check(planned: LockedStatement): Promise<CheckedStatement | WriteResult> {
  const { session, context, mirrors } = planned;
  const writtenMirror = writtenTable(planned);
  // The statement calls a function that writes to no mirror this time.
  if (!writtenMirror) return runUnchanged(session);
  const statement = await inSlices(resolve(planned, writtenMirror));
  const { mirror, rowsToSend } = statement;
  const wrong = refuseChanges(statement);
  if (wrong) return raiseInPostgres(session, wrong);
  const earlier = earlierCalls(statement);
  const undone = await lookForUndone(statement, earlier);
  if (undone === "answered") return undone;
  const refusal =
    undone ??
    (await inSlices(refuseCall(statement, earlier))) ??
    (await refuseMissingReferences(context.pool, mirrors, mirror, rowsToSend));
  if (refusal) return raiseInPostgres(session, refusal);
  return { ...statement, verb: statement.verb ?? "update", limit: statement.limit ?? 1 };
}

/** The mirror that the plan's rows are of. */
function writtenTable({ plan, mirrors, targets }: PlannedStatement): MirroredTable | undefined {
  const mirrored = mirrors.find(({ mirror }) => mirror.relation === plan.relation) ?? targets[0];
  // The statement rolled its own writes back: there is nothing to send, and any mirror will do to run it again.
  return mirrored ?? (plan.undone ? mirrors[0] : undefined);
}

/** The statement with what would be sent. Without rows it has no verb; a verb that the API does not offer has no limit. */
type Resolved = Omit<CheckedStatement, "verb" | "limit"> & {
  readonly verb: Verb | undefined;
  readonly limit: number | undefined;
  /** Whether the statement names the mirror itself: a view may have other names for its columns. */
  readonly direct: boolean;
};

function* resolve(planned: LockedStatement, { mirror, table }: MirroredTable): Slices<Resolved> {
  const { plan, inspection, classification } = planned;
  const [first] = plan.rows;
  const direct = inspection.relations.includes(mirror.relation);
  const by = first && upsertColumn(mirror, table, plan, direct ? classification.conflict : null);
  const verb = by ? "upsert" : first?.verb;
  const limit = verb ? table.limit(verb) : 1;
  const insertColumns = direct ? classification.columns : null;
  const rows: RowToSend[] = [];
  for (const row of plan.rows) {
    yield;
    const { marks } = (row.key === null ? undefined : planned.lockedRows.get(row.key)) ?? {};
    rows.push({ ...toSend(mirror, row, insertColumns, by), marks });
  }
  const rowsToSend = rows.filter(({ sends }) => sends);
  return { ...planned, mirror, table, verb, by, rows, rowsToSend, limit, direct };
}

/** By what the plan changes. A plan without rows changes nothing. */
function refuseChanges({
  session,
  inspection,
  reservation,
  mirror,
  verb,
  plan,
  limit,
}: Resolved): SqlError | undefined {
  if (verb === undefined) return undefined;
  if (reservation) return reservation;
  const wrong = refusePlan(mirror, verb, plan.rows);
  if (wrong) return wrong;
  if (verb !== "insert" && !mirror.complete) return incomplete(mirror);
  if (limit === undefined) return verbNotOffered(mirror, verb);
  return inspection.callsWriter && session.hasRowLimit ? functionInPortions(mirror) : undefined;
}

/** Calls of this very transaction: one of an earlier transaction may still be there when both came in one batch. */
function earlierCalls({ session, plan }: PlannedStatement): readonly OpenCall[] {
  return session.openCalls.filter(({ transaction }) => transaction === plan.transaction);
}

/** An error when a rollback to a savepoint has undone here what an earlier call of this transaction changed. */
async function lookForUndone(
  { session, inspection, classification, mirror }: Resolved,
  earlier: readonly OpenCall[],
): Promise<SqlError | "answered" | undefined> {
  // Rows that an UPDATE or a function would leave as they are do not show in its plan; an INSERT finds no rows.
  const findsRows = inspection.callsWriter || classification.verbs.some((verb) => verb !== "insert");
  const calls = earlier.flatMap((one) => (one.mirror === mirror.id && one.change !== null ? [one.call] : []));
  if (!findsRows || calls.length === 0) return undefined;
  const flight = await session.fly([undoneStep(calls)], "flush");
  if (flight.kind !== "landed") return tellFailure(session, flight);
  return flight.rows[0]?.[0]?.[0] === "t" ? undoneBySavepoint(mirror) : undefined;
}

/** By who sends what in which transaction. */
function* refuseCall(statement: Resolved, earlier: readonly OpenCall[]): Slices<SqlError | undefined> {
  const { session, context, inspection, classification, plan, mirror, table, verb, rowsToSend, limit } = statement;
  const roles = rolesOf(inspection, plan, context.switches());
  const mode = inspection.transactionMode || (table.account.transaction ?? "single");
  return (
    (verb && refusePolicy(mirror, table.config.write, roles, verb, rowsToSend)) ??
    (rowsToSend.length > 0 ? refuseTransaction(mirror, mode, session.isExplicit, earlier) : undefined) ??
    (yield* refuseInexact(mirror, rowsToSend, statement.direct ? classification.constants : [])) ??
    (yield* refuseSent(mirror, rowsToSend, inspection.chunk ? mostRowsInChunks : (limit ?? 1), table))
  );
}
