// Turns a refusal into errors in Postgres's terms, by the manifest's rules first and by the HTTP status otherwise.

import type { CleanText } from "../config/clean-text.js";
import { isRecord } from "../config/json.js";
import type { ErrorAddresses, ErrorRule } from "../manifest/error-schema.js";
import type { CheckedHooks } from "../manifest/hooks.js";
import { lookUp } from "../manifest/pointer.js";
import { type Places, scalarAt, type WordReader, wordReader } from "./words.js";
import type { UpstreamError } from "./write-outcome.js";

/** Returns the mirror's name of a column that upstream names, by its own name or its label; null when there is none. */
export type ColumnOf = (name: string) => string | null;

export interface ErrorContext {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: unknown;
  readonly columnOf: ColumnOf;
  readonly hooks?: CheckedHooks | undefined;
  /** The secrets that we send, which upstream's message may repeat and ours must not show. */
  readonly secrets?: readonly string[] | undefined;
}

type Verdict = UpstreamError & { readonly unknown: boolean; readonly retry: boolean };

/** So many errors of one answer are looked at. */
const mostErrors = 1_000;

/** Returns the error of a refusal: the first of its list that the manifest does not skip as a consequence of another, or else the first. */
export function readRefusal(addresses: ErrorAddresses, context: ErrorContext): Verdict {
  const list = addresses.list === undefined ? undefined : lookUp(context.body, addresses.list);
  const errors: readonly unknown[] =
    Array.isArray(list) && list.length > 0 ? list.slice(0, mostErrors) : [context.body];
  let first: ClassifiedError | undefined;
  for (const error of errors) {
    const classified = classify(addresses, error, context);
    if (classified.rule?.skip !== true) return verdictOf(addresses, classified, context);
    first ??= classified;
  }
  return verdictOf(addresses, first ?? classify(addresses, context.body, context), context);
}

/** Returns one error: an entry of the answer's error list, or its whole body. */
export function readError(addresses: ErrorAddresses, error: unknown, context: ErrorContext): Verdict {
  return verdictOf(addresses, classify(addresses, error, context), context);
}

/** One error of an answer with its words, and the rule that fits it. */
interface ClassifiedError {
  readonly error: unknown;
  readonly reader: WordReader;
  readonly codes: readonly CleanText[];
  readonly message: CleanText;
  readonly rule: ErrorRule | undefined;
}

/** The words are cut before a rule sees them, so that no regular expression of a manifest runs over a long text. */
function classify(addresses: ErrorAddresses, error: unknown, context: ErrorContext): ClassifiedError {
  const { status, body, hooks, secrets = [] } = context;
  const reader = wordReader(secrets);
  const places: Places = [error, body];
  const codes = addresses.code.flatMap((at) => places.map((place) => reader.wordAt([place], [at]))).filter(isText);
  // Some APIs answer an error as a plain text.
  const text = typeof error === "string" ? reader.sentence(error) : reader.sentenceAt(places, addresses.message);
  const message = text || reader.sentence(`status ${status}`);
  const rule =
    hooks?.classifyError(error, { status, body }) ??
    addresses.rules.find((one) => matches(one, status, codes, message, [error, body]));
  return { error, reader, codes, message, rule };
}

function verdictOf(
  addresses: ErrorAddresses,
  { error, reader, codes, message, rule }: ClassifiedError,
  { status, body, headers, columnOf }: ErrorContext,
): Verdict {
  const groups = rule?.message?.exec(message)?.groups ?? {};
  const upstreamColumn = groups["column"] ?? groups["label"] ?? reader.wordAt([error, body], addresses.column);
  const row = reader.wordAt([error, body], addresses.row);
  const hint = rule?.hint?.replaceAll(/\{(\w+)\}/g, (_, name: string) => groups[name] ?? "");
  const fallback = byStatus(status, isBody(body));
  const outcome = rule?.outcome ?? (rule?.raise === undefined ? fallback.outcome : "refused");
  return {
    sqlstate: rule?.raise ?? fallback.sqlstate,
    message,
    code: codes.find((code) => rule?.code?.includes(code)) ?? codes[0] ?? null,
    column: upstreamColumn === undefined ? null : columnOf(reader.word(upstreamColumn)),
    hint: hint === undefined ? null : reader.sentence(hint),
    row: row === undefined || !/^\d{1,9}$/.test(row) ? null : Number(row),
    constraint: rule?.constraint ?? null,
    absent: outcome === "absent",
    ask: outcome === "ask",
    unknown: outcome === "unknown",
    retry: rule?.retry === "always" || (status === 429 && rule?.retry !== "never"),
    status,
    request: requestOf(addresses, body, headers, reader),
  };
}

/** Returns upstream's id of the exchange, for which its support asks; null when the answer has none. */
export function requestOf(
  { request }: ErrorAddresses,
  body: unknown,
  headers: ReadonlyMap<string, string>,
  reader: WordReader,
): CleanText | null {
  if (request === undefined) return null;
  if (typeof request === "string") return reader.wordAt([body], [request]) ?? null;
  const header = headers.get(request.header.toLowerCase());
  return header === undefined ? null : reader.word(header);
}

function matches(
  rule: ErrorRule,
  status: number,
  codes: readonly string[],
  message: string,
  [error, body]: readonly [unknown, unknown],
): boolean {
  if (rule.status !== undefined && !rule.status.includes(status)) return false;
  if (rule.code !== undefined && !rule.code.some((code) => codes.includes(code))) return false;
  if (rule.message !== undefined && !rule.message.test(message)) return false;
  return Object.entries(rule.where ?? {}).every(([at, values]) => {
    const value = scalarAt(error, at) ?? scalarAt(body, at);
    return value !== undefined && values.includes(value);
  });
}

/** A status for a missing record counts only with a JSON body: a gateway's page tells nothing about a row. */
function byStatus(status: number, isJson: boolean): { sqlstate: string; outcome: "refused" | "absent" | "unknown" } {
  if (status >= 500) return { sqlstate: "TL007", outcome: "unknown" };
  switch (status) {
    case 400:
    case 422:
      return { sqlstate: "23514", outcome: "refused" };
    case 401:
      return { sqlstate: "28000", outcome: "refused" };
    case 403:
      return { sqlstate: "42501", outcome: "refused" };
    case 404:
    case 410:
      return isJson ? { sqlstate: "40001", outcome: "absent" } : { sqlstate: "HV000", outcome: "refused" };
    case 409:
      return { sqlstate: "23505", outcome: "refused" };
    case 412:
      return { sqlstate: "40001", outcome: "refused" };
    case 423:
      return { sqlstate: "55P03", outcome: "refused" };
    case 429:
      return { sqlstate: "53400", outcome: "refused" };
    default:
      return { sqlstate: "HV000", outcome: "refused" };
  }
}

function isText(value: CleanText | undefined): value is CleanText {
  return value !== undefined;
}

/** Returns whether the body is JSON that an API answers with: an object or a list. */
export function isBody(value: unknown): boolean {
  return isRecord(value) || Array.isArray(value);
}
