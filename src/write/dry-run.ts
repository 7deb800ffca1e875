// With throughline.dry_run = on: the statement is answered as it was planned, and all of it is undone. Nothing is sent.

import { explainText } from "./explain-text.js";
import { planSteps } from "./injected-statements.js";
import { raiseInPostgres, tellFailure } from "./raise-in-postgres.js";
import { refuseRehearsal } from "./refuse.js";
import type { ReadyWrite, SendContext } from "./send.js";
import type { WriteSession } from "./session-port.js";

export async function answerDryRun(
  session: WriteSession,
  { signer }: SendContext,
  ready: ReadyWrite,
): Promise<"answered"> {
  if (session.limited) return raiseInPostgres(session, refuseRehearsal);
  const [request = "", ...more] = await explainText(ready);
  const limit = Math.max(ready.rows.length, 1);
  const steps = planSteps(signer, session.processId, crypto.randomUUID(), limit, null, { kind: "execute" });
  const flight = await session.fly(steps, "flush");
  if (flight.kind === "landed") {
    if (!ready.inspection.hidesNotices)
      session.tellNotice({
        message: "throughline: dry run: nothing was sent, and nothing is changed",
        detail: [request.replace(/^Throughline: /, ""), ...more.map((line) => line.trim())].join("\n"),
      });
    session.tellCompletion();
  }
  return tellFailure(session, flight);
}
