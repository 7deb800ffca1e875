// One call of the manifest as HTTP: admitted by the budget, sent, and repeated only when it was turned away.

import type { Lane } from "../http/budget.js";
import { type HttpOutcome, sendHttp } from "../http/client.js";
import { TokenRefused } from "../http/oauth.js";
import { parseJson } from "../manifest/lossless-json.js";
import type { Account } from "./account.js";
import { type ColumnOf, cleanText, readErrors, requestOf } from "./errors.js";
import { type ComposedRequest, composeRequest, type RequestInput } from "./request.js";
import { ownError, type RefusedOutcome, type UnknownOutcome, type UpstreamError } from "./write-outcome.js";

export interface Answer {
  readonly kind: "answered";
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  /** Undefined when there was none, or none that is JSON. */
  readonly body: unknown;
  readonly request: string | null;
  /** Where it is from. */
  readonly url: string;
}

export type ExchangeResult = Answer | RefusedOutcome | UnknownOutcome;

export interface ExchangeRequest extends RequestInput {
  readonly lane: Lane;
  readonly waitMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly gate?: SendGate | undefined;
  readonly columnOf: ColumnOf;
}

/** Hears of each request of a write before it goes out. */
export interface SendGate {
  /** The rate limit makes it wait: nothing of it is under way. */
  onWait(): Promise<void>;
  /** It goes out next. False: it must not. */
  onSend(): Promise<boolean>;
}

const mostRedirects = 3;

export async function exchange(account: Account, wanted: ExchangeRequest): Promise<ExchangeResult> {
  const { manifest, budget, tokens } = account;
  const { gate, lane, signal } = wanted;
  const deadlineMs = performance.now() + wanted.waitMs;
  let address = wanted.address;
  let redirects = 0;
  let renewed = false;
  for (;;) {
    const token = await tokens?.current().catch(noToken(account));
    if (token && "kind" in token) return token;
    const request = composeRequest(account, { ...wanted, address }, token);
    if (request.kind === "unfit") return { kind: "unsent", error: request.error };
    const { path } = request;
    const waitMs = Math.max(0, deadlineMs - performance.now());
    const admission = await budget.admit({ path, lane, waitMs, signal, onWait: gate && (() => gate.onWait()) });
    if (admission.kind === "cancelled") return { kind: "unsent", error: cancelled };
    if (admission.kind === "denied") return { kind: "unsent", error: exhausted(account, admission.retryAfterMs) };
    if (gate && !(await gate.onSend())) return { kind: "unsent", error: gateRefused };
    if (signal?.aborted) return { kind: "unsent", error: cancelled };
    const ending = await sendHttp({ ...request, timeoutMs: account.timeoutMs, signal });
    if (ending.kind === "unknown") return { ...ending, status: null, request: null };
    if (ending.kind === "unsent") return { kind: "unsent", error: unreachable(account, ending.reason) };
    const { status, headers } = ending;
    account.log.debug({ api: account.api, method: request.method, status }, "exchange");
    // One that is turned away says how long to wait by other means.
    if (status !== 429) {
      budget.resetBackoff();
      learn(account, path, headers);
    }
    const body = parseJson(ending.body);
    if (status < 300) {
      const named = requestOf(manifest.errors, body, headers);
      return { kind: "answered", status, headers, body, request: named, url: request.url };
    }
    if (status < 400) {
      // What was asked was done, and the answer is elsewhere (RFC 9110).
      if (status === 303 && request.method !== "GET")
        return { kind: "unknown", reason: "status 303 in place of an answer", status, request: null };
      const next = redirected(request, ending);
      if (typeof next !== "string" || redirects >= mostRedirects) return { kind: "refused", error: astray(status) };
      redirects += 1;
      address = next;
      continue;
    }
    if (token && !renewed && manifest.auth?.oauth2?.on.includes(status)) {
      tokens?.invalidate(token);
      renewed = true;
      continue;
    }
    const [error] = readErrors(manifest.errors, {
      status,
      body,
      headers,
      columnOf: wanted.columnOf,
      hooks: account.hooks,
      secrets: account.secrets,
    });
    const { request: named } = error;
    const unknown = { kind: "unknown", reason: `status ${status}: ${error.message}`, status, request: named } as const;
    if (!error.retry) return error.unknown ? unknown : { kind: "refused", error };
    const restMs = askedRestMs(account, path, headers) ?? budget.penaltyMs();
    budget.pauseFor(restMs);
    if (performance.now() + restMs > deadlineMs)
      return error.unknown ? unknown : { kind: "refused", error: exhausted(account, restMs) };
  }
}

