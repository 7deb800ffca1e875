// From a verdict to the error that the client gets. Who speaks comes first: upstream's words after its name, ours after ours.

import { type Fields, recoded } from "../../protocol/fields.js";
import type { Mirror } from "../mirror/column.js";
import type { UpstreamError } from "../upstream/write-outcome.js";
import type { RowToSend } from "./plan.js";
import type { OpenCall } from "./session-port.js";
import { type SqlError, withoutContext } from "./sql-error.js";
import type { Verdict } from "./verdict.js";

/** One refusal in upstream's own words. `row` is counted from 0, and only told when there were several. */
export function upstreamError(
  mirror: Mirror,
  error: UpstreamError,
  sent: readonly RowToSend[],
  row: number | null,
): SqlError {
  const at = row ?? error.row;
  const detail = [
    error.code === null ? "" : `code ${error.code}`,
    error.status === null ? "" : `status ${error.status}`,
    error.request === null ? "" : `request ${error.request}`,
    at === null || sent.length < 2 ? "" : `row ${at + 1}`,
  ].filter((part) => part !== "");
  const column = error.column ?? (error.sqlstate === "23505" ? uniqueSent(mirror, sent) : null);
  return {
    sqlstate: error.sqlstate,
    // A cancel is Postgres's own word.
    message: error.sqlstate === "57014" ? error.message : `${mirror.api}: ${error.message}`,
    detail: detail.length > 0 ? `${detail.join(", ")}.` : undefined,
    hint: error.hint ?? undefined,
    schema: mirror.schema,
    table: mirror.table,
    column: column ?? undefined,
    constraint: error.constraint ?? constraintOf(mirror, error.sqlstate, column),
  };
}

/** As Postgres would have named it. */
function constraintOf({ table }: Mirror, sqlstate: string, column: string | null): string | undefined {
  if (column === null) return undefined;
  return sqlstate === "23505" ? `${table}_${column}_key` : sqlstate === "23503" ? `${table}_${column}_fkey` : undefined;
}

export function unknownError(mirror: Mirror, call: string, reason: string): SqlError {
  return {
    sqlstate: "TL007",
    message: `${mirror.api}: nobody knows whether the change was made (${reason})`,
    detail: `journal ${call}`,
    hint: `Do not repeat it before the journal entry is closed: what became of it is being found out ("throughline journal show ${call}").`,
    schema: mirror.schema,
    table: mirror.table,
  };
}

/** A later one of several calls failed: what came before it stands. */
export function progressError(mirror: Mirror, accepted: number, all: number, error: SqlError): SqlError {
  const before = `The first ${accepted} of ${all} rows were accepted before.`;
  // Not to know stays what it is.
  if (error.sqlstate === "TL007") return { ...error, detail: `${error.detail ?? ""} ${before}`.trim() };
  return {
    ...error,
    sqlstate: "TL001",
    message: `${mirror.api}: the first ${accepted} of ${all} rows were accepted, then a call failed`,
    detail: `${error.sqlstate}: ${error.message}${error.detail === undefined ? "" : ` (${error.detail})`}.`,
    hint: `Repeat only the rows that were not accepted. ${error.hint ?? ""}`.trim(),
  };
}

