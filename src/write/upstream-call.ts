// The one upstream call of a statement: noted, made, completed by reading what its answer left out, judged, noted again.

import { randomUUID } from "node:crypto";
import type { Pool } from "pg";
import type { Logger } from "pino";
import { assertNever } from "../config/assert-never.js";
import { memberOf } from "../config/member.js";
import { inSlices } from "../config/slices.js";
import { CallEntry } from "../journal/entry.js";
import type { CanonicalRow, Intent, Outcome } from "../journal/journal.js";
import { ReadFailed } from "../manifest/read-failed.js";
import type { Mirror } from "../mirror/column.js";
import type { Metrics } from "../observe/metrics.js";
import type { SqlError } from "../postgres/error-catalogue.js";
import { gateRefused, type SendGate } from "../upstream/admission.js";
import type { ConnectorTable, Sending, Verb } from "../upstream/table.js";
import type { RowResult, WriteOutcome } from "../upstream/write-outcome.js";
import { upstreamError, verdictError } from "./client-errors.js";
import { callNotMade, justMigrated, unknownOutcome } from "./errors/outcome-errors.js";
import type { RowToSend } from "./plan.js";
import { judge, type Verdict } from "./verdict.js";

export interface CallContext {
  readonly pool: Pool;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly mirror: Mirror;
  readonly table: ConnectorTable;
  readonly verb: Verb;
  readonly proxy: string;
  readonly sending: Sending;
  readonly by: Pick<Intent, "role" | "application" | "clientAddress" | "statementHash">;
  /** Nobody is there any more for whom it would be made. */
  isClientGone(): Promise<boolean>;
}

export type CallResult =
  /** Upstream accepted every row. */
  | { readonly kind: "accepted"; readonly call: string; readonly verdict: Verdict }
  /** The client gets an error; `changed`: upstream has, or may have, changed something all the same. */
  | { readonly kind: "raise"; readonly call: string; readonly error: SqlError; readonly changed: boolean };

export async function callUpstream(context: CallContext, rowsToSend: readonly RowToSend[]): Promise<CallResult> {
  const { pool, mirror, table, verb } = context;
  const call = randomUUID();
  const request = rowsToSend.map(({ key, plannedRow, values: columns }) => {
    const before = Object.keys(columns).map((name) => [name, memberOf(plannedRow.before, name) ?? null]);
    return { key, sent: columns, before: Object.fromEntries(before) };
  });
  const idempotencyKey = table.repeatableMs(verb, rowsToSend.length) > 0 ? call : null;
  const entry = new CallEntry(pool, {
    ...context.by,
    call,
    proxy: context.proxy,
    mirror,
    api: mirror.api,
    table: `${mirror.schema}.${mirror.table}`,
    verb,
    keys: request.flatMap(({ key }) => (key === null ? [] : [key])),
    idempotencyKey,
    request,
  });
  const beginsMs = performance.now();
  const ends = async (outcome: Outcome) => {
    const noted = await entry.noteOutcome(outcome);
    context.metrics.call(mirror.api, verb, outcome.state, performance.now() - beginsMs);
    // What was never sent stays unsent, whatever somebody else thought of it.
    if (!noted && outcome.state !== "unsent") throw new Error(`somebody else has decided what became of call ${call}`);
  };
  try {
    const gate: SendGate = {
      onWait: () => entry.onWait(),
      onSend: async () => !(await context.isClientGone()) && entry.onSend(),
    };
    const sending = { ...context.sending, gate, idempotencyKey };
    const ending = await table.write(verb, mirror.columns, request, sending);
    if (ending.kind === "answered") return await judgeAnswer(context, call, ends, rowsToSend, ending);
    const error = endingError(mirror, call, entry, rowsToSend, ending);
    const { status, request: requestId } = ending.kind === "unknown" ? ending : ending.error;
    const { sqlstate } = error;
    await ends({ state: ending.kind, rows: [], status, request: requestId, sqlstate });
    return { kind: "raise", call, error, changed: ending.kind === "unknown" };
  } catch (err) {
    context.log.error({ err, call }, "a call's outcome could not be told");
    if (!entry.exists) return { kind: "raise", call, error: callNotMade(mirror), changed: false };
    // Whatever went wrong on our side: the request may have been made.
    return { kind: "raise", call, error: unknownOutcome(mirror, call, "an internal error"), changed: true };
  }
}

