// One HTTP request. Its outcome is a value: answered, certainly not sent, or unknown.

import { type Dispatcher, request } from "undici";
import { timerMs } from "../config/timer.js";
import { watchedSending } from "./sending.js";

export interface HttpRequest {
  readonly method: Dispatcher.HttpMethod;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  /** The longest time from sending the request to the last byte of its answer. */
  readonly timeoutMs: number;
  /** Aborted when the client no longer waits for the answer. */
  readonly signal?: AbortSignal | undefined;
}

export type HttpOutcome =
  | {
      readonly kind: "answered";
      readonly status: number;
      readonly headers: ReadonlyMap<string, string>;
      readonly body: string;
    }
  | { readonly kind: "unsent"; readonly reason: string }
  | { readonly kind: "unknown"; readonly reason: string };

/** We read no answer that is larger to its end. */
const maxBodyBytes = 64 * 1024 * 1024;

/** Sends the request once and returns how it ended. Repeats nothing and follows no redirect. Never throws. */
export async function sendHttp({ method, url, headers, body, timeoutMs, signal }: HttpRequest): Promise<HttpOutcome> {
  const timeout = AbortSignal.timeout(timerMs(timeoutMs));
  const sending = watchedSending();
  try {
    const answer = await request(url, {
      dispatcher: sending.dispatcher,
      method,
      headers,
      body: body ?? null,
      signal: signal ? AbortSignal.any([timeout, signal]) : timeout,
    });
    const bytes = await readBody(answer.body);
    if (!bytes) return { kind: "unknown", reason: `the answer is larger than ${maxBodyBytes} bytes` };
    return {
      kind: "answered",
      status: answer.statusCode,
      headers: new Map(Object.entries(answer.headers).map(([name, value]) => [name, String(value)])),
      // The decoder drops a byte order mark.
      body: new TextDecoder().decode(bytes),
    };
  } catch (cause) {
    if (!sending.hasBegun()) return { kind: "unsent", reason: unsentReason(cause, timeoutMs) };
    if (signal?.aborted) return { kind: "unknown", reason: "cancelled while it was under way" };
    return afterFailure(cause, timeoutMs);
  }
}

/** Returns the whole body; undefined when it is larger than we read. */
async function readBody(body: Dispatcher.ResponseData["body"]): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length > maxBodyBytes) {
      body.destroy();
      return undefined;
    }
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

/** Why a request did not go out: it could not be composed, or no connection could be made. */
function unsentReason(cause: unknown, timeoutMs: number): string {
  if (isTimeout(cause)) return `no connection within ${timeoutMs} ms`;
  const code = codeOf(cause);
  // undici refuses, for example, a header with a line end in it; the message names the header and not its value.
  if (code === "UND_ERR_INVALID_ARG" && cause instanceof Error) return cause.message;
  return code ?? "no connection";
}

/** The request has begun to go out, so that upstream may have carried it out whatever the failure is. */
function afterFailure(cause: unknown, timeoutMs: number): HttpOutcome {
  if (isTimeout(cause)) return { kind: "unknown", reason: `no answer within ${timeoutMs} ms` };
  const failedCall = cause instanceof Error && "syscall" in cause ? `${String(cause.syscall)} failed` : undefined;
  return { kind: "unknown", reason: failedCall ?? codeOf(cause) ?? "connection lost" };
}

function codeOf(cause: unknown): string | undefined {
  if (!(cause instanceof Error)) return undefined;
  if ("code" in cause && typeof cause.code === "string") return cause.code;
  if (cause instanceof AggregateError) return codeOf(cause.errors[0]);
  return codeOf(cause.cause);
}

function isTimeout(cause: unknown): boolean {
  return cause instanceof DOMException && cause.name === "TimeoutError";
}
