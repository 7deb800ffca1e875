// The write path: a held statement that may write to a mirror, from the client to its answer. Each stage is a file of its name.

import { refusePrepared } from "./refuse-prepared.js";
import { admit } from "./stages/admit.js";
import { apply } from "./stages/apply.js";
import { call } from "./stages/call.js";
import { check } from "./stages/check.js";
import { collect } from "./stages/collect.js";
import { inspect } from "./stages/inspect.js";
import { lock } from "./stages/lock.js";
import { plan } from "./stages/plan.js";
import { rehearse } from "./stages/rehearse.js";
import { type ReceivedStatement, Stages, type WriteResult } from "./statement.js";

const writePath = new Stages(inspect) // what its names mean in this session; a statement that reaches no mirror is passed on
  .next(admit) // the session is one that may write
  .next(collect) // the rows of a COPY
  .next(plan) // what it would change: it runs in a savepoint, and is undone
  .next(lock) // the planned rows, until they are what they were when it was planned
  .next(check) // everything cheap that speaks against the call
  .next(rehearse) // EXPLAIN and dry runs end here
  .next(call) // the one request, noted in the journal before and after
  .last(apply); // it runs again, and what upstream made of its rows is written

/** Runs a held statement. Rejects only for a fault of ours. */
export async function runWrite(received: ReceivedStatement): Promise<WriteResult> {
  const { session } = received;
  if (session.classification.kind === "prepareTransaction") return refusePrepared(session);
  return writePath(received);
}
