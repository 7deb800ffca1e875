// What the client is told in place of its statement's answer. An error is raised in Postgres first, so that the transaction is as
// Postgres would leave it.

import { assertNever } from "../config/assert-never.js";
import type { SqlError } from "../postgres/error-catalogue.js";
import { refuseStep } from "./injected-statements.js";
import type { FlightResult } from "./injected-step.js";
import type { WriteSession } from "./session-port.js";
import { withoutContext } from "./sql-error.js";

/** Raises in Postgres, and tells the client what Postgres made of it. */
export async function raiseInPostgres(session: WriteSession, error: SqlError): Promise<"answered"> {
  return tellFailure(session, await session.fly([refuseStep(session.signer, error)], "flush"));
}

/** Tells the client that a flight failed. A flight that is over, or has landed, has nothing to tell. */
export function tellFailure(session: WriteSession, flight: FlightResult): "answered" {
  switch (flight.kind) {
    case "failed":
      session.tellError(withoutContext(flight.error));
      return "answered";
    case "landed":
    case "over":
      return "answered";
    default:
      return assertNever(flight);
  }
}

/** Runs the client's statement as it is, in the transaction that we may have opened for it. */
export async function runUnchanged(session: WriteSession): Promise<"answered"> {
  const flight = await session.fly([{ kind: "execute" }], "flush");
  if (flight.kind === "landed") session.tellCompletion();
  return tellFailure(session, flight);
}
