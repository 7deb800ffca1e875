// Third stage: the rows of a COPY … FROM STDIN, which the statement needs twice.

import { assertNever } from "../../config/assert-never.js";
import { longCopy, strayMessage } from "../errors/session-errors.js";
import { undone } from "../injected-statements.js";
import { raiseInPostgres, runUnchanged, tellFailure } from "../raise-in-postgres.js";
import type { AdmittedStatement, WriteResult } from "../statement.js";

/** Asks Postgres for its own answer to the COPY, and the client for its rows. Any other statement goes on as it is. */
export async function collect(statement: AdmittedStatement): Promise<AdmittedStatement | WriteResult> {
  const { session, classification, opening } = statement;
  // `match` was refused.
  if (classification.copies === null || classification.copies === "match") return statement;
  const copyNothing = { kind: "copyNothing", format: classification.copies } as const;
  const flight = await session.fly([...opening, ...undone([copyNothing])], "flush");
  if (flight.kind !== "landed") return tellFailure(session, flight);
  const collection = await session.collectRows();
  switch (collection) {
    case "done":
      return { ...statement, opening: [] };
    case "failed":
      // Postgres says so itself.
      return runUnchanged(session);
    case "long":
      return raiseInPostgres(session, longCopy());
    case "lost":
      return raiseInPostgres(session, strayMessage());
    default:
      return assertNever(collection);
  }
}
