// A sandbox, HubSpot's own SDK pointed at it, and bare HTTP where the SDK would hide what is tested.

import { Client } from "@hubspot/api-client";
import { afterEach } from "vitest";
import {
  type HubspotSandbox,
  type SandboxOptions,
  startHubspotSandbox,
} from "../../packages/sandbox/src/hubspot/server.js";

export const token = "pat-na1-sandbox";

const open: HubspotSandbox[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((sandbox) => sandbox.close()));
});

/** Closed when the test is over. */
export async function start(options: SandboxOptions = {}): Promise<HubspotSandbox> {
  const sandbox = await startHubspotSandbox({ token, seed: 7, ...options });
  open.push(sandbox);
  return sandbox;
}

export function sdk(sandbox: HubspotSandbox, accessToken = token): Client {
  return new Client({ accessToken, basePath: sandbox.url, numberOfApiCallRetries: 0 });
}

export function call(
  sandbox: HubspotSandbox,
  method: string,
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<Response> {
  return fetch(`${sandbox.url}${path}`, {
    method,
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  });
}

/** Rows with emails of their own. */
export function people(count: number): readonly { readonly email: string; readonly firstname: string }[] {
  return Array.from({ length: count }, (_, at) => ({ email: `p${at}@example.com`, firstname: `Person ${at}` }));
}

/** The id of the only record, or of the one at that place. */
export function idAt(ids: readonly string[], at = 0): string {
  const id = ids[at];
  if (id === undefined) throw new Error(`there is no id at ${at}`);
  return id;
}
