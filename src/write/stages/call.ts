// Eighth stage: the upstream call. Of a statement that changes nothing upstream, none is made.

import { createHash } from "node:crypto";
import { cleanText, textLimits } from "../../config/clean-text.js";
import type { CanonicalRow } from "../../journal/journal.js";
import { closeEntries, settle } from "../../journal/settle.js";
import type { Mirror } from "../../mirror/column.js";
import { progressError, withMirror } from "../client-errors.js";
import { refuseStep } from "../injected-statements.js";
import type { RowToSend } from "../plan.js";
import { errorFields } from "../sql-error.js";
import type { CalledStatement, CheckedStatement, WriteResult } from "../statement.js";
import { type CallResult, callUpstream } from "../upstream-call.js";

/** How many keys a message names. */
const shownKeys = 10;

/** One call; with `throughline.chunk = on` as many as it takes, each noted by itself, up to the first that fails. */
export async function call(statement: CheckedStatement): Promise<CalledStatement | WriteResult> {
  const { session, mirror, plan, rowsToSend, limit } = statement;
  const canonical: (CanonicalRow | null)[] = [];
  const calls: string[] = [];
  for (let at = 0; at < rowsToSend.length; at += limit) {
    // No call is begun for a session that is gone.
    if (at > 0 && session.isOver) return "answered";
    const result = await callPortion(statement, rowsToSend.slice(at, at + limit));
    if (result.kind === "raise") {
      const error = at === 0 ? result.error : progressError(mirror, at, rowsToSend.length, result.error);
      return tellRaised(statement, { ...result, error });
    }
    canonical.push(...result.verdict.canonical);
    calls.push(result.call);
    session.noteCall({
      call: result.call,
      transaction: plan.transaction,
      change: shownRows(mirror, result.verdict.canonical),
      mirror: mirror.id,
      isReported: false,
      api: mirror.api,
      isSettled: false,
    });
  }
  return { ...statement, canonical, calls, accepted: calls.length > 0 ? shownRows(mirror, canonical) : null };
}

function callPortion(statement: CheckedStatement, portion: readonly RowToSend[]): Promise<CallResult> {
  const { session, context, inspection, mirror, table, verb, by } = statement;
  return session.interruptibly((signal) =>
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
          statementHash: createHash("sha256").update(session.text.bytes).digest("hex"),
        },
        isClientGone: () => session.isClientGone(),
      },
      portion,
    ),
  );
}

/** Such as `crm.contacts 512`. */
function shownRows({ schema, table }: Mirror, rows: readonly (CanonicalRow | null)[]): string {
  const keys = rows.flatMap((row) => (row ? [cleanText(row.key, textLimits.word)] : []));
  const more = keys.length > shownKeys ? ` and ${keys.length - shownKeys} more` : "";
  return `${schema}.${table} ${keys.slice(0, shownKeys).join(", ")}${more}`;
}

/** In the client's session first, which frees its locks; then on our own connection; then the client is told. */
async function tellRaised(
  { session, context: { pool }, mirror, plan }: CheckedStatement,
  { call, error, changed: mayHaveChanged }: Extract<CallResult, { kind: "raise" }>,
): Promise<"answered"> {
  const flight = await session.fly([refuseStep(session.signer, error)], "flush");
  const [settlement] = mayHaveChanged ? await settle(pool, [call]).catch(() => []) : [];
  // What can't be closed now, recovery closes.
  if (settlement?.state === "repaired") await closeEntries(pool, [call]).catch(() => undefined);
  if (mayHaveChanged) {
    session.noteCall({
      call,
      transaction: plan.transaction,
      // A row that is gone may be asked for again.
      change: error.sqlstate.startsWith("40") ? null : `${mirror.schema}.${mirror.table} (journal ${call})`,
      mirror: mirror.id,
      isReported: true,
      api: mirror.api,
      isSettled: settlement !== undefined && settlement.state !== "waiting",
    });
  }
  // The connection may be gone, or a cancel may have come in between: what became of the call is said all the same.
  const isSaid = flight.kind === "failed" && flight.error.get("C") === error.sqlstate;
  const words = isSaid ? flight.error : errorFields(error);
  session.tellError(mayHaveChanged ? withMirror(mirror.api, words, settlement?.refusal) : words);
  return "answered";
}
