// One call of the manifest as HTTP: filled in, admitted by the budget, sent, and repeated only when upstream said "later".

import type { Logger } from "pino";
import type { Budget } from "../http/budget.js";
import { sendHttp } from "../http/client.js";
import type { Refusal, Unknown } from "./ending.js";
import { classify, cleaned, parseJson } from "./errors.js";
import type { Call, Manifest } from "./manifest.js";
import { textAt } from "./pointer.js";
import { fill, fillText, type Scope } from "./template.js";

/** One account of an API. */
export interface Account {
  readonly api: string;
  readonly manifest: Manifest;
  readonly base: string;
  readonly config: Readonly<Record<string, string>>;
  readonly budget: Budget;
  readonly timeoutMs: number;
  /** How long a statement may wait for the rate limit. */
  readonly waitMs: number;
  readonly log: Logger;
}

export interface Answer {
  readonly kind: "answered";
  readonly status: number;
  /** Undefined when there was none, or none that is JSON. */
  readonly body: unknown;
  readonly request: string | null;
}

export type Exchanged = Answer | Refusal | Unknown;

export interface Wanted {
  readonly call: Call;
  readonly scope: Scope;
  readonly rows?: readonly Scope[];
  readonly waitMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly gate?: SendGate | undefined;
  /** Where the API knows such keys and the call is a POST: it is done once, however often it is sent. */
  readonly idempotencyKey?: string | null | undefined;
  columnOf(upstream: string): string | null;
}

/** Hears of each request of a write before it goes out. */
export interface SendGate {
  /** The rate limit makes it wait: nothing of it is under way. */
  waits(): Promise<void>;
  /** It goes out next. False: it must not. */
  goes(): Promise<boolean>;
}

/** What a 429 that names no time asks for. */
const defaultRestMs = 1000;

export async function exchange(account: Account, wanted: Wanted): Promise<Exchanged> {
  const { manifest, budget } = account;
  const { gate } = wanted;
  const deadlineMs = performance.now() + wanted.waitMs;
  const request = compose(account, wanted);
  if (typeof request === "string") return { kind: "unsent", error: unfit(request) };
  for (;;) {
    const waits = gate && (() => gate.waits());
    const admission = await budget.admit(Math.max(0, deadlineMs - performance.now()), wanted.signal, waits);
    if (admission.kind === "cancelled") return { kind: "unsent", error: cancelled };
    if (admission.kind === "denied") return { kind: "unsent", error: exhausted(account, admission.retryAfterMs) };
    if (gate && !(await gate.goes())) return { kind: "unsent", error: turnedAway };
    if (wanted.signal?.aborted) return { kind: "unsent", error: cancelled };
    const ending = await sendHttp({ ...request, timeoutMs: account.timeoutMs, signal: wanted.signal });
    if (ending.kind === "unknown") return { ...ending, status: null, request: null };
    if (ending.kind === "unsent") return { kind: "unsent", error: unreachable(account, ending.reason) };
    const { status, headers } = ending;
    account.log.debug({ api: account.api, method: wanted.call.method, status }, "exchange");
    const body = parseJson(ending.body);
    if (status < 300) {
      const requestAt = manifest.errors.request;
      const request = requestAt === undefined ? null : (textAt(body, requestAt) ?? null);
      return { kind: "answered", status, body, request };
    }
    const [error] = classify(manifest.errors, { status, body, columnOf: wanted.columnOf });
    if (error.unknown)
      return { kind: "unknown", reason: `status ${status}: ${error.message}`, status, request: error.request };
    if (!error.retry) return { kind: "refused", error };
    const restMs = retryAfterMs(headers) ?? defaultRestMs;
    budget.rest(restMs);
    if (performance.now() + restMs > deadlineMs) return { kind: "refused", error: exhausted(account, restMs) };
  }
}

/** A string: the value that has no place in its path. */
function compose(account: Account, { call, scope, rows = [], idempotencyKey }: Wanted) {
  const { manifest, config } = account;
  const full = { config, ...scope };
  const unfitParts: string[] = [];
  const path = fillText(call.path, full, (part) => {
    // Such a path is another resource's.
    if (/^\.{0,2}$/.test(part)) unfitParts.push(part);
    return encodeURIComponent(part);
  });
  const [unfitPart] = unfitParts;
  if (unfitPart !== undefined) return unfitPart;
  const query = Object.entries(call.query ?? {})
    .filter(([, value]) => value !== "")
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(fillText(String(value), full))}`);
  const body = call.body === undefined ? undefined : JSON.stringify(fill(call.body, full, rows));
  return {
    method: call.method,
    url: `${account.base.replace(/\/$/, "")}${path}${query.length > 0 ? `?${query.join("&")}` : ""}`,
    headers: {
      authorization: `Bearer ${fillText(manifest.auth.bearer, { config })}`,
      accept: "application/json",
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(manifest.idempotency && idempotencyKey ? { [manifest.idempotency.header]: idempotencyKey } : {}),
    },
    body,
  };
}

function exhausted(account: Account, restMs: number) {
  const seconds = Math.ceil(restMs / 1000);
  const message = `the rate limit of ${account.api} is used up, and a statement waits at most ${account.waitMs / 1000} s for it`;
  return { ...ownError("53400", message), hint: `Nothing was changed. Retry after ${seconds} s.` };
}

function unreachable(account: Account, reason: string) {
  const message = `${account.api} is unreachable (${cleaned(reason)})`;
  return { ...ownError("HV00N", message), hint: "Nothing was sent; the statement can be repeated." };
}

function unfit(part: string) {
  return { ...ownError("22023", `"${part}" has no place in the path of a request`), hint: "Nothing was sent." };
}

const cancelled = ownError("57014", "canceling statement due to user request");

/** By the gate. */
export const turnedAway = {
  ...ownError("40001", "the call was closed by somebody else while it waited"),
  hint: "Nothing was sent. Run the statement again.",
};

function ownError(sqlstate: string, message: string) {
  return {
    sqlstate,
    message,
    code: null,
    column: null,
    hint: null,
    row: null,
    absent: false,
    status: null,
    request: null,
  };
}

/** Retry-After in seconds, or as a date (RFC 9110). */
function retryAfterMs(headers: ReadonlyMap<string, string>): number | undefined {
  const text = headers.get("retry-after");
  if (text === undefined) return undefined;
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}
