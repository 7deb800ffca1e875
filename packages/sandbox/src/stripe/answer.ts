// An answer before it is bytes, and Stripe's one shape for all errors.

import type { JsonObject } from "./json.js";
import type { Refusal } from "./refusal.js";
import type { ApiRequest } from "./request.js";

export interface Answer {
  readonly status: number;
  readonly body: JsonObject;
  readonly headers?: Readonly<Record<string, string>>;
  /** An idempotency key keeps it. */
  readonly kept: boolean;
}

export function ok(body: JsonObject): Answer {
  return { status: 200, body, kept: true };
}

export function refusalAnswer(request: ApiRequest, { status, type, message, code, param, phase }: Refusal): Answer {
  const docUrl =
    code === undefined ? {} : { doc_url: `https://stripe.com/docs/error-codes/${code.replaceAll("_", "-")}` };
  const log = `https://dashboard.stripe.com/test/logs/${request.id}?t=${Math.floor(request.atMs / 1000)}`;
  return {
    status,
    body: {
      error: {
        ...(code === undefined ? {} : { code }),
        ...docUrl,
        message,
        ...(param === undefined ? {} : { param }),
        request_log_url: log,
        type,
      },
    },
    kept: phase === "execution",
  };
}

/** A 429: of the limit of calls, or of an object that another request holds. */
export function tooMany(request: ApiRequest, reason: "rate_limit" | "lock_timeout"): Answer {
  const message =
    reason === "rate_limit"
      ? "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits."
      : "This object cannot be accessed right now because another API request or Stripe process is currently accessing it. If you see this error intermittently, retry the request. If you see this error frequently and are making multiple concurrent requests to a single object, make your requests serially or at a lower rate.";
  const answer = refusalAnswer(request, {
    status: 429,
    type: "invalid_request_error",
    message,
    code: reason,
    phase: "validation",
  });
  return reason === "rate_limit" ? { ...answer, headers: { "Stripe-Rate-Limited-Reason": "global-rate" } } : answer;
}
