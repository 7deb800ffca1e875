// One HTTP request. Its outcome is a value: answered, certainly not sent, or unknown.

import { type Dispatcher, request } from "undici";
import { inSlices, type Slices } from "../config/slices.js";
import { timerMs } from "../config/timer.js";
import { SentTooLate, watchedSending } from "./sending.js";

export interface HttpRequest {
  readonly method: Dispatcher.HttpMethod;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  /** The longest time from sending the request to the last byte of its answer. */
  readonly timeoutMs: number;
  /** When the permission to send it expires, as `performance.now()` tells the time; never if absent. */
  readonly sendByMs?: number | undefined;
  /** Aborted when the client no longer waits for the answer. */
  readonly signal?: AbortSignal | undefined;
}

export type HttpOutcome =
  | {
      readonly kind: "answered";
      readonly status: number;
      readonly headers: ReadonlyMap<string, string>;
      /** The text of the body, in pieces that follow each other: to put a large text together holds the loop. */
      readonly body: readonly string[];
    }
  | { readonly kind: "unsent"; readonly reason: string }
  | {
      readonly kind: "unknown";
      readonly reason: string;
      /** Another try would end the same way. */
      readonly isLasting?: true;
    };

/** We read no answer that is larger to its end. */
const maxBodyBytes = 16 * 1024 * 1024;

/** Smaller chunks are put together: an API may send its answer byte by byte. */
const leastPiece = 8192;

/** Sends the request once and returns how it ended. Repeats nothing and follows no redirect. Never throws. */
export async function sendHttp(httpRequest: HttpRequest): Promise<HttpOutcome> {
  const { method, url, headers, body, timeoutMs, sendByMs, signal } = httpRequest;
  const timeout = AbortSignal.timeout(timerMs(timeoutMs));
  const sending = watchedSending(sendByMs);
  try {
    const answer = await request(url, {
      dispatcher: sending.dispatcher,
      method,
      headers,
      body: body ?? null,
      signal: signal ? AbortSignal.any([timeout, signal]) : timeout,
    });
    const pieces = await readBody(answer.body, decoderFor(answer.headers["content-type"]));
    if (!pieces)
      return {
        kind: "unknown",
        reason: `the answer is larger than ${maxBodyBytes / 1024 / 1024} MB`,
        isLasting: true,
      };
    return {
      kind: "answered",
      status: answer.statusCode,
      headers: new Map(Object.entries(answer.headers).map(([name, value]) => [name, String(value)])),
      body: pieces,
    };
  } catch (cause) {
    if (!sending.hasBegun()) return { kind: "unsent", reason: unsentReason(cause, timeoutMs) };
    if (signal?.aborted) return { kind: "unknown", reason: "cancelled while it was under way" };
    return afterFailure(cause, timeoutMs);
  }
}

type TextDecoder = InstanceType<typeof TextDecoder>;

/** Returns the decoder of a body, which drops a byte order mark. JSON is UTF-8 (RFC 8259) whatever its header says. */
function decoderFor(contentType: string | readonly string[] | undefined): TextDecoder {
  const [, charset = "utf-8"] = /^text\/[^;]*;.*?charset="?([\w.:-]+)/i.exec(String(contentType)) ?? [];
  try {
    return new TextDecoder(charset);
  } catch {
    return new TextDecoder();
  }
}

/** Returns the text of the whole body in pieces; undefined when it is larger than we read. */
async function readBody(
  body: Dispatcher.ResponseData["body"],
  decoder: TextDecoder,
): Promise<readonly string[] | undefined> {
  const pieces: string[] = [];
  let piece = "";
  let length = 0;
  for await (const chunk of body) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length > maxBodyBytes) {
      body.destroy();
      return undefined;
    }
    // One turn may bring 2 MB. While this waits for the next one, the socket is not read.
    piece += await inSlices(decoding(decoder, bytes));
    if (piece.length < leastPiece) continue;
    pieces.push(piece);
    piece = "";
  }
  return [...pieces, piece + decoder.decode()];
}

// biome-ignore lint/correctness/useYield: a chunk is short, and many of them are not
function* decoding(decoder: TextDecoder, chunk: Buffer): Slices<string> {
  return decoder.decode(chunk, { stream: true });
}

/** Why a request did not go out: it could not be composed, or no connection could be made. */
function unsentReason(cause: unknown, timeoutMs: number): string {
  if (cause instanceof SentTooLate) return `it could not be sent within ${timeoutMs} ms of being noted`;
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
