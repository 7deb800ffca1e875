// Seventh stage: EXPLAIN and dry runs end here, with what would have been sent.

import { dryRunNotice, dryRunPortions } from "../errors/session-errors.js";
import { explainText } from "../explain-text.js";
import { planSteps } from "../injected-statements.js";
import { raiseInPostgres, tellFailure } from "../raise-in-postgres.js";
import type { CheckedStatement, WriteResult } from "../statement.js";

export async function rehearse(statement: CheckedStatement): Promise<CheckedStatement | WriteResult> {
  if (statement.explain) {
    await statement.explain(statement);
    return "answered";
  }
  return statement.inspection.dryRun ? answerDryRun(statement) : statement;
}

/** With throughline.dry_run = on: the statement is answered as it was planned, and all of it is undone. */
async function answerDryRun(statement: CheckedStatement): Promise<"answered"> {
  const { session, rows, inspection } = statement;
  if (session.hasRowLimit) return raiseInPostgres(session, dryRunPortions());
  const [request = "", ...more] = await explainText(statement);
  const limit = Math.max(rows.length, 1);
  const steps = planSteps(session.signer, crypto.randomUUID(), limit, null, { kind: "execute" });
  const flight = await session.fly(steps, "flush");
  if (flight.kind !== "landed") return tellFailure(session, flight);
  if (!inspection.hidesNotices) {
    const lines = [request.replace(/^Throughline: /, ""), ...more.map((line) => line.trim())];
    // The lines of an EXPLAIN are clean, and stay lines.
    session.tellNotice({ ...dryRunNotice().words, detail: lines.join("\n") });
  }
  session.tellCompletion();
  return "answered";
}
