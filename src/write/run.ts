// One statement that writes to a mirror, from the held client to its answer (design, section 3). Each step is one line here.

import { createHash } from "node:crypto";
import type { Pool } from "pg";
import type { Logger } from "pino";
import type { Fields } from "../../protocol/fields.js";
import type { ConnectorTable } from "../connector/table.js";
import { closeEntries, settle } from "../journal/settle.js";
import type { Mirror } from "../mirror/column.js";
import type { Signer } from "../postgres/mac.js";
import { callUpstream } from "./call.js";
import type { SqlError } from "./error.js";
import type { HeldSession } from "./held.js";
import {
  applySteps,
  type Inspection,
  inspectStep,
  lockStep,
  planSteps,
  readInspection,
  refuseStep,
} from "./injected.js";
import { type PlannedRow, type RowToSend, readLocked, readPlanned, stillPlanned, toSend } from "./planned.js";
import { notApplied } from "./raise.js";
import { refusePlan, refuseSecond, refuseSent, refuseSession } from "./refuse.js";
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
/** How often a statement is planned when its rows change under it. */
const planAttempts = 3;

export async function runWrite(session: HeldSession, context: WriteContext): Promise<Ran> {
  const { classified } = session;
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

  const planned = await planAndLock(session, context, mirror, limit, inspection);
  if (planned === "answered") return "answered";
  const wrong = refusePlan(mirror, classified.verb, planned);
  if (wrong) return raise(session, wrong);
  const rows = planned.map((row) => toSend(mirror, row, classified.columns));
  const sent = rows.filter(({ sends }) => sends);
  const unsendable = refuseSecond(mirror, sent, session.openCalls) ?? refuseSent(mirror, sent, limit);
  if (unsendable) return raise(session, unsendable);
  return send(session, context, { mirror, table, inspection, rows, sent });
}

interface Ready {
  readonly mirror: Mirror;
  readonly table: ConnectorTable;
  readonly inspection: Inspection;
  readonly rows: readonly RowToSend[];
  readonly sent: readonly RowToSend[];
}

/** Plans the statement and locks what it would change; rows that changed in between are planned again. */
async function planAndLock(
  session: HeldSession,
  { signer }: WriteContext,
  mirror: Mirror,
  limit: number,
  { quiet, deferrable }: Inspection,
): Promise<readonly PlannedRow[] | "answered"> {
  const call = crypto.randomUUID();
  for (let attempt = 1; attempt <= planAttempts; attempt += 1) {
    const first = attempt === 1;
    const opening = first
      ? [...session.begin(quiet), ...(session.simple ? [{ kind: "prepareQuery" } as const] : [])]
      : [];
    // In a transaction of the client's own, its earlier rows are not ours to check.
    const constraints = session.begun ? "all" : deferrable;
    const steps = planSteps(signer, session.processId, call, limit, constraints);
    const flight = await session.fly([...opening, ...steps], "flush");
    if (flight.kind !== "landed") return failed(session, flight);
    const planned = readPlanned(mirror, flight.rows.at(-3) ?? []);
    const keys = planned.flatMap(({ key }) => (key === null ? [] : [key]));
    if (keys.length === 0) return planned;
    const forDelete = planned.some(({ verb }) => verb === "delete");
    const lock = await session.fly([lockStep(signer, session.processId, mirror.id, keys, forDelete)], "flush");
    if (lock.kind !== "landed") return failed(session, lock);
    if (stillPlanned(planned, readLocked(lock.rows[0] ?? []))) return planned;
  }
  return raise(session, {
    sqlstate: "40001",
    message: `throughline: rows of "${mirror.schema}"."${mirror.table}" changed ${planAttempts} times while the statement was planned`,
    hint: "Nothing was sent. Run the statement again.",
    schema: mirror.schema,
    table: mirror.table,
  });
}

async function send(session: HeldSession, context: WriteContext, ready: Ready): Promise<Ran> {
  const { mirror, table, inspection, rows, sent } = ready;
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
  if (called.kind === "raise") {
    // In the client's session first, which frees its locks; then on our own connection; then the client is told.
    const raised = await session.fly([refuseStep(called.error)], "flush");
    if (called.changed) {
      const [settled] = await settle(context.pool, [called.call]).catch(() => []);
      if (settled?.state === "repaired") await closeEntries(context.pool, [called.call]);
      session.noteCall({
        call: called.call,
        undone: null,
        api: mirror.api,
        settled: settled !== undefined && settled.state !== "waiting",
      });
    }
    if (raised.kind === "failed") session.tellError(withoutContext(raised.error));
    return "answered";
  }
  const keys = called.verdict.canonical.flatMap((row) => (row ? [row.key] : []));
  const more = keys.length > shownKeys ? ` and ${keys.length - shownKeys} more` : "";
  const name = `${mirror.schema}.${mirror.table} ${keys.slice(0, shownKeys).join(", ")}${more}`;
  session.noteCall({ call: called.call, undone: name, api: mirror.api, settled: false });
  return apply(session, context, mirror, called.call, stagedRows(mirror, rows, called.verdict.canonical), name);
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
