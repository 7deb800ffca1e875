// The outcome of a write to an API, as a whole and for each row.

import type { CleanText } from "../config/clean-text.js";
import type { ProofCall } from "../manifest/call-schema.js";
import type { ReadMeaning } from "../manifest/read-failed.js";
import type { SqlError } from "../postgres/error-catalogue.js";
import type { UpstreamRecord } from "./record.js";

/** A refusal in upstream's words, placed in Postgres's terms. The words are those that src/upstream/words.ts let through. */
export interface UpstreamError {
  readonly sqlstate: string;
  readonly message: CleanText;
  readonly code: CleanText | null;
  /** The mirror's column that is to blame, if upstream named one. */
  readonly column: string | null;
  readonly hint: CleanText | null;
  /** The row of the call that is to blame, counted from 0. */
  readonly row: number | null;
  /** The constraint that the manifest names for this error. */
  readonly constraint: string | null;
  /** The error calls the record gone. That it is, another request has to prove. */
  readonly absent: boolean;
  /** It only says that another row's error is the cause. */
  readonly isConsequence: boolean;
  /** The error does not tell whether a record is gone, so the rows have to be read. */
  readonly ask: boolean;
  /** The call that proves a record of this error gone; null: the table's own list does. */
  readonly proof: ProofCall | null;
  /** What the error means as the answer to a read; null: that reading failed. */
  readonly meaning: ReadMeaning | null;
  readonly status: number | null;
  readonly request: CleanText | null;
  /** What the answer says where the message is not upstream's: a page, a plain text, or what stands behind an error of ours. */
  readonly words: CleanText | null;
}

export type RowResult =
  /** `doubt`: an error of the answer that may be this row's, so that the row is refused if nothing of it has changed. */
  | (UpstreamRecord & { readonly kind: "accepted"; readonly doubt?: UpstreamError })
  | { readonly kind: "refused"; readonly error: UpstreamError }
  | { readonly kind: "absent" }
  /** A 2xx answer does not mention the row. `why`: a sentence on what in the manifest does not fit the answer. */
  | { readonly kind: "unreported"; readonly why?: CleanText | undefined; readonly doubt?: UpstreamError | undefined };

/** The call certainly changed nothing: it was never sent, or it was turned away. */
export type RefusedOutcome = { readonly kind: "unsent" | "refused"; readonly error: UpstreamError };
export type UnknownOutcome = {
  readonly kind: "unknown";
  readonly reason: CleanText;
  readonly status: number | null;
  readonly request: CleanText | null;
};

export type WriteOutcome =
  | RefusedOutcome
  | UnknownOutcome
  | {
      readonly kind: "answered";
      readonly rows: readonly RowResult[];
      readonly status: number;
      readonly request: CleanText | null;
    };

/** An error of ours as the outcome of a request; `status` is that of the answer, if one came. */
export function ownError(
  { sqlstate, words: { message, hint } }: SqlError,
  status: number | null = null,
): UpstreamError {
  return {
    sqlstate,
    message,
    code: null,
    column: null,
    hint: hint ?? null,
    row: null,
    constraint: null,
    absent: false,
    isConsequence: false,
    ask: false,
    proof: null,
    meaning: null,
    status,
    request: null,
    words: null,
  };
}

/** Returns what upstream's support asks for, such as "code E1", "status 400" and "request r1". */
export function circumstancesOf({ code, status, request }: UpstreamError): readonly string[] {
  return [
    ...(code === null ? [] : [`code ${code}`]),
    ...(status === null ? [] : [`status ${status}`]),
    ...(request === null ? [] : [`request ${request}`]),
  ];
}

/** Returns all that upstream says as one sentence, for who gets no DETAIL. */
export function wholeSentence(error: UpstreamError): string {
  const { message, words } = error;
  const said = words === null ? message : `${message}: ${words}`;
  const others = circumstancesOf(error).filter((part) => !said.includes(part));
  return others.length === 0 ? said : `${said} (${others.join(", ")})`;
}

/** Returns an error of ours with what upstream said as it refused. */
export function behindOwn(own: UpstreamError, { code, request, message, words }: UpstreamError): UpstreamError {
  return { ...own, code, request, words: words ?? message };
}

/** Returns the words of a refusal that leaves open what became of the request. */
export function unknownReason({ message, words, code }: UpstreamError, status: number): string {
  const said = words ?? message;
  return `status ${status}: ${said}${code === null || said.includes(code) ? "" : `, code ${code}`}`;
}
