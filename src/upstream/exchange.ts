// One call of the manifest as HTTP: admitted by the budget, sent, and repeated when upstream turned it away; a read also after what may pass.

import { assertNever } from "../config/assert-never.js";
import type { CleanText } from "../config/clean-text.js";
import type { Lane } from "../http/budget.js";
import { type HttpOutcome, sendHttp } from "../http/client.js";
import { type Token, TokenError } from "../http/oauth.js";
import type { Account } from "./account.js";
import { admit, cancelError, type SendGate } from "./admission.js";
import { readAnswerBody } from "./answer-body.js";
import { type ColumnOf, readRefusal, requestOf } from "./errors.js";
import { type AskedRequest, askedRequest } from "./exchange-log.js";
import {
  noPlaceForToken,
  rateLimitUsedUp,
  redirected,
  tokenRefused,
  tokenUnreachable,
  unreachable,
} from "./own-errors.js";
import { askedPauseMs, headerPauseMs, learnRemaining } from "./rate-limits.js";
import { restForRepeat, withCount } from "./repeats.js";
import { type ComposedRequest, composeRequest, type RequestInput } from "./request.js";
import { wordReader } from "./words.js";
import {
  behindOwn,
  ownError,
  type RefusedOutcome,
  type UnknownOutcome,
  type UpstreamError,
  unknownReason,
} from "./write-outcome.js";

export interface Answer {
  readonly kind: "answered";
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  /** Undefined when the answer has no body, or one that is not JSON or too large. */
  readonly body: unknown;
  /** Why the body can't be read, to go on from "the body …"; undefined when it is JSON, or none at all. */
  readonly tooLarge: string | undefined;
  /** What a body says that is not JSON; null when it says nothing. */
  readonly words: CleanText | null;
  readonly request: CleanText | null;
  /** The address that answered. */
  readonly url: string;
}

export type ExchangeResult = Answer | RefusedOutcome | UnknownOutcome;

export interface ExchangeRequest extends RequestInput {
  readonly lane: Lane;
  readonly waitMs: number;
  /** It changes nothing, whatever its method is. */
  readonly isRead?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly gate?: SendGate | undefined;
  readonly columnOf: ColumnOf;
}

const mostRedirects = 3;
/** Its own and the one that another process has kept. */
const mostRefusedTokens = 2;

/** What stays the same for all requests of one exchange. */
interface Exchange {
  readonly account: Account;
  readonly input: ExchangeRequest;
  readonly deadlineMs: number;
}

/** What the requests of an exchange have come to so far. */
interface Progress {
  /** The address of a redirect or of a page, in place of the call's own. */
  readonly address: string | undefined;
  readonly redirects: number;
  /** Until when what a redirect asks for may be sent: a write follows it by the permission that it had, for it may have been done. */
  readonly sendByMs: number | undefined;
  /** How many tokens upstream has refused. */
  readonly refusedTokens: number;
  /** How often a read was sent again. */
  readonly repeats: number;
}

type Next =
  | { readonly kind: "end"; readonly result: ExchangeResult }
  | { readonly kind: "repeat"; readonly progress: Progress };

type HttpAnswer = Extract<HttpOutcome, { kind: "answered" }>;

/** One request that is sent, with what the next one depends on. */
interface Attempt {
  readonly request: ComposedRequest;
  readonly token: Token | undefined;
  readonly asked: AskedRequest;
  readonly progress: Progress;
}

/** Sends the call until it is answered, refused or unknown, and returns which. Waits at most `waitMs` for the rate limit. */
export async function exchange(account: Account, input: ExchangeRequest): Promise<ExchangeResult> {
  const context = { account, input, deadlineMs: performance.now() + input.waitMs };
  let progress: Progress = {
    address: input.address,
    redirects: 0,
    sendByMs: undefined,
    refusedTokens: 0,
    repeats: 0,
  };
  for (;;) {
    const next = await trySending(context, progress);
    switch (next.kind) {
      case "end":
        return next.result;
      case "repeat":
        progress = next.progress;
        break;
      default:
        assertNever(next);
    }
  }
}