function endingError(
  mirror: Mirror,
  call: string,
  { exists: noted }: CallEntry,
  rowsToSend: readonly RowToSend[],
  ending: Exclude<WriteOutcome, { kind: "answered" }>,
): SqlError {
  if (ending.kind === "unknown") return unknownOutcome(mirror, call, ending.reason);
  // The one reason why an entry is not made; other reasons to send nothing come before one is tried.
  return !noted && ending.error === gateRefused
    ? justMigrated(mirror)
    : upstreamError(mirror, ending.error, rowsToSend, null);
}

async function judgeAnswer(
  { mirror, table, verb }: CallContext,
  call: string,
  ends: (outcome: Outcome) => Promise<void>,
  rowsToSend: readonly RowToSend[],
  ending: Extract<WriteOutcome, { kind: "answered" }>,
): Promise<CallResult> {
  const results = verb === "delete" ? ending.rows : await completeRows(table, mirror, rowsToSend, ending.rows);
  const verdict = await inSlices(judge(mirror, verb, rowsToSend, results, table));
  const error = verdictError(mirror, call, rowsToSend, verdict);
  await ends({
    state: verdict.state,
    rows: lastOfEach([...verdict.mergedRows, ...verdict.canonical.filter((row) => row !== null)]),
    status: ending.status,
    request: ending.request,
    sqlstate: error?.sqlstate ?? null,
  });
  if (!error) return { kind: "accepted", call, verdict };
  return { kind: "raise", call, error, changed: verdict.state !== "refused" };
}

/** An answer may name a record twice, as the record that two rows have become: what it said last counts. */
function lastOfEach(rows: readonly CanonicalRow[]): readonly CanonicalRow[] {
  return [...new Map(rows.map((row) => [row.key, row])).values()];
}

/** The key under which a row has to be read; null where the answer says all that there is to know. */
function keyToRead({ columns }: Mirror, result: RowResult, rowsToSend: RowToSend | undefined): string | null {
  switch (result.kind) {
    case "accepted":
      return columns.some(({ name }) => memberOf(result.row, name) === undefined) ? result.key : null;
    case "unreported":
      return rowsToSend?.plannedRow.key ?? null;
    case "refused":
    case "absent":
      return null;
    default:
      return assertNever(result);
  }
}

/**
 * Reads the rows that the answer leaves out, in part or altogether: an answer rarely holds every column.
 * When that fails, what was reported stands, and the rest is as it was planned until the next pull.
 */
async function completeRows(
  table: ConnectorTable,
  mirror: Mirror,
  rowsToSend: readonly RowToSend[],
  results: readonly RowResult[],
): Promise<readonly RowResult[]> {
  const keys = results.map((result, index) => keyToRead(mirror, result, rowsToSend[index]));
  const keysToRead = keys.filter((key) => key !== null);
  if (keysToRead.length === 0) return results;
  try {
    const records = await table.getNow(mirror.columns, keysToRead);
    const [only] = records;
    // Of one row, what comes is it, under whichever key.
    if (only && records.length === 1 && results.length === 1) return [{ kind: "accepted", ...only }];
    const found = new Map(records.map((record) => [record.key, record]));
    return results.map((result, index): RowResult => {
      const key = keys[index] ?? null;
      const record = key === null ? undefined : found.get(key);
      if (key === null || (record === undefined && result.kind === "accepted")) return result;
      if (record === undefined) return { kind: "absent" };
      return {
        kind: "accepted",
        ...record,
        ...(result.kind === "unreported" && result.doubt ? { doubt: result.doubt } : {}),
      };
    });
  } catch (cause) {
    if (cause instanceof ReadFailed) return results;
    throw cause;
  }
}
