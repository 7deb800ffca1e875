// Sends what a statement plans, and applies what upstream made of it.

import { createHash } from "node:crypto";
import type { Pool } from "pg";
import type { Logger } from "pino";
import type { CanonicalRow } from "../journal/journal.js";
import { closeEntries, settle } from "../journal/settle.js";
import type { Mirror, MirrorColumn } from "../mirror/column.js";
import type { Metrics } from "../observe/metrics.js";
import type { Signer } from "../postgres/mac.js";
import type { ConnectorTable, Verb } from "../upstream/table.js";
import { type CallResult, callUpstream } from "./call.js";
import { notAppliedError, progressError, withMirror } from "./client-errors.js";
import { applySteps, type Inspection, refuseStep } from "./injected-statements.js";
import type { Plan, RowToSend } from "./plan.js";
import type { WriteSession } from "./session-port.js";
import { errorFields, withoutContext } from "./sql-error.js";
import { stagedRows } from "./staged.js";

export interface SendContext {
  readonly pool: Pool;
  readonly signer: Signer;
  readonly log: Logger;
  readonly metrics: Metrics;
}

export interface ReadyWrite {
  readonly mirror: Mirror;
  readonly table: ConnectorTable;
  readonly inspection: Inspection;
  readonly plan: Plan;
  readonly verb: Verb;
  /** What tells which rows of an upsert are new. */
  readonly by: MirrorColumn | undefined;
  readonly rows: readonly RowToSend[];
  readonly sent: readonly RowToSend[];
  /** How many rows one call takes. */
  readonly limit: number;
}

/** How many keys a message names. */
const shownKeys = 10;

/** One call; with `throughline.chunk = on` as many as it takes, each noted by itself, up to the first that fails. */
export async function send(session: WriteSession, context: SendContext, ready: ReadyWrite): Promise<"answered"> {
  const { mirror, table, inspection, plan, verb, by, sent, limit } = ready;
  const { transaction } = plan;
  const canonical: (CanonicalRow | null)[] = [];
  const calls: string[] = [];
  const accepted: string[] = [];
  for (let at = 0; at < sent.length; at += limit) {
    // No call is begun for a session that is gone.
    if (at > 0 && session.over) return "answered";
    const portion = sent.slice(at, at + limit);
    const called = await session.interruptibly((signal) =>
      callUpstream(
        {
          pool: context.pool,
          log: context.log,
          metrics: context.metrics,
          mirror,
          table,
          verb,
          proxy: context.signer.proxy,
          sending: { waitMs: inspection.statementTimeoutMs, signal, by },
          by: {
            role: inspection.role,
            application: inspection.application,
            clientAddress: session.clientAddress,
            statementHash: createHash("sha256").update(session.text).digest("hex"),
          },
          gone: () => session.over,
        },
        portion,
      ),
    );
    if (called.kind === "raise") {
      const error = at === 0 ? called.error : progressError(mirror, at, sent.length, called.error);
      return tellRaised(session, context, mirror, transaction, { ...called, error });
    }
    canonical.push(...called.verdict.canonical);
    calls.push(called.call);
    const keys = called.verdict.canonical.flatMap((row) => (row ? [row.key] : []));
    accepted.push(...keys);
    session.noteCall({
      call: called.call,
      transaction,
      changed: named(mirror, keys),
      mirror: mirror.id,
      told: false,
      api: mirror.api,
      settled: false,
    });
  }
  return apply(session, context, ready, canonical, calls, calls.length > 0 ? named(mirror, accepted) : null);
}

/** Such as `crm.contacts 512`. */
function named(mirror: Mirror, keys: readonly string[]): string {
  const more = keys.length > shownKeys ? ` and ${keys.length - shownKeys} more` : "";
  return `${mirror.schema}.${mirror.table} ${keys.slice(0, shownKeys).join(", ")}${more}`;
}

/** In the client's session first, which frees its locks; then on our own connection; then the client is told. */
async function tellRaised(
  session: WriteSession,
  { pool }: SendContext,
  mirror: Mirror,
  transaction: string | null,
  { call, error, changed }: Extract<CallResult, { kind: "raise" }>,
): Promise<"answered"> {
  const raised = await session.fly([refuseStep(error)], "flush");
  const [settled] = changed ? await settle(pool, [call]).catch(() => []) : [];
  // What can't be closed now, recovery closes.
  if (settled?.state === "repaired") await closeEntries(pool, [call]).catch(() => undefined);
  if (changed) {
    const done = settled !== undefined && settled.state !== "waiting";
    // What is gone may be asked for again.
    const what = error.sqlstate.startsWith("40") ? null : `${mirror.schema}.${mirror.table} (journal ${call})`;
    session.noteCall({
      call,
      transaction,
      changed: what,
      mirror: mirror.id,
      told: true,
      api: mirror.api,
      settled: done,
    });
  }
  // The connection may be gone, or a cancel may have come in between: what became of the call is said all the same.
  const isSaid = raised.kind === "failed" && raised.error.get("C") === error.sqlstate;
  const said = isSaid ? withoutContext(raised.error) : errorFields(error);
  session.tellError(changed ? withMirror(mirror.api, said, settled?.blocked) : said);
  return "answered";
}

/** `accepted`: what upstream has accepted; null when nothing was sent. */
async function apply(
  session: WriteSession,
  { signer }: SendContext,
  { mirror, rows, plan }: ReadyWrite,
  canonical: readonly (CanonicalRow | null)[],
  calls: readonly string[],
  accepted: string | null,
): Promise<"answered"> {
  const staged = stagedRows(mirror, rows, plan.conflicts, canonical);
  const steps = applySteps(signer, session.processId, { mirror: mirror.id, staged, calls });
  const flight = await session.fly(steps, "flush");
  if (flight.kind === "landed") session.tellCompletion();
  else if (flight.kind === "failed") {
    session.tellError(
      accepted === null ? withoutContext(flight.error) : notAppliedError(mirror.api, accepted, flight.error),
    );
  }
  return "answered";
}
