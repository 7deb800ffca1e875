// From a verdict to the error that the client gets. Who speaks comes first: upstream's words after its name, ours after ours.

import { type Fields, recoded } from "../../protocol/fields.js";
import { assertNever } from "../config/assert-never.js";
import { cleanText, textLimits } from "../config/clean-text.js";
import { memberOf } from "../config/member.js";
import type { Mirror } from "../mirror/column.js";
import { uniqueIndexName } from "../mirror/unique-index.js";
import { relayedError, type SqlError } from "../postgres/error-catalogue.js";
import { circumstancesOf, type UpstreamError } from "../upstream/write-outcome.js";
import {
  columnDropped,
  laterCallFailed,
  notApplied,
  otherRecordChanged,
  partlyAccepted,
  rowGone,
  rowStaysHere,
  transactionChangedUpstream,
  unknownOutcome,
} from "./errors/outcome-errors.js";
import type { RowToSend } from "./plan.js";
import type { OpenCall } from "./session-port.js";
import { retold, withoutContext } from "./sql-error.js";
import type { Verdict } from "./verdict.js";

/** One refusal in upstream's own words. `row` is counted from 0, and only told when there were several. */
export function upstreamError(
  mirror: Mirror,
  error: UpstreamError,
  rowsToSend: readonly RowToSend[],
  row: number | null,
): SqlError {
  const at = row ?? error.row;
  const circumstances = [
    ...circumstancesOf(error),
    ...(at === null || rowsToSend.length < 2 ? [] : [`row ${at + 1}`]),
  ].join(", ");
  const detail = [
    ...(circumstances === "" ? [] : [`${circumstances}.`]),
    ...(error.words === null ? [] : [`The answer says "${error.words}".`]),
  ].join(" ");
  const column = error.column ?? (error.sqlstate === "23505" ? uniqueSent(mirror, rowsToSend) : null);
  return relayedError(error, {
    // A cancel is Postgres's own word.
    message: error.sqlstate === "57014" ? error.message : `${mirror.api}: ${error.message}`,
    detail: detail === "" ? undefined : detail,
    hint: error.hint ?? undefined,
    schema: mirror.schema,
    table: mirror.table,
    column: column ?? undefined,
    constraint: error.constraint ?? constraintOf(mirror, error.sqlstate, column),
  });
}

/** As Postgres would have named it. */
function constraintOf(mirror: Mirror, sqlstate: string, column: string | null): string | undefined {
  if (column === null) return undefined;
  if (sqlstate === "23505") return uniqueIndexName(mirror, { name: column });
  return sqlstate === "23503" ? `${mirror.table}_${column}_fkey` : undefined;
}

/** A later one of several calls failed: what came before it stands. An unknown outcome stays one. */
export function progressError(mirror: Mirror, acceptedRows: number, all: number, error: SqlError): SqlError {
  if (error.sqlstate !== "TL007") return laterCallFailed(mirror, acceptedRows, all, error);
  const before = `The first ${acceptedRows} of ${all} rows were accepted before.`;
  return error.withDetail(`${error.detail ?? ""} ${before}`.trim());
}

/** What a verdict that is not plain acceptance tells the client. */
export function verdictError(
  mirror: Mirror,
  call: string,
  rowsToSend: readonly RowToSend[],
  verdict: Verdict,
): SqlError | undefined {
  const first = causeOf(verdict);
  switch (verdict.state) {
    case "unknown":
      return unknownOutcome(mirror, call, verdict.misfit ?? `its answer left out ${rowList(verdict.unreportedRows)}`);
    case "refused":
      return first && upstreamError(mirror, first.error, rowsToSend, first.row);
    case "absent":
      return rowGone(mirror);
    case "partial":
      return partialError(mirror, call, rowsToSend, verdict);
    case "accepted":
      return acceptedError(mirror, call, rowsToSend, verdict);
    default:
      return assertNever(verdict.state);
  }
}

/** Of a call that upstream takes as a whole or not at all, most rows are refused because of another one. */
function causeOf({ refusals }: Verdict): Verdict["refusals"][number] | undefined {
  return refusals.find(({ error }) => !error.isConsequence) ?? refusals[0];
}

/** How many characters the accepted rows and the refused ones have in a detail, behind which the journal's id has to fit. */
const mostAccepted = 4_096;
const mostRefused = 8_192;
/** Less than this of a message says nothing. */
const shortestShare = 60;

