// One HTTP request. Its outcome is a value: answered, certainly not sent, or unknown.

import { type Dispatcher, request } from "undici";

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

/** The codes of failures before any byte of the request was sent. */
const neverConnected = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
  // We do not trust the certificate and end the handshake.
  "CERT_CHAIN_TOO_LONG",
  "CERT_HAS_EXPIRED",
  "CERT_NOT_YET_VALID",
  "CERT_REJECTED",
  "CERT_REVOKED",
  "CERT_UNTRUSTED",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "ERR_TLS_CERT_ALTNAME_INVALID",
  "HOSTNAME_MISMATCH",
  "INVALID_CA",
  "INVALID_PURPOSE",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  // The TLS handshake failed.
  "ERR_SSL_NO_PROTOCOLS_AVAILABLE",
  "ERR_SSL_PACKET_LENGTH_TOO_LONG",
  "ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE",
  "ERR_SSL_TLSV1_UNRECOGNIZED_NAME",
  "ERR_SSL_UNSUPPORTED_PROTOCOL",
  "ERR_SSL_WRONG_VERSION_NUMBER",
]);

/** Sends the request once and returns how it ended. Repeats nothing and follows no redirect. Never throws. */
export async function sendHttp({ method, url, headers, body, timeoutMs, signal }: HttpRequest): Promise<HttpOutcome> {
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const answer = await request(url, {
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

function afterFailure(cause: unknown, timeoutMs: number): HttpOutcome {
  const code = codeOf(cause);
  // undici refuses, for example, a header with a line end in it; the message names the header and not its value.
  if (code === "UND_ERR_INVALID_ARG") return { kind: "unsent", reason: cause instanceof Error ? cause.message : code };
  if (code !== undefined && neverConnected.has(code)) return { kind: "unsent", reason: code };
  return {
    kind: "unknown",
    reason: isTimeout(cause) ? `no answer within ${timeoutMs} ms` : (code ?? "connection lost"),
  };
}

function codeOf(cause: unknown): string | undefined {
  if (!(cause instanceof Error)) return undefined;
  // A lost route ends an established connection with the codes of a connection that was never made.
  if ("syscall" in cause && !["connect", "getaddrinfo"].includes(String(cause.syscall)))
    return `${String(cause.syscall)} failed`;
  if ("code" in cause && typeof cause.code === "string") return cause.code;
  if (cause instanceof AggregateError) return codeOf(cause.errors[0]);
  return codeOf(cause.cause);
}

function isTimeout(cause: unknown): boolean {
  return cause instanceof DOMException && cause.name === "TimeoutError";
}
