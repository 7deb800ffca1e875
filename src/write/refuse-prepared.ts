// PREPARE TRANSACTION behind an accepted write: refused, because a call can't be rolled back with it.

import { transactionStep } from "./injected-statements.js";
import { raiseInPostgres } from "./raise-in-postgres.js";
import { refusePrepare } from "./refuse-session.js";
import type { WriteSession } from "./session-port.js";
import type { WriteResult } from "./statement.js";

/** Passes the command on unless a call was made in the very transaction that it would prepare. */
export async function refusePrepared(session: WriteSession): Promise<WriteResult> {
  if (session.openCalls.length === 0) return "passOn";
  const flight = await session.fly([transactionStep], "flush");
  if (flight.kind !== "landed") return flight.kind === "over" ? "skipped" : "passOn";
  const transaction = flight.rows[0]?.[0]?.[0];
  const refusal = refusePrepare(session.openCalls.filter((call) => call.transaction === transaction));
  return refusal ? raiseInPostgres(session, refusal) : "passOn";
}
