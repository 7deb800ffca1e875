// What a test or the demo can know of the traffic. The token is in none of it.

import type { Reply } from "./reply.js";
import { type ApiRequest, batchInputs, isBatch } from "./request.js";

export interface AccessLogEntry {
  /** Counts from 1 since the log was last cleared. */
  readonly n: number;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  /** 0: nothing was answered. */
  readonly status: number;
  readonly atMs: number;
  /** How many records the request names or brings; none for lists, searches and definitions. */
  readonly rows: number;
  readonly batch: boolean;
  readonly answered: boolean;
  readonly requestBody: string;
  readonly responseBody: string;
}

export function logEntry(n: number, request: ApiRequest, requestBody: string, reply: Reply): AccessLogEntry {
  const answered = reply.kind === "answer";
  return {
    n,
    method: request.method,
    path: request.path,
    query: request.query.toString(),
    status: answered ? reply.answer.status : 0,
    atMs: request.atMs,
    rows: rowsIn(request),
    batch: isBatch(request),
    answered,
    requestBody,
    responseBody: answered ? reply.bodyText : "",
  };
}

function rowsIn(request: ApiRequest): number {
  if (isBatch(request)) return batchInputs(request).length;
  const [, , , area, , id] = request.path.split("/");
  const single = area === "objects" && id !== "search" && (id !== undefined || request.method === "POST");
  return single ? 1 : 0;
}
