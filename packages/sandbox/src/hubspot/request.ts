// A request as the routes see it: read whole, its body parsed once.

import type { IncomingMessage } from "node:http";
import { fieldOf } from "./fields.js";

type Body =
  | { readonly kind: "none" }
  | { readonly kind: "json"; readonly value: unknown }
  | { readonly kind: "broken" };

export interface ApiRequest {
  readonly method: string;
  /** Without the query, as it was sent. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly authorization: string | undefined;
  readonly body: Body;
  readonly atMs: number;
  /** Scheme, host and port, for the links in answers. */
  readonly origin: string;
}

export function readRequest(incoming: IncomingMessage, bodyText: string, atMs: number): ApiRequest {
  const origin = `http://${incoming.headers.host ?? "127.0.0.1"}`;
  const [path = "/", query = ""] = splitOnce(incoming.url ?? "/", "?");
  return {
    method: incoming.method ?? "GET",
    path,
    query: new URLSearchParams(query),
    authorization: incoming.headers.authorization,
    body: readBody(bodyText),
    atMs,
    origin,
  };
}

export function isBatch(request: ApiRequest): boolean {
  return request.path.includes("/batch/");
}

/** A search is counted apart, and tells nothing of what is left. */
export function isSearch(request: ApiRequest): boolean {
  return /^\/crm\/v3\/objects\/[^/]+\/search$/.test(request.path);
}

/** The inputs of a batch, as they were sent. */
export function batchInputs(request: ApiRequest): readonly unknown[] {
  const inputs = isBatch(request) ? fieldOf(jsonBody(request), "inputs") : undefined;
  return Array.isArray(inputs) ? inputs : [];
}

/** Undefined when there is none that can be read. */
export function jsonBody(request: ApiRequest): unknown {
  return request.body.kind === "json" ? request.body.value : undefined;
}

function readBody(text: string): Body {
  if (text === "") return { kind: "none" };
  try {
    return { kind: "json", value: JSON.parse(text) };
  } catch {
    return { kind: "broken" };
  }
}

function splitOnce(text: string, mark: string): readonly string[] {
  const at = text.indexOf(mark);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
