// One statement that writes to a mirror, from the held client to its answer (design, section 3). Each step is one line here.

import { createHash } from "node:crypto";
import type { Pool } from "pg";
import type { Logger } from "pino";
import type { Fields } from "../../protocol/fields.js";
import type { ConnectorTable } from "../connector/table.js";
import { closeEntries, settle } from "../journal/settle.js";
import type { Mirror } from "../mirror/column.js";
import type { Signer } from "../postgres/mac.js";
import { type Called, callUpstream } from "./call.js";
import { errorFields, type SqlError, withoutContext } from "./error.js";
import type { HeldSession } from "./held.js";
import { applySteps, type Inspection, inspectStep, readInspection, refuseStep, transactionStep } from "./injected.js";
import { planAndLock } from "./plan.js";
import { type Plan, type RowToSend, toSend } from "./planned.js";
import { notApplied, withMirror } from "./raise.js";
import {
  refuseIncomplete,
  refusePlan,
  refusePrepare,
  refuseSent,
  refuseSession,
  refuseTransaction,
  refuseVerb,
} from "./refuse.js";
import { stagedRows } from "./staged.js";

interface KnownMirror {
  readonly mirror: Mirror;
  readonly table: ConnectorTable;
}

export interface WriteContext {
  readonly pool: Pool;
  readonly signer: Signer;
  readonly log: Logger;
  /** All there are, as they were a moment ago; `afresh`: as they are now. */
  mirrors(afresh?: "afresh"): Promise<readonly KnownMirror[]>;
}

/** `passOn`: the message is not ours and goes to Postgres as it came. `skipped`: Postgres ignores it, after an earlier error. */
export type Ran = "passOn" | "skipped" | "answered";

/** How many keys a message names. */
const shownKeys = 10;

export async function runWrite(session: HeldSession, context: WriteContext): Promise<Ran> {
  const { classified } = session;
  if (classified.kind === "prepareTransaction") {
    return runPrepareTransaction(session);
  }
  if (classified.copies) return "passOn";
  let known = await context.mirrors();
  const relations = known.map(({ mirror }) => mirror.relation);
  const looked = await session.fly([inspectStep(classified.relations, relations)], "flush");
  if (looked.kind === "over") return "skipped";
  // In a failed transaction Postgres refuses the statement itself, in its own words.
  if (looked.kind === "failed") return looked.error.get("C") === "25P02" ? "passOn" : failed(session, looked);
  const inspection = readInspection(looked.rows[0]);
  const isTarget = ({ mirror }: KnownMirror) => inspection.mirrors.includes(mirror.relation);
  if (!classified.hidden && !known.some(isTarget)) return "passOn";
  // A backfill that has just ended counts.
  if (known.some((one) => isTarget(one) && !one.mirror.complete)) known = await context.mirrors("afresh");
  const targets = known.filter(isTarget);
  const refused = refuseSession(
    targets.map(({ mirror }) => mirror),
    classified,
    inspection,
  );
  if (refused) return raise(session, refused);

  const planned = await planAndLock(
    session,
    context.signer,
    known.map(({ mirror }) => mirror),
    longest(classified.hidden ? known : targets),
    inspection,
  );
  if (planned.kind === "over") return "answered";
  if (planned.kind === "failed") return failed(session, planned);
  if (planned.kind === "refused") return raise(session, planned.error);
  const { plan } = planned;
  const [first] = plan.rows;
  const written = first ? known.find(({ mirror }) => mirror.relation === first.relation) : targets[0];
  // A function that writes to no mirror this time.
  if (!written) return runAsItIs(session);
  const { mirror, table } = written;
  const wrong = first && refusePlan(mirror, first.verb, plan.rows);
  if (wrong) return raise(session, wrong);
  if (first && first.verb !== "insert" && !mirror.complete) return raise(session, refuseIncomplete(mirror));
  const limit = first ? table.limit(first.verb) : 1;
  if (first && limit === undefined) return raise(session, refuseVerb(mirror, first.verb));
  // A view may have names of its own.
  const named = inspection.relations.includes(mirror.relation) ? classified.columns : null;
  const rows = plan.rows.map((row) => toSend(mirror, row, named));
  const sent = rows.filter(({ sends }) => sends);
  // An earlier transaction's call may still be there when this one came in the same batch.
  const earlier = session.openCalls.filter(({ transaction }) => transaction === plan.transaction);
  const unsendable =
    (sent.length > 0 && refuseTransaction(mirror, inspection.transactionMode, session.explicit, earlier)) ||
    refuseSent(mirror, sent, limit ?? 1);
  if (unsendable) return raise(session, unsendable);
  return send(session, context, { mirror, table, inspection, plan, rows, sent });
}

