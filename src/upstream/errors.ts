// Turns a refusal into errors in Postgres's terms, by the manifest's rules first and by the HTTP status otherwise.

import { isRecord } from "../config/json.js";
import type { ErrorAddresses, ErrorRule } from "../manifest/error-schema.js";
import type { CheckedHooks } from "../manifest/hooks.js";
import { lookUp, textAt } from "../manifest/pointer.js";
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

/** Returns the errors of a refusal. Errors that the manifest skips, as consequences of another, are left out if any other is there. */
export function readErrors(addresses: ErrorAddresses, context: ErrorContext): readonly [Verdict, ...Verdict[]] {
  const list = addresses.list === undefined ? undefined : lookUp(context.body, addresses.list);
  const single = Array.isArray(list) && list.length > 0 ? list : [context.body];
  const all = single.map((error: unknown) => ({ error, rule: ruleOf(addresses, error, context) }));
  const primary = all.filter(({ rule }) => rule?.skip !== true);
  const [first, ...rest] = (primary.length > 0 ? primary : all).map(({ error }) =>
    readError(addresses, error, context),
  );
  return [first ?? readError(addresses, context.body, context), ...rest];
}

/** Returns one error: an entry of the answer's error list, or its whole body. */
export function readError(addresses: ErrorAddresses, error: unknown, context: ErrorContext): Verdict {
  const { status, body, headers } = context;
  const { codes, message } = wordsOf(addresses, error, context);
  const rule = ruleOf(addresses, error, context);
  const groups = rule?.message?.exec(message)?.groups ?? {};
  const upstreamColumn = groups["column"] ?? groups["label"] ?? textIn(error, body, addresses.column);
  const row = textIn(error, body, addresses.row);
  const fallback = byStatus(status, isBody(body));
  const outcome = rule?.outcome ?? (rule?.raise === undefined ? fallback.outcome : "refused");
  return {
    sqlstate: rule?.raise ?? fallback.sqlstate,
    message: cleanText(redact(message, context.secrets)),
    code: rule?.code?.find((code) => codes.includes(code)) ?? codes[0] ?? null,
    column: upstreamColumn === undefined ? null : context.columnOf(upstreamColumn),
    hint: rule?.hint?.replaceAll(/\{(\w+)\}/g, (_, name: string) => groups[name] ?? "") ?? null,
    row: row === undefined || !/^\d+$/.test(row) ? null : Number(row),
    constraint: rule?.constraint ?? null,
    absent: outcome === "absent",
    ask: outcome === "ask",
    unknown: outcome === "unknown",
    retry: rule?.retry === "always" || (status === 429 && rule?.retry !== "never"),
    status,
    request: requestOf(addresses, body, headers),
  };
}

/** Returns upstream's id of the exchange, for which its support asks; null when the answer has none. */
export function requestOf(
  { request }: ErrorAddresses,
  body: unknown,
  headers: ReadonlyMap<string, string>,
): string | null {
  if (request === undefined) return null;
  return (typeof request === "string" ? textAt(body, request) : headers.get(request.header.toLowerCase())) ?? null;
}

function ruleOf(addresses: ErrorAddresses, error: unknown, context: ErrorContext): ErrorRule | undefined {
  const own = context.hooks?.classifyError(error, { status: context.status, body: context.body });
  if (own) return own;
  const { codes, message } = wordsOf(addresses, error, context);
  return addresses.rules.find((rule) => matches(rule, context.status, codes, message, [error, context.body]));
}

function wordsOf(addresses: ErrorAddresses, error: unknown, { status, body }: ErrorContext) {
  const codes = addresses.code.flatMap((at) => [textAt(error, at), textAt(body, at)]).filter(isText);
  // Some APIs answer an error as a plain text.
  const text = typeof error === "string" ? error : textIn(error, body, addresses.message);
  return { codes, message: text ?? `status ${status}` };
}

/** Looks in the single error first, then in the whole body. */
function textIn(error: unknown, body: unknown, pointers: readonly string[]): string | undefined {
  return textAt(error, ...pointers) ?? textAt(body, ...pointers);
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
    const value = lookUp(error, at) ?? lookUp(body, at);
    return value !== undefined && values.includes(String(value));
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

function redact(text: string, secrets: readonly string[] = []): string {
  return secrets.reduce((rest, secret) => rest.replaceAll(secret, "…"), text);
}

/** Returns upstream's words without control characters, cut at 2,048 characters. */
export function cleanText(text: string): string {
  const plain = text.replaceAll(/\p{Cc}+/gu, " ").trim();
  return plain.length <= 2048 ? plain : `${plain.slice(0, 2047)}…`;
}

function isText(value: string | undefined): value is string {
  return value !== undefined;
}

/** Returns whether the body is JSON that an API answers with: an object or a list. */
export function isBody(value: unknown): boolean {
  return isRecord(value) || Array.isArray(value);
}
