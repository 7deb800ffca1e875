// stripe-stateful-mock, which others have modelled on the live API of version 2020-08-27, beside this sandbox: how both are
// asked the same, and the fields in which they differ, each with its reason.

import { once } from "node:events";
import { createServer } from "node:http";
import { vi } from "vitest";
import { call } from "./stripe-support.js";

type Fields = Readonly<Record<string, unknown>>;

export interface Seen {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Fields;
}

interface Upstream {
  readonly url: string;
}

/** `{id}` in a path or form is the id of the first answer. */
export type Step = readonly [method: string, path: string, form?: string, idempotencyKey?: string];

const newer = "a field of a later version than the mock's";
const absent = "the mock leaves it out of a service, where it is null";

const exceptions: Readonly<Record<string, Fields>> = {
  customer: { customer_account: newer, tax_ids: "today only in an expanded answer", test_clock: newer },
  product: {
    default_price: newer,
    marketing_features: newer,
    package_dimensions: absent,
    shippable: absent,
    tax_code: newer,
    tax_details: newer,
    url: absent,
  },
  price: { custom_unit_amount: newer, tax_behavior: newer },
  list: { url: "the mock answers every list with the url of refunds" },
  recurring: { aggregate_usage: "gone since there are meters", meter: newer },
  invoice_settings: { rendering_options: newer },
  shipping: { carrier: "today absent until it is set", tracking_number: "today absent until it is set" },
};

/** Different each time. */
const unsettled: Fields = { id: "id", created: 0, updated: 0, invoice_prefix: "prefix", product: "id" };

export async function startMock(): Promise<Upstream & { close(): void }> {
  // It says of each key that is used twice that it is; its logger binds the console when it is loaded.
  const quiet = vi.spyOn(console, "error").mockImplementation(() => {});
  const { createExpressApp } = await import("stripe-stateful-mock");
  const server = createServer(createExpressApp()).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the mock listens on no TCP port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    close() {
      server.closeAllConnections();
      server.close();
      quiet.mockRestore();
    },
  };
}

/** The answer to the last step. */
export async function last(upstream: Upstream, steps: readonly Step[]): Promise<Seen> {
  let id = "";
  let answer: Seen | undefined;
  for (const [method, path, form, key] of steps) {
    const headers = key === undefined ? {} : { "Idempotency-Key": key };
    const sent = form === undefined ? { headers } : { form: form.replaceAll("{id}", id), headers };
    answer = await seen(call(upstream, method, path.replaceAll("{id}", id), sent));
    id ||= String(answer.body["id"] ?? "");
  }
  if (!answer) throw new Error("there is no step");
  return answer;
}

export async function seen(response: Promise<Response>): Promise<Seen> {
  const answer = await response;
  return { status: answer.status, headers: answer.headers, body: Object(await answer.json()) };
}

/** An error but for its words, which Stripe promises nobody. */
export function essence({ body }: Seen): unknown {
  const { type, code, param, doc_url: docUrl } = Object(body["error"]);
  return { type, code, param, docUrl };
}

/** Without what differs each time, and without the exceptions. */
export function settled(value: unknown, name = ""): unknown {
  if (Array.isArray(value)) return value.map((item) => settled(item));
  if (typeof value !== "object" || value === null) return value;
  const fields: Fields = Object(value);
  const excepted = exceptions[String(fields["object"] ?? name)] ?? {};
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([key]) => !(key in excepted))
      .map(([key, below]) => [key, key in unsettled ? unsettled[key] : settled(below, key)]),
  );
}
