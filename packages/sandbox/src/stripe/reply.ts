// How a fault changes what becomes of a request: whether it is applied, what is answered, and whether anything is.

import { assertNever } from "../never.js";
import { type Answer, refusalAnswer, tooMany } from "./answer.js";
import { forbidden, wrongKey } from "./authorization.js";
import { type Fault, writtenParams } from "./fault.js";
import { broken } from "./refusal.js";
import type { ApiRequest } from "./request.js";

export type Reply =
  | { readonly kind: "answer"; readonly answer: Answer; readonly bodyText: string; readonly afterMs: number }
  | { readonly kind: "hangUp" }
  | { readonly kind: "silence" };

/** Applies a request, as the same or as another; what is answered can be another as well, even to its idempotency key. */
export type Apply = (as?: ApiRequest, answer?: (applied: Answer) => Answer) => Answer;

export function replyTo(request: ApiRequest, fault: Fault | undefined, apply: Apply): Reply {
  if (!fault) return reply(apply());
  switch (fault.kind) {
    case "rate-limit":
      return reply(withRetryAfter(tooMany(request, "rate_limit"), fault.retryAfterS));
    case "lock-timeout":
      return reply(tooMany(request, "lock_timeout"));
    case "unauthorized":
      return reply(wrongKey(request));
    case "forbidden":
      return reply(forbidden(request));
    case "unavailable":
      return reply(refusalAnswer(request, broken(503, "Stripe is temporarily unavailable. Please try again later.")));
    case "error-after-apply":
      return reply(apply(request, () => refusalAnswer(request, broken(500, "An unknown error occurred."))));
    case "hang-up-before":
      return { kind: "hangUp" };
    case "hang-up-after":
      apply();
      return { kind: "hangUp" };
    case "hang-before":
      return { kind: "silence" };
    case "hang":
      apply();
      return { kind: "silence" };
    case "slow":
      return { ...reply(apply()), afterMs: fault.ms };
    case "bad-json": {
      const whole = reply(apply());
      return { ...whole, bodyText: whole.bodyText.slice(0, whole.bodyText.length / 2) };
    }
    case "ignore-field":
      return reply(apply(withoutParam(request, fault.property ?? writtenParams(request)[0])));
    default:
      return assertNever(fault);
  }
}

function reply(answer: Answer): Reply & { readonly kind: "answer" } {
  return { kind: "answer", answer, bodyText: JSON.stringify(answer.body, null, 2), afterMs: 0 };
}

function withRetryAfter(answer: Answer, seconds: number | undefined): Answer {
  return seconds === undefined ? answer : { ...answer, headers: { ...answer.headers, "Retry-After": String(seconds) } };
}

function withoutParam(request: ApiRequest, name: string | undefined): ApiRequest {
  return { ...request, params: new Map([...request.params].filter(([key]) => key !== name)) };
}
