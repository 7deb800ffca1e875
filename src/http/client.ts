// One HTTP request. Its ending is a value: answered, certainly not sent, or nobody knows.

import { type Dispatcher, request } from "undici";

export interface HttpRequest {
  readonly method: Dispatcher.HttpMethod;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  /** For the whole answer, from sending to its last byte. */
  readonly timeoutMs: number;
  /** Aborted: nobody waits for the answer any more. */
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

/** An answer that is larger is not read to its end. */
const maxBodyBytes = 64 * 1024 * 1024;

/** No byte of the request can have left when one of these ends it. */
const neverConnected = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
  // Its certificate is not trusted: we end the handshake.
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
  // There is no handshake.
  "ERR_SSL_NO_PROTOCOLS_AVAILABLE",
  "ERR_SSL_PACKET_LENGTH_TOO_LONG",
  "ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE",
  "ERR_SSL_TLSV1_UNRECOGNIZED_NAME",
  "ERR_SSL_UNSUPPORTED_PROTOCOL",
  "ERR_SSL_WRONG_VERSION_NUMBER",
]);

/** Sends once: nothing is repeated and no redirect is followed. */
export async function sendHttp({ method, url, headers, body, timeoutMs, signal }: HttpRequest): Promise<HttpOutcome> {
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const answer = await request(url, {
      method,
      headers,
      body: body ?? null,
      signal: signal ? AbortSignal.any([timeout, signal]) : timeout,
    });
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of answer.body) {
      const bytes = Buffer.from(chunk);
      size += bytes.length;
      if (size > maxBodyBytes) {
        answer.body.destroy();
        return { kind: "unknown", reason: `the answer is larger than ${maxBodyBytes} bytes` };
      }
      chunks.push(bytes);
    }
    return {
      kind: "answered",
      status: answer.statusCode,
      headers: new Map(Object.entries(answer.headers).map(([name, value]) => [name, String(value)])),
      // A byte order mark is no part of it.
      body: new TextDecoder().decode(Buffer.concat(chunks)),
    };
  } catch (cause) {
    if (signal?.aborted) return { kind: "unknown", reason: "cancelled while it was under way" };
    const code = codeOf(cause);
    // Such as a header that holds a line end; it names the header, not its value.
    if (code === "UND_ERR_INVALID_ARG")
      return { kind: "unsent", reason: cause instanceof Error ? cause.message : code };
    if (code !== undefined && neverConnected.has(code)) return { kind: "unsent", reason: code };
    return {
      kind: "unknown",
      reason: isTimeout(cause) ? `no answer within ${timeoutMs} ms` : (code ?? "connection lost"),
    };
  }
}

function codeOf(cause: unknown): string | undefined {
  if (!(cause instanceof Error)) return undefined;
  // A route that is lost ends an established connection with the same codes as one that was never made.
  if ("syscall" in cause && !["connect", "getaddrinfo"].includes(String(cause.syscall)))
    return `${String(cause.syscall)} failed`;
  if ("code" in cause && typeof cause.code === "string") return cause.code;
  if (cause instanceof AggregateError) return codeOf(cause.errors[0]);
  return codeOf(cause.cause);
}

function isTimeout(cause: unknown): boolean {
  return cause instanceof DOMException && cause.name === "TimeoutError";
}
