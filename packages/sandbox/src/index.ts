// Local twins of APIs, for tests and demos: started by the API's name, each a real HTTP server on loopback.

import { parseFault as parseHubspotFault } from "./hubspot/fault.js";
import {
  type HubspotSandbox,
  type SandboxOptions as HubspotSandboxOptions,
  startHubspotSandbox,
} from "./hubspot/server.js";
import { parseFault as parseStripeFault } from "./stripe/fault.js";
import {
  type StripeSandbox,
  type SandboxOptions as StripeSandboxOptions,
  startStripeSandbox,
} from "./stripe/server.js";

export type { HubspotSandbox, HubspotSandboxOptions, StripeSandbox, StripeSandboxOptions };

/** What each API's sandbox is, and what it can be started with. */
interface Sandboxes {
  readonly hubspot: { readonly sandbox: HubspotSandbox; readonly options: HubspotSandboxOptions };
  readonly stripe: { readonly sandbox: StripeSandbox; readonly options: StripeSandboxOptions };
}

export type SandboxName = keyof Sandboxes;

/** The options of one API's sandbox. A fault may be written as on a command line: `rate-limit`, or `rate-limit:3` to strike three requests. */
export type StartOptions<Name extends SandboxName> = Omit<Sandboxes[Name]["options"], "faults"> & {
  readonly faults?: readonly (string | NonNullable<Sandboxes[Name]["options"]["faults"]>[number])[];
};

const starters: {
  readonly [Name in SandboxName]: (options?: StartOptions<Name>) => Promise<Sandboxes[Name]["sandbox"]>;
} = {
  hubspot: ({ faults = [], ...options } = {}) =>
    startHubspotSandbox({
      ...options,
      faults: faults.map((one) => (typeof one === "string" ? parseHubspotFault(one) : one)),
    }),
  stripe: ({ faults = [], ...options } = {}) =>
    startStripeSandbox({
      ...options,
      faults: faults.map((one) => (typeof one === "string" ? parseStripeFault(one) : one)),
    }),
};

/** The APIs that have a sandbox. */
export const sandboxNames: readonly string[] = Object.keys(starters);

/** Whether there is a sandbox of this API. */
export function isSandboxName(name: string): name is SandboxName {
  return sandboxNames.includes(name);
}

/**
 * Starts the sandbox of an API on 127.0.0.1; resolves when it takes requests. Its records are in memory, and gone with it.
 *
 * ```ts
 * const hubspot = await startSandbox("hubspot");
 * const [id] = hubspot.seed("contacts", [{ email: "ada@example.com" }]);
 * await runMyProgram({ base: hubspot.url });
 * console.log(hubspot.log.map(({ method, path, status }) => `${method} ${path} ${status}`));
 * await hubspot.close();
 * ```
 *
 * Throws an Error that names the faults there are when one of `faults` is unknown; rejects when `port` is taken.
 */
export async function startSandbox<Name extends SandboxName>(
  name: Name,
  options?: StartOptions<Name>,
): Promise<Sandboxes[Name]["sandbox"]> {
  return starters[name](options);
}
