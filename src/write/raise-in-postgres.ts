// What the client is told in place of its statement's answer. An error is raised in Postgres first, so that the transaction is as
// Postgres would leave it.

import type { Fields } from "../../protocol/fields.js";
import { refuseStep } from "./injected-statements.js";
import type { HeldSession } from "./session-port.js";
import { type SqlError, withoutContext } from "./sql-error.js";

/** Raises in Postgres, and tells the client what Postgres made of it. */
export async function raise(session: HeldSession, error: SqlError): Promise<"answered"> {
  return failed(session, await session.fly([refuseStep(error)], "flush"));
}

export function failed(session: HeldSession, flight: { kind: "failed"; error: Fields } | { kind: string }): "answered" {
  if ("error" in flight) session.tellError(withoutContext(flight.error));
  return "answered";
}
