// First stage: what the names of a statement mean in this session, and which mirrors they lead to.

import { fromByteName } from "../../../protocol/text.js";
import { inspectStep, readInspection } from "../injected-statements.js";
import { tellFailure } from "../raise-in-postgres.js";
import type { InspectedStatement, ReceivedStatement, WriteResult } from "../statement.js";

/** Passes on what reaches no mirror, and what Postgres refuses by itself. */
export async function inspect(statement: ReceivedStatement): Promise<InspectedStatement | WriteResult> {
  const { session, context } = statement;
  const { classification } = session;
  if (classification.kind !== "write") return "passOn";
  const mirrors = await context.mirrors();
  const relations = mirrors.map(({ mirror }) => mirror.relation);
  const step = inspectStep(
    classification,
    relations,
    context.sources(),
    session.preparedAs && fromByteName(session.preparedAs.name),
  );
  const flight = await session.fly([step], "flush");
  if (flight.kind === "over") return "skipped";
  // In a failed transaction Postgres refuses the statement itself, in its own words.
  if (flight.kind === "failed") return flight.error.get("C") === "25P02" ? "passOn" : tellFailure(session, flight);
  const inspection = readInspection(flight.rows[0]);
  const { preparedAs } = session;
  if (preparedAs && preparedAs.text.bytes.toString() !== inspection.prepared) {
    // The name has been given to other text, or kept its old text when a later PREPARE failed: that text is what runs.
    const isWrite = inspection.prepared !== null && (await session.reclassify(inspection.prepared));
    return isWrite ? inspect(statement) : "passOn";
  }
  const targets = mirrors.filter(({ mirror }) => inspection.mirrors.includes(mirror.relation));
  if (!inspection.callsWriter && targets.length === 0) return "passOn";
  return { ...statement, classification, inspection, mirrors, targets };
}
