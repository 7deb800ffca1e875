// Turns an answer that refuses into errors in Postgres's terms: the manifest's rules first, then what every API shares.

import { isRecord } from "../config/json.js";
import type { UpstreamError } from "./ending.js";
import type { ErrorAddresses, ErrorRule } from "./manifest.js";
import { lookUp, textAt } from "./pointer.js";

export interface ErrorContext {
  readonly status: number;
  readonly body: unknown;
  /** The mirror's name of an upstream column. */
  columnOf(upstream: string): string | null;
}

type Verdict = UpstreamError & { readonly unknown: boolean; readonly retry: boolean };

/** The errors of a refusal, in upstream's order; at least one. */
export function classify(addresses: ErrorAddresses, context: ErrorContext): readonly [Verdict, ...Verdict[]] {
  const list = addresses.list === undefined ? undefined : lookUp(context.body, addresses.list);
  const single = Array.isArray(list) && list.length > 0 ? list : [context.body];
  const [first, ...rest] = single.map((error: unknown) => classifyOne(addresses, error, context));
  return [first ?? classifyOne(addresses, context.body, context), ...rest];
}

/** One entry of an error list, or the whole body. */
export function classifyOne(addresses: ErrorAddresses, error: unknown, context: ErrorContext): Verdict {
  const { status, body } = context;
  const codes = addresses.code.flatMap((pointer) => [textAt(error, pointer), textAt(body, pointer)]).filter(isText);
  const said = textAt(error, ...addresses.message) ?? textAt(body, ...addresses.message) ?? `status ${status}`;
  const rule = addresses.rules.find((candidate) => matches(candidate, status, codes, said, body));
  const groups = rule?.message === undefined ? undefined : new RegExp(rule.message).exec(said)?.groups;
  const upstreamColumn = textAt(error, ...addresses.column);
  const row = addresses.row === undefined ? undefined : textAt(error, addresses.row);
  const fallback = byStatus(status, isBody(body));
  const outcome = rule?.outcome ?? (rule?.raise === undefined ? fallback.outcome : "refused");
  return {
    sqlstate: rule?.raise ?? fallback.sqlstate,
    message: cleaned(said),
    code: rule?.code?.find((code) => codes.includes(code)) ?? codes[0] ?? null,
    column: upstreamColumn === undefined ? null : context.columnOf(upstreamColumn),
    hint: rule?.hint?.replaceAll(/\{(\w+)\}/g, (_, name: string) => groups?.[name] ?? "") ?? null,
    row: row === undefined || !/^\d+$/.test(row) ? null : Number(row),
    absent: outcome === "absent",
    unknown: outcome === "unknown",
    retry: status === 429 && rule?.retry !== "never",
    status,
    request: (addresses.request && textAt(body, addresses.request)) ?? null,
  };
}

function matches(rule: ErrorRule, status: number, codes: readonly string[], said: string, body: unknown): boolean {
  if (rule.status !== undefined && rule.status !== status) return false;
  if (rule.code !== undefined && !rule.code.some((code) => codes.includes(code))) return false;
  if (rule.message !== undefined && !new RegExp(rule.message).test(said)) return false;
  return Object.entries(rule.where ?? {}).every(([pointer, value]) => textAt(body, pointer) === value);
}

/** A status that says "gone" counts only from the API itself: a gateway's page says nothing of a row. */
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

/** Upstream's words, cut at 2 kB and without control characters. */
export function cleaned(text: string): string {
  const plain = text.replaceAll(/\p{Cc}+/gu, " ").trim();
  return plain.length <= 2048 ? plain : `${plain.slice(0, 2047)}…`;
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isText(value: string | undefined): value is string {
  return value !== undefined;
}

/** Whether an answer is JSON that a 2xx status can stand on. */
export function isBody(value: unknown): boolean {
  return isRecord(value) || Array.isArray(value);
}
