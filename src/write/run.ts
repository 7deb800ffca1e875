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
import { errorFields, type SqlError } from "./error.js";
import type { HeldSession } from "./held.js";
import { applySteps, type Inspection, inspectStep, readInspection, refuseStep } from "./injected.js";
import { planAndLock } from "./plan.js";
import { type RowToSend, toSend } from "./planned.js";
import { notApplied, notMirrored } from "./raise.js";
import { refusePlan, refusePrepare, refuseSecond, refuseSent, refuseSession } from "./refuse.js";
import { stagedRows } from "./staged.js";

export interface WriteContext {
  readonly pool: Pool;
  readonly signer: Signer;
  readonly log: Logger;
  mirrorOf(relation: number): Promise<{ readonly mirror: Mirror; readonly table: ConnectorTable } | undefined>;
}

/** `passOn`: the message is not ours and goes to Postgres as it came. `skipped`: Postgres ignores it, after an earlier error. */
export type Ran = "passOn" | "skipped" | "answered";

/** How many keys a message names. */
const shownKeys = 10;

export async function runWrite(session: HeldSession, context: WriteContext): Promise<Ran> {
  const { classified } = session;
  if (classified.kind === "prepareTransaction") {
    const refused = refusePrepare(session.openCalls);
    return refused ? raise(session, refused) : "passOn";
  }
  const looked = await session.fly([inspectStep(classified.target)], "flush");
  if (looked.kind === "over") return "skipped";
  // In a failed transaction Postgres refuses the statement itself, in its own words.
  if (looked.kind === "failed") return looked.error.get("C") === "25P02" ? "passOn" : failed(session, looked);
  const inspection = readInspection(looked.rows[0]);
  const found = inspection.relation === null ? undefined : await context.mirrorOf(inspection.relation);
  if (!found) return "passOn";
  const { mirror, table } = found;

  const limit = classified.kind === "write" ? table.limit(classified.verb) : undefined;
  const refused = refuseSession(mirror, classified, inspection, limit);
  if (refused || classified.kind !== "write" || limit === undefined)
    return refused ? raise(session, refused) : "passOn";

  const planned = await planAndLock(session, context.signer, mirror, limit, inspection);
  if (planned.kind === "over") return "answered";
  if (planned.kind === "failed") return failed(session, planned);
  if (planned.kind === "refused") return raise(session, planned.error);
  const { plan } = planned;
  const wrong = refusePlan(mirror, classified.verb, plan.rows);
  if (wrong) return raise(session, wrong);
  const rows = plan.rows.map((row) => toSend(mirror, row, classified.columns));
  const sent = rows.filter(({ sends }) => sends);
  // An earlier transaction's call may still be there when this one came in the same batch.
  const earlier = session.openCalls.filter(({ transaction }) => transaction === plan.transaction);
  const unsendable = refuseSecond(mirror, sent, earlier) ?? refuseSent(mirror, sent, limit);
  if (unsendable) return raise(session, unsendable);
  return send(session, context, { mirror, table, inspection, transaction: plan.transaction, rows, sent });
}

interface Ready {
  readonly mirror: Mirror;
  readonly table: ConnectorTable;
  readonly inspection: Inspection;
  readonly transaction: string | null;
  readonly rows: readonly RowToSend[];
  readonly sent: readonly RowToSend[];
}

async function send(session: HeldSession, context: WriteContext, ready: Ready): Promise<Ran> {
  const { mirror, table, inspection, transaction, rows, sent } = ready;
  const [first] = sent;
  if (!first) return apply(session, context, mirror, crypto.randomUUID(), stagedRows(mirror, rows, []), null);
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
  session.noteCall({ call: called.call, transaction, undone: name, api: mirror.api, settled: false });
  return apply(session, context, mirror, called.call, stagedRows(mirror, rows, called.verdict.canonical), name);
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
    session.noteCall({ call, transaction, undone: null, api: mirror.api, settled: done });
  }
  // The connection may be gone: what became of the call is said all the same.
  const said = raised.kind === "failed" ? withoutContext(raised.error) : errorFields(error);
  session.tellError(settled?.blocked === undefined ? said : notMirrored(mirror.api, settled.blocked, said));
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

/** Raises in Postgres, and tells the client what Postgres made of it. */
async function raise(session: HeldSession, error: SqlError): Promise<"answered"> {
  return failed(session, await session.fly([refuseStep(error)], "flush"));
}

function failed(session: HeldSession, flight: { kind: "failed"; error: Fields } | { kind: string }): "answered" {
  if ("error" in flight) session.tellError(withoutContext(flight.error));
  return "answered";
}

/** An error that our own functions raised says nothing of them; empty fields were only there because RAISE takes no NULL. */
function withoutContext(error: Fields): Fields {
  if (error.get("W")?.includes("throughline.") !== true) return error;
  return new Map([...error].filter(([code, value]) => value !== "" && !["W", "F", "L", "R"].includes(code)));
}
