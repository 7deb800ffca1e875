// A request as the routes see it: read whole, its parameters parsed once.

import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { type Branch, readForm } from "./form.js";

export interface ApiRequest {
  readonly id: string;
  readonly method: string;
  /** Without the query, as it was sent. */
  readonly path: string;
  readonly query: string;
  /** Of the query and the body together; the body wins. */
  readonly params: Branch;
  /** The body is no form. */
  readonly otherEncoding: boolean;
  readonly authorization: string | undefined;
  /** Undefined where it has no effect. */
  readonly idempotencyKey: string | undefined;
  readonly version: string | undefined;
  readonly atMs: number;
}

export function readRequest(incoming: IncomingMessage, bodyText: string, id: string, atMs: number): ApiRequest {
  const { method = "GET", url = "/", headers } = incoming;
  const [, path = "/", query = ""] = /^([^?]*)\??(.*)$/s.exec(url) ?? [];
  const isForm = (headers["content-type"] ?? "").startsWith("application/x-www-form-urlencoded");
  const otherEncoding = bodyText !== "" && !isForm;
  return {
    id,
    method,
    path,
    query,
    params: new Map([...readForm(query), ...readForm(otherEncoding ? "" : bodyText)]),
    otherEncoding,
    authorization: headers.authorization,
    idempotencyKey: method === "POST" ? header(headers, "idempotency-key") : undefined,
    version: header(headers, "stripe-version"),
    atMs,
  };
}

function header(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}
