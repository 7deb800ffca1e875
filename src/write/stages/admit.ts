// Second stage: whether the session may write at all, and how its transaction is opened.

import { headerMatch, longValues, overload, stalePortal } from "../errors/session-errors.js";
import { raiseInPostgres } from "../raise-in-postgres.js";
import { refuseSession } from "../refuse-session.js";
import type { AdmittedStatement, InspectedStatement, WriteResult } from "../statement.js";

/** Refuses by what the session is. A session that may write gets its transaction with the next flight. */
export async function admit(statement: InspectedStatement): Promise<AdmittedStatement | WriteResult> {
  const { session, context, classification, inspection } = statement;
  if (session.isStale) return raiseInPostgres(session, stalePortal());
  if (session.isTooLong) return raiseInPostgres(session, longValues());
  const { mirrors, targets } = await withCompletion(statement);
  if (context.overloaded()) return raiseInPostgres(session, overload());
  const refusal = refuseSession(
    targets.map(({ mirror }) => mirror),
    classification,
    inspection,
  );
  // A statement that only calls functions may have nothing to do with mirrors this time.
  if (refusal && targets.length > 0) return raiseInPostgres(session, refusal);
  if (classification.copies === "match") return raiseInPostgres(session, headerMatch());
  const opening = [
    ...session.begin(inspection.quiet),
    ...(session.isSimple ? [{ kind: "prepareQuery" } as const] : []),
  ];
  return { ...statement, mirrors, targets, opening, reservation: refusal };
}

/** The mirrors with the completion of a pull that has just ended: only those that are not complete are worth a second look. */
async function withCompletion({
  context,
  mirrors,
  targets,
}: InspectedStatement): Promise<Pick<InspectedStatement, "mirrors" | "targets">> {
  if (targets.every(({ mirror }) => mirror.complete)) return { mirrors, targets };
  const relations = targets.map(({ mirror }) => mirror.relation);
  const afresh = await context.mirrors("afresh");
  return { mirrors: afresh, targets: afresh.filter(({ mirror }) => relations.includes(mirror.relation)) };
}
