// One statement that writes to a mirror, from the held client to its answer (design, section 3). Each step is one line here.

import type { MirroredTable } from "../upstream/mirrored-table.js";
import { answerDryRun } from "./dry-run.js";
import { refuseMissingReferences } from "./foreign-keys.js";
import { inspectStep, readInspection, transactionStep, undone } from "./injected-statements.js";
import { toSend, upsertColumn } from "./plan.js";
import { lookForUndone, planAndLock } from "./planner.js";
import { refusePolicy } from "./policy.js";
import { raiseInPostgres, tellFailure } from "./raise-in-postgres.js";
import {
  refuseHeaderMatch,
  refuseIncomplete,
  refuseLongCopy,
  refuseOverload,
  refusePlan,
  refusePortions,
  refusePrepare,
  refuseSent,
  refuseSession,
  refuseStale,
  refuseTransaction,
  refuseVerb,
  strayMessage,
} from "./refuse.js";
import { type ReadyWrite, type SendContext, send } from "./send.js";
import type { InjectedStep, WriteSession } from "./session-port.js";

export interface WriteContext extends SendContext {
  /** All there are, as they were a moment ago; `afresh`: as they are now. */
  mirrors(afresh?: "afresh"): Promise<readonly MirroredTable[]>;
  /** A regular expression of Postgres's that fits the source of a function which may write to one. */
  sources(): string;
  /** Whether as many statements are held as may be. */
  overloaded(): boolean;
}

/** `passOn`: the message is not ours and goes to Postgres as it came. `skipped`: Postgres ignores it, after an earlier error. */
export type WriteResult = "passOn" | "skipped" | "answered";

/** With `throughline.chunk = on`: what is more is a matter for an import. */
const mostInChunks = 10_000;

/** What becomes of a statement that may be sent. */
type Conclude = (session: WriteSession, context: WriteContext, ready: ReadyWrite) => Promise<"answered">;

