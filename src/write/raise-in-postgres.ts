// What the client is told in place of its statement's answer. An error is raised in Postgres first, so that the transaction is as
// Postgres would leave it.

import type { Fields } from "../../protocol/fields.js";
import { refuseStep } from "./injected-statements.js";
import type { WriteSession } from "./session-port.js";
import { type SqlError, withoutContext } from "./sql-error.js";

/** Raises in Postgres, and tells the client what Postgres made of it. */
export async function raiseInPostgres(session: WriteSession, error: SqlError): Promise<"answered"> {
  return tellFailure(session, await session.fly([refuseStep(error)], "flush"));
}

export function tellFailure(
  session: WriteSession,
  flight: { kind: "failed"; error: Fields } | { kind: string },
): "answered" {
  if ("error" in flight) session.tellError(withoutContext(flight.error));
  return "answered";
}
