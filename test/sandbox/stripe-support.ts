// A sandbox, Stripe's own SDK pointed at it, and bare HTTP where the SDK would hide what is tested.

import { Stripe } from "stripe";
import { afterEach } from "vitest";
import {
  type SandboxOptions,
  type StripeSandbox,
  startStripeSandbox,
} from "../../packages/sandbox/src/stripe/server.js";

export const token = "sk_test_sandbox0123456789";

const open: StripeSandbox[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((sandbox) => sandbox.close()));
});

/** Closed when the test is over. */
export async function start(options: SandboxOptions = {}): Promise<StripeSandbox> {
  const sandbox = await startStripeSandbox({ token, seed: 7, rate: { calls: 1000, perMs: 1000 }, ...options });
  open.push(sandbox);
  return sandbox;
}

export function sdk(sandbox: StripeSandbox, key = token): Stripe {
  return new Stripe(key, {
    host: "127.0.0.1",
    port: sandbox.port,
    protocol: "http",
    maxNetworkRetries: 0,
    telemetry: false,
  });
}

interface Sent {
  /** As it stands in the body: `name=Ada&metadata[tier]=gold`. */
  readonly form?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export function call(
  sandbox: { readonly url: string },
  method: string,
  path: string,
  sent: Sent = {},
): Promise<Response> {
  const { form, headers, signal } = sent;
  return fetch(`${sandbox.url}${path}`, {
    method,
    headers: {
      Authorization: `Bearer ${token}`,
      ...(form === undefined ? {} : { "Content-Type": "application/x-www-form-urlencoded" }),
      ...headers,
    },
    ...(form === undefined ? {} : { body: form }),
    ...(signal === undefined ? {} : { signal }),
  });
}

/** The error in an answer, as far as Stripe promises it. */
export async function errorOf(answer: Response | Promise<Response>): Promise<unknown> {
  const whole = await answer;
  const body: unknown = await whole.json();
  if (typeof body !== "object" || body === null || !("error" in body)) throw new Error("the answer is no error");
  return { status: whole.status, ...Object(body.error) };
}

/** The id of the only object, or of the one at that place. */
export function idAt(ids: readonly string[], at = 0): string {
  const id = ids[at];
  if (id === undefined) throw new Error(`there is no id at ${at}`);
  return id;
}

/** What a promise is rejected with. */
export function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => {
      throw new Error("it was not refused");
    },
    (cause: unknown) => cause,
  );
}
