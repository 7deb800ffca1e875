// How a fault changes what becomes of a request: whether it is applied, what is answered, and whether anything is.

import { assertNever } from "../never.js";
import { type Answer, errorAnswer, forbidden, rateLimited, unauthorized } from "./answer.js";
import { type Fault, writtenProperties } from "./fault.js";
import { fieldOf, isFields } from "./fields.js";
import type { ApiRequest } from "./request.js";

export type Reply =
  | { readonly kind: "answer"; readonly answer: Answer; readonly bodyText: string; readonly afterMs: number }
  | { readonly kind: "hangUp" }
  | { readonly kind: "silence" };

export function replyTo(request: ApiRequest, fault: Fault | undefined, apply: (request: ApiRequest) => Answer): Reply {
  if (!fault) return reply(apply(request));
  switch (fault.kind) {
    case "rate-limit":
      return reply(withRetryAfter(rateLimited("TEN_SECONDLY_ROLLING"), fault.retryAfterS));
    case "daily-limit":
      return reply(rateLimited("DAILY"));
    case "unauthorized":
      return reply(unauthorized());
    case "forbidden":
      return reply(forbidden());
    case "unavailable":
      return reply(errorAnswer(503, "SERVICE_UNAVAILABLE", "Service unavailable"));
    case "error-after-apply":
      apply(request);
      return reply(errorAnswer(500, "INTERNAL_ERROR", "internal error"));
    case "hang-up-before":
      return { kind: "hangUp" };
    case "hang-up-after":
      apply(request);
      return { kind: "hangUp" };
    case "hang-before":
      return { kind: "silence" };
    case "hang":
      apply(request);
      return { kind: "silence" };
    case "slow":
      return { ...reply(apply(request)), afterMs: fault.ms };
    case "empty-ok":
      return reply(nothingDone(request));
    case "bad-json": {
      const whole = reply(apply(request));
      return { ...whole, bodyText: whole.bodyText.slice(0, whole.bodyText.length / 2) };
    }
    case "drop-row":
      return reply(withoutLastResult(apply(request)));
    case "ignore-field":
      return reply(apply(withoutProperty(request, fault.property ?? writtenProperties(request)[0])));
    default:
      return assertNever(fault);
  }
}

function reply(answer: Answer): Reply & { readonly kind: "answer" } {
  return { kind: "answer", answer, bodyText: answer.body === undefined ? "" : JSON.stringify(answer.body), afterMs: 0 };
}

function withRetryAfter(answer: Answer, seconds: number | undefined): Answer {
  return seconds === undefined ? answer : { ...answer, headers: { "Retry-After": String(seconds) } };
}

function nothingDone(request: ApiRequest): Answer {
  const at = new Date(request.atMs).toISOString();
  return { status: 200, body: { status: "COMPLETE", results: [], startedAt: at, completedAt: at } };
}

function withoutLastResult(answer: Answer): Answer {
  const results = fieldOf(answer.body, "results");
  if (!isFields(answer.body) || !Array.isArray(results)) return answer;
  return { ...answer, body: { ...answer.body, results: results.slice(0, -1) } };
}

function withoutProperty(request: ApiRequest, name: string | undefined): ApiRequest {
  if (request.body.kind !== "json") return request;
  return { ...request, body: { kind: "json", value: stripped(request.body.value, name) } };
}

/** A write, or a batch of them, as if the property had not been in it. */
function stripped(write: unknown, name: string | undefined): unknown {
  if (!isFields(write)) return write;
  const { properties, inputs } = write;
  return {
    ...write,
    ...(isFields(properties)
      ? { properties: Object.fromEntries(Object.entries(properties).filter(([key]) => key !== name)) }
      : {}),
    ...(Array.isArray(inputs) ? { inputs: inputs.map((row: unknown) => stripped(row, name)) } : {}),
  };
}
