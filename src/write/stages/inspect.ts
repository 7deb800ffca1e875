// First stage: what the names of a statement mean in this session, and which mirrors they lead to.

import { fromByteName } from "../../../protocol/text.js";
import { callsWriter } from "../called-writers.js";
import { lookStep, readLook } from "../inspection.js";
import { tellFailure } from "../raise-in-postgres.js";
import type { InspectedStatement, ReceivedStatement, WriteResult } from "../statement.js";

/** Passes on what reaches no mirror, and what Postgres refuses by itself. */
export async function inspect(statement: ReceivedStatement): Promise<InspectedStatement | WriteResult> {
  const { session, context } = statement;
  const { classification } = session;
  if (classification.kind !== "write") return "passOn";
  const mirrors = await context.mirrors();
  const relations = mirrors.map(({ mirror }) => mirror.relation);
  const preparedName = session.preparedAs && fromByteName(session.preparedAs.name);
  const step = lookStep(classification, relations, preparedName);
  const flight = await session.fly([step], "flush");
  if (flight.kind === "over") return "skipped";
  // In a failed transaction Postgres refuses the statement itself, in its own words.
  if (flight.kind === "failed") return flight.error.get("C") === "25P02" ? "passOn" : tellFailure(session, flight);
  const look = readLook(flight.rows[0]);
  const { preparedAs } = session;
  if (preparedAs && preparedAs.text.bytes.toString() !== look.prepared) {
    // The name has been given to other text, or kept its old text when a later PREPARE failed: that text is what runs.
    const isWrite = look.prepared !== null && (await session.reclassify(look.prepared));
    return isWrite ? inspect(statement) : "passOn";
  }
  const calls = await callsWriter(statement, relations, look.called);
  if (typeof calls === "string") return calls;
  const inspection = { ...look, callsWriter: calls };
  const targets = mirrors.filter(({ mirror }) => inspection.mirrors.includes(mirror.relation));
  if (!inspection.callsWriter && targets.length === 0) return "passOn";
  return { ...statement, classification, inspection, mirrors, targets };
}
