// Idempotency keys: the first answer of a request whose parameters were good is kept a day, and given again.

import { type Answer, refusalAnswer } from "./answer.js";
import { fingerprint } from "./form.js";
import { invalid } from "./refusal.js";
import type { ApiRequest } from "./request.js";

const keptMs = 24 * 60 * 60 * 1000;

interface Kept {
  readonly path: string;
  readonly params: string;
  readonly requestId: string;
  readonly atMs: number;
  readonly answer: Answer;
}

export class IdempotencyKeys {
  readonly #kept = new Map<string, Kept>();
  readonly #inUse = new Set<string>();

  /** Executes the request, unless its key has an answer already or is in use. */
  answer(request: ApiRequest, execute: () => Answer): Answer {
    const key = request.idempotencyKey;
    if (key === undefined) return execute();
    if (key.length > 255) {
      return refusalAnswer(request, invalid("Idempotency keys can be at most 255 characters long.", "Idempotency-Key"));
    }
    const params = fingerprint(request.params);
    const kept = this.#keptFor(key, request.atMs);
    const mismatch = kept && refuseReuse(kept, request, key, params);
    if (mismatch) return refusalAnswer(request, { ...invalid(mismatch), type: "idempotency_error" });
    if (this.#inUse.has(key)) return inUse(request, key);
    if (kept) return withHeaders(kept.answer, { "Original-Request": kept.requestId, "Idempotent-Replayed": "true" });
    const answer = execute();
    if (answer.kept) {
      this.#kept.set(key, { path: request.path, params, requestId: request.id, atMs: request.atMs, answer });
    }
    return withHeaders(answer, { "Original-Request": request.id });
  }

  /** From now on the key's request is being answered, until the returned function is called. */
  hold(request: ApiRequest): () => void {
    const key = request.idempotencyKey;
    if (key === undefined || this.#inUse.has(key)) return () => {};
    this.#inUse.add(key);
    return () => this.#inUse.delete(key);
  }

  #keptFor(key: string, atMs: number): Kept | undefined {
    const kept = this.#kept.get(key);
    return kept && atMs - kept.atMs < keptMs ? kept : undefined;
  }
}

function refuseReuse(kept: Kept, request: ApiRequest, key: string, params: string): string | undefined {
  const another = `Try using a key other than '${key}' if you meant to execute a different request.`;
  if (kept.path !== request.path) {
    return `Keys for idempotent requests can only be used for the same endpoint they were first used for ('${request.path}' vs '${kept.path}'). ${another}`;
  }
  if (kept.params !== params) {
    return `Keys for idempotent requests can only be used with the same parameters they were first used with. ${another}`;
  }
  return undefined;
}

function inUse(request: ApiRequest, key: string): Answer {
  const message = `There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, and the other request is still going through): ${key}. Please try again later.`;
  return refusalAnswer(request, { ...invalid(message, undefined, "idempotency_key_in_use"), status: 409 });
}

function withHeaders(answer: Answer, headers: Readonly<Record<string, string>>): Answer {
  return { ...answer, headers: { ...answer.headers, ...headers } };
}