/** The most rows that any call takes: what is more is not worth planning to its end. */
function longest(known: readonly KnownMirror[]): number {
  const verbs = ["insert", "update", "delete"] as const;
  return Math.max(1, ...known.flatMap(({ table }) => verbs.map((verb) => table.limit(verb) ?? 1)));
}

interface Ready {
  readonly mirror: Mirror;
  readonly table: ConnectorTable;
  readonly inspection: Inspection;
  readonly plan: Plan;
  readonly rows: readonly RowToSend[];
  readonly sent: readonly RowToSend[];
}

async function send(session: HeldSession, context: WriteContext, ready: Ready): Promise<Ran> {
  const { mirror, table, inspection, plan, rows, sent } = ready;
  const { conflicts, transaction } = plan;
  const [first] = sent;
  if (!first)
    return apply(session, context, mirror, crypto.randomUUID(), stagedRows(mirror, rows, conflicts, []), null);
  const called = await callUpstream(
    {
      pool: context.pool,
      log: context.log,
      mirror,
      table,
      verb: first.planned.verb,
      proxy: context.signer.proxy,
      by: {
        role: inspection.role,
        application: inspection.application,
        clientAddress: session.clientAddress,
        statementHash: createHash("sha256").update(session.text).digest("hex"),
      },
    },
    sent,
  );
  if (called.kind === "raise") return tellRaised(session, context, mirror, transaction, called);
  const keys = called.verdict.canonical.flatMap((row) => (row ? [row.key] : []));
  const more = keys.length > shownKeys ? ` and ${keys.length - shownKeys} more` : "";
  const name = `${mirror.schema}.${mirror.table} ${keys.slice(0, shownKeys).join(", ")}${more}`;
  session.noteCall({ call: called.call, transaction, changed: name, told: false, api: mirror.api, settled: false });
  return apply(
    session,
    context,
    mirror,
    called.call,
    stagedRows(mirror, rows, conflicts, called.verdict.canonical),
    name,
  );
}

/** In the client's session first, which frees its locks; then on our own connection; then the client is told. */
async function tellRaised(
  session: HeldSession,
  { pool }: WriteContext,
  mirror: Mirror,
  transaction: string | null,
  { call, error, changed }: Extract<Called, { kind: "raise" }>,
): Promise<"answered"> {
  const raised = await session.fly([refuseStep(error)], "flush");
  const [settled] = changed ? await settle(pool, [call]).catch(() => []) : [];
  if (settled?.state === "repaired") await closeEntries(pool, [call]);
  if (changed) {
    const done = settled !== undefined && settled.state !== "waiting";
    // What is gone may be asked for again.
    const what = error.sqlstate.startsWith("40") ? null : `${mirror.schema}.${mirror.table} (journal ${call})`;
    session.noteCall({ call, transaction, changed: what, told: true, api: mirror.api, settled: done });
  }
  // The connection may be gone: what became of the call is said all the same.
  const said = raised.kind === "failed" ? withoutContext(raised.error) : errorFields(error);
  session.tellError(changed ? withMirror(mirror.api, said, settled?.blocked) : said);
  return "answered";
}

/** `accepted`: what upstream has accepted; null when nothing was sent. */
async function apply(
  session: HeldSession,
  { signer }: WriteContext,
  mirror: Mirror,
  call: string,
  staged: string,
  accepted: string | null,
): Promise<Ran> {
  const steps = applySteps(signer, session.processId, { call, mirror: mirror.id, staged, called: accepted !== null });
  const flight = await session.fly(steps, "flush");
  if (flight.kind === "landed") session.tellCompletion();
  else if (flight.kind === "failed") {
    session.tellError(
      accepted === null ? withoutContext(flight.error) : notApplied(mirror.api, accepted, flight.error),
    );
  }
  return "answered";
}

async function runPrepareTransaction(session: HeldSession): Promise<Ran> {
  if (session.openCalls.length === 0) return "passOn";
  const looked = await session.fly([transactionStep], "flush");
  if (looked.kind !== "landed") return looked.kind === "over" ? "skipped" : "passOn";
  const transaction = looked.rows[0]?.[0]?.[0];
  const refused = refusePrepare(session.openCalls.filter((call) => call.transaction === transaction));
  return refused ? raise(session, refused) : "passOn";
}

/** In the transaction that we may have opened for it. */
async function runAsItIs(session: HeldSession): Promise<"answered"> {
  const flight = await session.fly([{ kind: "execute" }], "flush");
  if (flight.kind === "landed") session.tellCompletion();
  return failed(session, flight);
}

/** Raises in Postgres, and tells the client what Postgres made of it. */
async function raise(session: HeldSession, error: SqlError): Promise<"answered"> {
  return failed(session, await session.fly([refuseStep(error)], "flush"));
}

function failed(session: HeldSession, flight: { kind: "failed"; error: Fields } | { kind: string }): "answered" {
  if ("error" in flight) session.tellError(withoutContext(flight.error));
  return "answered";
}
