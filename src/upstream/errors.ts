// Turns a refusal into errors in Postgres's terms, by the manifest's rules first and by the HTTP status otherwise.

import type { CleanText } from "../config/clean-text.js";
import { isRecord } from "../config/json.js";
import { memberOf } from "../config/member.js";
import type { ErrorAddresses, ErrorRule } from "../manifest/error-schema.js";
import type { CheckedHooks } from "../manifest/hooks.js";
import { lookUp, textAt } from "../manifest/pointer.js";
import { mayPass } from "./repeats.js";
import { type Places, scalarAt, type WordReader, wordReader } from "./words.js";
import type { UpstreamError } from "./write-outcome.js";

/** Returns the mirror's name of a column that upstream names, by its own name or its label; null when there is none. */
export type ColumnOf = (name: string) => string | null;

export interface ErrorContext {
  readonly status: number;
  /** The error is one row's, inside an answer whose status is 2xx: that it stands there refuses the row. */
  readonly isInside?: boolean;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: unknown;
  /** What the body says for people, by `bodyWords`: told when the manifest finds no message. */
  readonly words?: string | undefined;
  readonly columnOf: ColumnOf;
  readonly hooks?: CheckedHooks | undefined;
  /** The secrets that we send, which upstream's message may repeat and ours must not show. */
  readonly secrets?: readonly string[] | undefined;
}

interface Verdict extends UpstreamError {
  readonly unknown: boolean;
  readonly retry: boolean;
  /** A read is sent again after it. */
  readonly mayPass: boolean;
  /** It has a code, or a rule of the manifest fits it. */
  readonly isNamed: boolean;
  /** The rows of the call that it names, by their places and by their keys. */
  readonly rows: readonly number[];
  readonly keys: readonly string[];
}

/** What a rule's `status` is compared with, of an error inside an answer 2xx. */
const insideStatus = 400;
const refusedInside = { sqlstate: "23514", outcome: "refused" } as const;

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
  /** Null when the message is upstream's own. */
  readonly words: CleanText | null;
  readonly rule: ErrorRule | undefined;
}

/** The words are cut before a rule sees them, so that no regular expression of a manifest runs over a long text. */
function classify(addresses: ErrorAddresses, error: unknown, context: ErrorContext): ClassifiedError {
  const { body, hooks, isInside, secrets = [] } = context;
  const status = isInside ? insideStatus : context.status;
  const reader = wordReader(secrets);
  const places: Places = [error, body];
  const codes = addresses.code.flatMap((at) => places.map((place) => reader.wordAt([place], [at]))).filter(isText);
  // Some APIs answer an error as a plain text.
  const text = typeof error === "string" ? reader.sentence(error) : reader.sentenceAt(places, addresses.message);
  const message = text || reader.sentence(isInside ? "it says no more" : `status ${status}`);
  const words = text ? "" : reader.sentence(context.words ?? "");
  const rule =
    hooks?.classifyError(error, { status, body }) ??
    addresses.rules.find((one) => matches(one, status, codes, message, [error, body]));
  return { error, reader, codes, message, words: words || null, rule };
}

function verdictOf(
  addresses: ErrorAddresses,
  { error, reader, codes, message, words, rule }: ClassifiedError,
  { status, isInside, body, headers, columnOf }: ErrorContext,
): Verdict {
  const groups = rule?.message?.exec(message)?.groups ?? {};
  const upstreamColumn = groups["column"] ?? groups["label"] ?? reader.wordAt([error, body], addresses.column);
  const rows = placesAt([error, body], addresses.row);
  const hint = rule?.hint?.replaceAll(/\{(\w+)\}/g, (_, name: string) => memberOf(groups, name) ?? "");
  const fallback = isInside ? refusedInside : byStatus(status, isBody(body));
  const outcome = rule?.outcome ?? (rule?.raise === undefined ? fallback.outcome : "refused");
  // What a record that is gone comes to as a refusal, when nothing proves that it is.
  const bySqlstate = outcome === "absent" ? "HV000" : fallback.sqlstate;
  return {
    sqlstate: rule?.raise ?? bySqlstate,
    message,
    words,
    code: codes.find((code) => rule?.code?.includes(code)) ?? codes[0] ?? null,
    column: upstreamColumn === undefined ? null : columnOf(reader.word(upstreamColumn)),
    hint: hint === undefined ? null : reader.sentence(hint),
    row: rows[0] ?? null,
    rows,
    keys: textsAt([error, body], addresses.key),
    constraint: rule?.constraint ?? null,
    absent: outcome === "absent",
    ask: outcome === "ask",
    proof: rule?.if ?? null,
    meaning: rule?.read ?? null,
    isConsequence: rule?.skip === true,
    isNamed: codes.length > 0 || rule !== undefined,
    unknown: outcome === "unknown",
    mayPass: mayPass(status, rule),
    retry: rule?.retry === "always" || (status === 429 && rule?.retry !== "never"),
    status,
    request: requestOf(addresses, body, headers, reader),
  };
}

/** So many rows of a call an error can name. */
const mostNamed = 10_000;
const longestPlaces = 100_000;

/** Returns the texts at the first of the pointers where there are any: one, or a list of them. */
function textsAt(places: Places, pointers: readonly string[]): readonly string[] {
  for (const place of places) {
    for (const pointer of pointers) {
      const there = lookUp(place, pointer);
      const list: readonly unknown[] = Array.isArray(there) ? there.slice(0, mostNamed) : [there];
      const texts = list.flatMap((one) => textAt(one, "") ?? []);
      if (texts.length > 0) return texts;
    }
  }
  return [];
}

/** Returns the places of rows, which an API may put into one text: "0,1". */
function placesAt(places: Places, pointers: readonly string[]): readonly number[] {
  const words = textsAt(places, pointers).flatMap((text) => text.slice(0, longestPlaces).split(","));
  return words.flatMap((word) => (/^\s*\d{1,9}\s*$/.test(word) ? Number(word) : []));
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

/**
 * The statuses that refuse the request that they answer, by their definition (RFC 9110, RFC 4918, RFC 6585, RFC 8470), and what each is in
 * Postgres's terms. Any other leaves open what became of it: 408 may come behind the change.
 */
export const refusingStatuses: Readonly<Record<number, string>> = {
  400: "23514",
  401: "28000",
  402: "HV000",
  403: "42501",
  404: "HV000",
  405: "HV000",
  409: "23505",
  410: "HV000",
  412: "40001",
  413: "HV000",
  414: "HV000",
  415: "HV000",
  422: "23514",
  423: "55P03",
  425: "HV000",
  428: "HV000",
  429: "53400",
  431: "HV000",
};

/** A status for a missing record counts only with a JSON body: a gateway's page tells nothing about a row. */
function byStatus(status: number, isJson: boolean): { sqlstate: string; outcome: "refused" | "absent" | "unknown" } {
  if ((status === 404 || status === 410) && isJson) return { sqlstate: "HV000", outcome: "absent" };
  const sqlstate = refusingStatuses[status];
  return sqlstate === undefined ? { sqlstate: "TL007", outcome: "unknown" } : { sqlstate, outcome: "refused" };
}

function isText(value: CleanText | undefined): value is CleanText {
  return value !== undefined;
}

/** Returns whether the body is JSON that an API answers with: an object or a list. */
export function isBody(value: unknown): boolean {
  return isRecord(value) || Array.isArray(value);
}