/** `conclude`: sends it, or, in a session with throughline.dry_run = on, only says what would be sent. */
export async function runWrite(
  session: WriteSession,
  context: WriteContext,
  conclude?: Conclude,
): Promise<WriteResult> {
  const { classified } = session;
  if (classified.kind === "prepareTransaction") {
    return runPrepareTransaction(session);
  }
  let known = await context.mirrors();
  const relations = known.map(({ mirror }) => mirror.relation);
  const looked = await session.fly(
    [inspectStep(classified, relations, context.sources(), session.prepared?.name)],
    "flush",
  );
  if (looked.kind === "over") return "skipped";
  // In a failed transaction Postgres refuses the statement itself, in its own words.
  if (looked.kind === "failed") return looked.error.get("C") === "25P02" ? "passOn" : tellFailure(session, looked);
  const inspection = readInspection(looked.rows[0]);
  const { prepared } = session;
  if (prepared && prepared.text !== inspection.prepared) {
    // Its name has been given to something else, or stayed what it was when that failed.
    const isWrite = inspection.prepared !== null && session.means(inspection.prepared);
    return isWrite ? runWrite(session, context, conclude) : "passOn";
  }
  const isTarget = ({ mirror }: MirroredTable) => inspection.mirrors.includes(mirror.relation);
  if (!inspection.callsWriter && !known.some(isTarget)) return "passOn";
  if (session.stale) return raiseInPostgres(session, refuseStale);
  // A backfill that has just ended counts.
  if (known.some((one) => isTarget(one) && !one.mirror.complete)) known = await context.mirrors("afresh");
  const targets = known.filter(isTarget);
  if (context.overloaded()) return raiseInPostgres(session, refuseOverload);
  const refused = refuseSession(
    targets.map(({ mirror }) => mirror),
    classified,
    inspection,
  );
  // A function may have nothing to do with mirrors this time.
  if (refused && targets.length > 0) return raiseInPostgres(session, refused);

  if (classified.copies === "match") return raiseInPostgres(session, refuseHeaderMatch);
  const opening = [...session.begin(inspection.quiet), ...(session.simple ? [{ kind: "prepareQuery" } as const] : [])];
  if (classified.copies !== null) {
    const collected = await collectRows(session, opening, classified.copies);
    if (collected !== "done") return collected;
  }
  const planned = await planAndLock(
    session,
    context.signer,
    known.map(({ mirror }) => mirror),
    inspection.chunk ? mostInChunks : longest(inspection.callsWriter ? known : targets),
    classified.copies === null ? opening : [],
    classified.calls,
    inspection,
  );
  if (planned.kind === "over") return "answered";
  if (planned.kind === "failed") return tellFailure(session, planned);
  if (planned.kind === "refused") return raiseInPostgres(session, planned.error);
  const { plan } = planned;
  const [first] = plan.rows;
  // What was undone is undone again, whichever mirror it was.
  const written =
    known.find(({ mirror }) => mirror.relation === plan.relation) ?? targets[0] ?? (plan.undone ? known[0] : undefined);
  // A function that writes to no mirror this time.
  if (!written) return runAsItIs(session);
  if (refused && first) return raiseInPostgres(session, refused);
  const { mirror, table } = written;
  // A view may have names of its own.
  const direct = inspection.relations.includes(mirror.relation);
  const by = first && upsertColumn(mirror, table, plan, direct ? classified.conflict : null);
  const verb = by ? "upsert" : first?.verb;
  const wrong = verb && refusePlan(mirror, verb, plan.rows);
  if (wrong) return raiseInPostgres(session, wrong);
  if (verb && verb !== "insert" && !mirror.complete) return raiseInPostgres(session, refuseIncomplete(mirror));
  const limit = verb ? table.limit(verb) : 1;
  if (verb && limit === undefined) return raiseInPostgres(session, refuseVerb(mirror, verb));
  if (verb && inspection.callsWriter && session.limited) return raiseInPostgres(session, refusePortions(mirror));
  const named = direct ? classified.columns : null;
  const rows = plan.rows.map((row) => toSend(mirror, row, named, by));
  const sent = rows.filter(({ sends }) => sends);
  // An earlier transaction's call may still be there when this one came in the same batch.
  const earlier = session.openCalls.filter(({ transaction }) => transaction === plan.transaction);
  const mode = inspection.transactionMode || (table.account.transaction ?? "single");
  // Rows that such a statement would leave as they are do not show in its plan.
  const changes = inspection.callsWriter || classified.verbs.some((does) => does !== "insert");
  const behind = changes ? await lookForUndone(session, mirror, earlier) : undefined;
  if (behind?.kind === "over") return "answered";
  if (behind) return behind.kind === "failed" ? tellFailure(session, behind) : raiseInPostgres(session, behind.error);
  const unsendable =
    (verb && refusePolicy(mirror, table.config.write, inspection.role, verb, sent)) ||
    (sent.length > 0 && refuseTransaction(mirror, mode, session.explicit, earlier)) ||
    refuseSent(mirror, sent, inspection.chunk ? mostInChunks : (limit ?? 1), table);
  const dangling = unsendable || (await refuseMissingReferences(context.pool, known, mirror, sent));
  if (dangling) return raiseInPostgres(session, dangling);
  const end = conclude ?? (inspection.dryRun ? answerDryRun : send);
  return end(session, context, {
    mirror,
    table,
    inspection,
    plan,
    verb: verb ?? "update",
    by,
    rows,
    sent,
    limit: limit ?? 1,
  });
}

/** Asks Postgres for its own answer to the COPY, and the client for its rows. */
async function collectRows(
  session: WriteSession,
  opening: readonly InjectedStep[],
  format: "text" | "binary",
): Promise<"done" | WriteResult> {
  const asked = await session.fly([...opening, ...undone([{ kind: "copyNothing", format }])], "flush");
  if (asked.kind !== "landed") return tellFailure(session, asked);
  switch (await session.collectRows()) {
    case "done":
      return "done";
    case "failed":
      // Postgres says so itself.
      return runAsItIs(session);
    case "long":
      return raiseInPostgres(session, refuseLongCopy);
    case "lost":
      return raiseInPostgres(session, strayMessage);
  }
}

/** The most rows that any call takes: what is more is not worth planning to its end. */
function longest(known: readonly MirroredTable[]): number {
  const verbs = ["insert", "update", "delete", "upsert"] as const;
  return Math.max(1, ...known.flatMap(({ table }) => verbs.map((verb) => table.limit(verb) ?? 1)));
}

async function runPrepareTransaction(session: WriteSession): Promise<WriteResult> {
  if (session.openCalls.length === 0) return "passOn";
  const looked = await session.fly([transactionStep], "flush");
  if (looked.kind !== "landed") return looked.kind === "over" ? "skipped" : "passOn";
  const transaction = looked.rows[0]?.[0]?.[0];
  const refused = refusePrepare(session.openCalls.filter((call) => call.transaction === transaction));
  return refused ? raiseInPostgres(session, refused) : "passOn";
}

/** In the transaction that we may have opened for it. */
async function runAsItIs(session: WriteSession): Promise<"answered"> {
  const flight = await session.fly([{ kind: "execute" }], "flush");
  if (flight.kind === "landed") session.tellCompletion();
  return tellFailure(session, flight);
}