function partialError(mirror: Mirror, call: string, rowsToSend: readonly RowToSend[], verdict: Verdict): SqlError {
  // Each row has its share, so that the words of one leave room for all.
  const share = Math.max(shortestShare, Math.floor(mostRefused / (verdict.refusals.length + 1)) - 16);
  const refusals = verdict.refusals.map(({ row, error }) => `row ${row + 1}: ${cleanText(error.message, share)}`);
  const goneRows = verdict.absentRows.map((row) => `row ${row + 1}: gone`);
  const acceptedRows = rowsToSend
    .map((_, row) => row)
    .filter((row) => verdict.canonical[row] && !verdict.absentRows.includes(row));
  return partlyAccepted(mirror, call, {
    accepted: cleanText(rowList(acceptedRows), mostAccepted),
    count: acceptedRows.length,
    all: rowsToSend.length,
    refused: cleanText([...refusals, ...goneRows].join("; "), mostRefused),
    column: causeOf(verdict)?.error.column ?? undefined,
  });
}

/** Every row was accepted, and still it was not what the statement asked for. */
function acceptedError(
  mirror: Mirror,
  call: string,
  rowsToSend: readonly RowToSend[],
  { movedRows: [movedRow], droppedFields: [droppedField], canonical }: Verdict,
): SqlError | undefined {
  if (movedRow !== undefined) {
    const shown = (key: string | null | undefined) => cleanText(String(key), textLimits.word);
    const keys = `now ${shown(canonical[movedRow]?.key)}, was ${shown(rowsToSend[movedRow]?.plannedRow.key)}`;
    return otherRecordChanged(mirror, `row ${movedRow + 1}, ${keys}, journal ${call}.`);
  }
  if (!droppedField) return undefined;
  const { column, row } = droppedField;
  const isCleared = memberOf(rowsToSend[row]?.values, column.name) === null;
  return columnDropped(mirror, column, `row ${row + 1}, journal ${call}.`, isCleared);
}

function rowList(rows: readonly number[]): string {
  return rows.length === 0 ? "none" : `${rows.length === 1 ? "row" : "rows"} ${rows.map((row) => row + 1).join(", ")}`;
}

/** A duplicate can only be in a unique column that was sent; when there is one, it is that. */
function uniqueSent(mirror: Mirror, rowsToSend: readonly RowToSend[]): string | null {
  const candidates = mirror.columns.filter(
    ({ name, unique }) => unique && rowsToSend.some((row) => memberOf(row.values, name) != null),
  );
  return candidates.length === 1 ? (candidates[0]?.name ?? null) : null;
}

/** After acceptance nothing may look as if it could be repeated. `accepted`: such as `crm.contacts 512`. */
export function notAppliedError(api: string, acceptedRows: string, error: Fields): Fields {
  return retold(withoutContext(error), notApplied(api, acceptedRows, originalOf(error)));
}

/** Code and message of the error that stands behind one of ours. */
function originalOf(error: Fields): string {
  return `${error.get("C") ?? ""}: ${error.get("M") ?? ""}`;
}

/** Any later error of the transaction that invites to repeat it: class 40, and what ends the session. */
export function afterAcceptance(calls: readonly OpenCall[], error: Fields): Fields {
  const code = error.get("C") ?? "";
  const call = calls.find(({ change }) => change !== null);
  if (!call || call.change === null || code.startsWith("TL")) return error;
  if (!code.startsWith("40") && !endsSession(error)) return error;
  if (!call.isReported) return notAppliedError(call.api, call.change, error);
  return retold(error, transactionChangedUpstream(call.api, call.change, originalOf(error)));
}

/** Whether Postgres ends the session with this error. */
export function endsSession(error: Fields): boolean {
  return error.get("V") === "FATAL" || error.get("V") === "PANIC";
}

/** The same error with what has become of the mirror, when it is not as upstream has it. `blocked`: what Postgres said. */
export function withMirror(api: string, error: Fields, blockedBy: string | undefined): Fields {
  const code = error.get("C") ?? "";
  if (blockedBy !== undefined && code.startsWith("40")) {
    return retold(error, rowStaysHere(api, blockedBy));
  }
  if (code !== "TL001" && code !== "42501") return error;
  const mirror =
    blockedBy === undefined
      ? "What was accepted is in the mirror, or will be when this transaction has ended."
      : `What was accepted is not in the mirror: ${blockedBy}.`;
  return recoded(error, { D: `${error.get("D") ?? ""} ${mirror}`.trim() });
}