async function trySending(context: Exchange, progress: Progress): Promise<Next> {
  const { account, input, deadlineMs } = context;
  const token = await account.tokens?.current().catch(noToken(account));
  if (token && "kind" in token) return (await reachAgain(context, progress, token.error)) ?? end(token);
  const request = composeRequest(account, { ...input, address: progress.address }, token);
  if (request.kind === "unfit") return end({ kind: "unsent", error: request.error });
  const isFollowing = progress.redirects > 0 && request.method !== "GET";
  const notSent = (error: UpstreamError) =>
    end(isFollowing ? unknown(account, `a redirect, not followed: ${error.message}`) : { kind: "unsent", error });
  const admission = await admit(
    { ...input, account, deadlineMs },
    request.path,
    isFollowing ? progress.sendByMs : undefined,
  );
  if (admission.kind === "denied") return notSent(admission.error);
  const { sendByMs } = admission;
  const asked = askedRequest(account, { ...input, address: progress.address }, token);
  account.log.debug(asked, "request");
  const outcome = await sendHttp({ ...request, timeoutMs: account.timeoutMs, sendByMs, signal: input.signal });
  switch (outcome.kind) {
    case "unknown": {
      const again = outcome.isLasting ? undefined : await repeatRead(context, progress);
      return again ?? end(unknown(account, withCount(outcome.reason, progress.repeats)));
    }
    case "unsent": {
      if (input.signal?.aborted) return notSent(cancelError);
      const error = ownError(unreachable(account.api, withCount(outcome.reason, progress.repeats)));
      return (await reachAgain(context, progress, error)) ?? notSent(error);
    }
    case "answered":
      answeredAccounts.add(account);
      return afterAnswer(context, { request, token, asked, progress: { ...progress, sendByMs } }, outcome);
    default:
      return assertNever(outcome);
  }
}

const answeredAccounts = new WeakSet<Account>();

/** Repeats a read that found no server. An address that has never answered is rather a wrong one. */
async function reachAgain(
  context: Exchange,
  progress: Progress,
  { sqlstate }: UpstreamError,
): Promise<Next | undefined> {
  return sqlstate === unreachable.sqlstate && answeredAccounts.has(context.account)
    ? repeatRead(context, progress)
    : undefined;
}

/** Returns how a read goes on after a rest of at least `askedMs`; undefined when it is none, or has been sent often or long enough. */
async function repeatRead({ input, deadlineMs }: Exchange, progress: Progress, askedMs = 0): Promise<Next | undefined> {
  const { repeats } = progress;
  const isRested = input.isRead && (await restForRepeat({ repeats, askedMs, deadlineMs, signal: input.signal }));
  return isRested ? { kind: "repeat", progress: { ...progress, repeats: repeats + 1 } } : undefined;
}

function end(result: ExchangeResult): Next {
  return { kind: "end", result };
}

/** The outcome of a request that may have been carried out. */
function unknown({ secrets }: Account, reason: string, status: number | null = null): UnknownOutcome {
  return { kind: "unknown", reason: wordReader(secrets).sentence(reason), status, request: null };
}

async function afterAnswer(context: Exchange, attempt: Attempt, answer: HttpAnswer): Promise<Next> {
  const { account } = context;
  const { path, url } = attempt.request;
  const { status, headers } = answer;
  account.log.debug({ ...attempt.asked, status }, "exchange");
  // An answer 429 says by other headers how long to wait.
  if (status !== 429) {
    account.budget.resetBackoff();
    learnRemaining(account, path, headers);
  }
  if (status >= 400) return renewToken(context, attempt, status) ?? afterRefusal(context, attempt, answer);
  if (status >= 300) return followRedirect(account, attempt, answer);
  const { body, tooLarge, words } = await readAnswerBody(answer);
  const reader = wordReader(account.secrets);
  const request = requestOf(account.manifest.errors, body, headers, reader);
  return end({
    kind: "answered",
    status,
    headers,
    body,
    tooLarge,
    words: reader.sentence(words) || null,
    request,
    url,
  });
}