/** What a verdict that is not plain acceptance tells the client. */
export function verdictError(
  mirror: Mirror,
  call: string,
  sent: readonly RowToSend[],
  verdict: Verdict,
): SqlError | undefined {
  const at = { schema: mirror.schema, table: mirror.table };
  const [first] = verdict.refused;
  const [dropped] = verdict.dropped;
  const [moved] = verdict.moved;
  switch (verdict.state) {
    case "unknown":
      return unknownError(mirror, call, `its answer left out ${rowList(verdict.unreported)}`);
    case "refused":
      return first && upstreamError(mirror, first.error, sent, first.row);
    case "absent":
      return {
        ...at,
        sqlstate: "40001",
        message: `${mirror.api}: the row is gone, and the mirror has been told`,
        hint: "Run the statement again: it will not find the row.",
      };
    case "partial": {
      const words = verdict.refused.map(({ row, error }) => `row ${row + 1}: ${error.message}`);
      const gone = verdict.absent.map((row) => `row ${row + 1}: gone`);
      const accepted = sent
        .map((_, row) => row)
        .filter((row) => verdict.canonical[row] && !verdict.absent.includes(row));
      return {
        ...at,
        sqlstate: "TL001",
        message: `${mirror.api}: ${accepted.length} of ${sent.length} rows were accepted`,
        detail: `Accepted: ${rowList(accepted)}. Not accepted: ${[...words, ...gone].join("; ")}. journal ${call}.`,
        hint: "Repeat only the rows that were not accepted.",
        column: first?.error.column ?? undefined,
      };
    }
    case "accepted":
      if (moved !== undefined) {
        return {
          ...at,
          sqlstate: "TL002",
          message: `${mirror.api}: accepted upstream, and another record was changed than the one here; do not repeat`,
          detail: `row ${moved + 1}, now ${verdict.canonical[moved]?.key}, was ${sent[moved]?.planned.key}, journal ${call}.`,
          hint: `The mirror was behind. Run "throughline pull ${mirror.api}.${mirror.resource}".`,
        };
      }
      return dropped
        ? {
            ...at,
            sqlstate: "42501",
            message: `${mirror.api}: column "${dropped.column.name}" was sent and left as it was`,
            detail: `row ${dropped.row + 1}, journal ${call}.`,
            hint: `The account may not change it. Do not repeat the statement with the other columns: they are set.`,
            column: dropped.column.name,
          }
        : undefined;
  }
}

function rowList(rows: readonly number[]): string {
  return rows.length === 0 ? "none" : `${rows.length === 1 ? "row" : "rows"} ${rows.map((row) => row + 1).join(", ")}`;
}

/** A duplicate can only be in a unique column that was sent; when there is one, it is that. */
function uniqueSent(mirror: Mirror, sent: readonly RowToSend[]): string | null {
  const candidates = mirror.columns.filter(({ name, unique }) => unique && sent.some((row) => row.sent[name] != null));
  return candidates.length === 1 ? (candidates[0]?.name ?? null) : null;
}

/** After acceptance nothing may look as if it could be repeated. `accepted`: such as `crm.contacts 512`. */
export function notAppliedError(api: string, accepted: string, error: Fields): Fields {
  return recoded(withoutContext(error), {
    C: "TL002",
    M: `${api}: accepted upstream (${accepted}), not applied here; do not repeat`,
    D: `${error.get("C") ?? ""}: ${error.get("M") ?? ""}`,
    H: "The change stands upstream. The mirror gets it when this transaction has ended.",
  });
}

/** Any later error of the transaction that invites to repeat it: class 40, and what ends the session. */
export function afterAcceptance(calls: readonly OpenCall[], error: Fields): Fields {
  const code = error.get("C") ?? "";
  const call = calls.find(({ changed }) => changed !== null);
  if (!call || call.changed === null || code.startsWith("TL")) return error;
  if (!code.startsWith("40") && !endsSession(error)) return error;
  if (!call.told) return notAppliedError(call.api, call.changed, error);
  return recoded(error, {
    C: "TL002",
    M: `${call.api}: this transaction has changed, or may have changed, ${call.changed} upstream; do not repeat`,
    D: `${code}: ${error.get("M") ?? ""}`,
    H: "What became of the call was said when it was made; the journal has it.",
  });
}

export function endsSession(error: Fields): boolean {
  return error.get("V") === "FATAL" || error.get("V") === "PANIC";
}

/** The same error with what has become of the mirror, when it is not as upstream has it. `blocked`: what Postgres said. */
export function withMirror(api: string, error: Fields, blocked: string | undefined): Fields {
  const code = error.get("C") ?? "";
  if (blocked !== undefined && code.startsWith("40")) {
    return recoded(error, {
      C: "TL002",
      M: `${api}: the row is gone upstream, and stays here because Postgres refuses to delete it; do not repeat`,
      D: blocked,
      H: "Remove what refers to the row, then DELETE it here. The journal entry stays open until then.",
    });
  }
  if (code !== "TL001" && code !== "42501") return error;
  const mirror =
    blocked === undefined
      ? "What was accepted is in the mirror, or will be when this transaction has ended."
      : `What was accepted is not in the mirror: ${blocked}.`;
  return recoded(error, { D: `${error.get("D") ?? ""} ${mirror}`.trim() });
}