function noToken(account: Account) {
  return (cause: unknown): RefusedOutcome => {
    if (!(cause instanceof TokenRefused)) throw cause;
    const error = cause.sent ? ownError("28000", cleanText(cause.message)) : unreachable(account, cause.message);
    return {
      kind: "unsent",
      error: { ...error, hint: `Nothing was sent. Check the credentials of "${account.api}".` },
    };
  };
}

/** Where it leads, when that is the same host: what shows who we are goes nowhere else. */
function redirected({ url, method }: ComposedRequest, { status, headers }: Extract<HttpOutcome, { kind: "answered" }>) {
  const location = headers.get("location");
  if (location === undefined || !URL.canParse(location, url)) return undefined;
  const next = new URL(location, url);
  const keepsMethod = status === 307 || status === 308 || (method === "GET" && [301, 302, 303].includes(status));
  return keepsMethod && next.origin === new URL(url).origin ? next.href : undefined;
}

function astray(status: number): UpstreamError {
  return {
    ...ownError("HV000", `the request was redirected (status ${status}) to where it can't be followed`),
    status,
    hint: 'Nothing was changed. Set "base" to the address that the API has now.',
  };
}

/** What the answer says of the limits. */
function learn({ budget, limits }: Account, path: string, headers: ReadonlyMap<string, string>): void {
  for (const { described, limit } of limits) {
    const left = described.left === undefined ? undefined : headers.get(described.left.toLowerCase());
    if (left !== undefined && /^\d+$/.test(left)) budget.setRemaining(limit, path, Number(left));
  }
}

/** How long upstream wants to be left alone: by a header that the manifest names, by Retry-After, or as always. */
function askedRestMs({ limits }: Account, path: string, headers: ReadonlyMap<string, string>): number | undefined {
  const mine = limits.filter(({ limit }) => limit.path?.test(path) !== false);
  for (const { header, unit } of mine.flatMap(({ described }) => described.retry_after ?? [])) {
    const asked = delayMs(headers.get(header.toLowerCase()), unit);
    if (asked !== undefined) return asked;
  }
  return delayMs(headers.get("retry-after"), "s") ?? mine.find(({ described }) => described.pause)?.described.pause;
}

/** In seconds, in milliseconds, or as an instant: a date (RFC 9110), or seconds since 1970. */
function delayMs(text: string | undefined, unit: "s" | "ms" | "epoch"): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d+(\.\d+)?$/.test(text)) {
    const value = Number(text);
    return unit === "epoch" ? Math.max(0, value * 1000 - Date.now()) : unit === "ms" ? value : value * 1000;
  }
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}

function exhausted(account: Account, restMs: number) {
  const seconds = Math.ceil(restMs / 1000);
  const message = `the rate limit of ${account.api} is used up, and a statement waits at most ${account.waitMs / 1000} s for it`;
  return { ...ownError("53400", message), hint: `Nothing was changed. Retry after ${seconds} s.` };
}

function unreachable(account: Account, reason: string) {
  const message = `${account.api} is unreachable (${cleanText(reason)})`;
  return { ...ownError("HV00N", message), hint: "Nothing was sent; the statement can be repeated." };
}

const cancelled = ownError("57014", "canceling statement due to user request");

/** By the gate. */
export const gateRefused = {
  ...ownError("40001", "the call was closed by somebody else while it waited"),
  hint: "Nothing was sent. Run the statement again.",
};