function followRedirect(account: Account, { request, progress }: Attempt, answer: HttpAnswer): Next {
  const { status } = answer;
  // Upstream may have done what was asked, and its answer is at another address: only 307 and 308 say that it has not (RFC 9110).
  if (request.method !== "GET" && status !== 307 && status !== 308)
    return end(unknown(account, `status ${status} in place of an answer`, status));
  const address = redirectAddress(request, answer);
  if (address === undefined || progress.redirects >= mostRedirects)
    return end({ kind: "refused", error: ownError(redirected(status), status) });
  return { kind: "repeat", progress: { ...progress, address, redirects: progress.redirects + 1 } };
}

/** Returns where the redirect leads, if that is the same host: no other host is shown our credentials. */
function redirectAddress({ url, method }: ComposedRequest, { status, headers }: HttpAnswer): string | undefined {
  const location = headers.get("location");
  if (location === undefined || !URL.canParse(location, url)) return undefined;
  const next = new URL(location, url);
  const keepsMethod = status === 307 || status === 308 || (method === "GET" && [301, 302, 303].includes(status));
  return keepsMethod && next.origin === new URL(url).origin ? next.href : undefined;
}

/**
 * Drops a token that upstream refuses. Undefined when the status is no such refusal, or when the token was asked for because of one: who
 * had an old one gets first what another process has kept, and that may be old as well.
 */
function renewToken({ account }: Exchange, { token, progress }: Attempt, status: number): Next | undefined {
  if (!token || !account.manifest.auth?.oauth2?.on.includes(status)) return undefined;
  const { refusedTokens } = progress;
  if (refusedTokens >= mostRefusedTokens || (refusedTokens > 0 && token.origin === "server")) return undefined;
  account.tokens?.invalidate(token);
  return { kind: "repeat", progress: { ...progress, refusedTokens: refusedTokens + 1 } };
}

/** Ends the exchange with upstream's error, or repeats it after the pause that the rate limit asks for. */
async function afterRefusal(exchanged: Exchange, attempt: Attempt, answer: HttpAnswer): Promise<Next> {
  const { account, input, deadlineMs } = exchanged;
  const { budget, manifest, hooks, secrets } = account;
  const { path } = attempt.request;
  const { columnOf } = input;
  const { status, headers } = answer;
  const { body, tooLarge, words: bodyWords } = await readAnswerBody(answer);
  const context = {
    status,
    body,
    words: bodyWords,
    headers,
    columnOf,
    hooks,
    secrets,
  };
  const first = readRefusal(manifest.errors, context);
  const words = wordReader(secrets);
  const message = tooLarge === undefined ? first.message : `${first.message}, and the body ${tooLarge}`;
  const error = { ...first, message: words.sentence(withCount(message, attempt.progress.repeats)) };
  const ending = (refusal: UpstreamError): Next =>
    error.unknown && !(input.isRead && error.meaning)
      ? end({ ...unknown(account, unknownReason(error, status), status), request: error.request })
      : end({ kind: "refused", error: refusal });
  if (!error.retry) {
    const askedMs = headerPauseMs(account, path, headers);
    const again = error.mayPass ? await repeatRead(exchanged, attempt.progress, askedMs) : undefined;
    return again ?? ending(error);
  }
  const pauseMs = budget.pauseFor(askedPauseMs(account, path, headers) ?? budget.penaltyMs());
  if (performance.now() + pauseMs > deadlineMs)
    return ending(behindOwn(ownError(rateLimitUsedUp(account.api, account.waitMs, pauseMs), status), error));
  return { kind: "repeat", progress: attempt.progress };
}

function noToken(account: Account) {
  return (cause: unknown): RefusedOutcome => {
    if (!(cause instanceof TokenError)) throw cause;
    return { kind: "unsent", error: ownError(tokenErrors[cause.kind](account.api, cause.message)) };
  };
}

const tokenErrors = { refused: tokenRefused, unreachable: tokenUnreachable, "no place": noPlaceForToken };
