// What a test or the demo can know of the traffic. The key is in none of it.

import type { Reply } from "./reply.js";
import type { ApiRequest } from "./request.js";

export interface AccessLogEntry {
  /** Counts from 1 since the log was last cleared. */
  readonly n: number;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  /** 0: nothing was answered. */
  readonly status: number;
  readonly atMs: number;
  /** How many objects the request names or brings; none for lists and events. */
  readonly rows: number;
  readonly answered: boolean;
  readonly requestId: string;
  readonly idempotencyKey: string | undefined;
  /** The answer was kept from an earlier request with the same idempotency key. */
  readonly replayed: boolean;
  readonly requestBody: string;
  readonly responseBody: string;
}

export function logEntry(n: number, request: ApiRequest, requestBody: string, reply: Reply): AccessLogEntry {
  const answered = reply.kind === "answer";
  const [, , area, id] = request.path.split("/");
  return {
    n,
    method: request.method,
    path: request.path,
    query: request.query,
    status: answered ? reply.answer.status : 0,
    atMs: request.atMs,
    rows: area !== "events" && (id !== undefined || request.method === "POST") ? 1 : 0,
    answered,
    requestId: request.id,
    idempotencyKey: request.idempotencyKey,
    replayed: answered && reply.answer.headers?.["Idempotent-Replayed"] === "true",
    requestBody,
    responseBody: answered ? reply.bodyText : "",
  };
}
