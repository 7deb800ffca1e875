// Local twins of APIs, for tests and demos: started by the API's name, each a real HTTP server on loopback.

import {
  type HubspotSandbox,
  type SandboxOptions as HubspotSandboxOptions,
  startHubspotSandbox,
} from "./hubspot/server.js";
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

const starters: {
  readonly [Name in SandboxName]: (options?: Sandboxes[Name]["options"]) => Promise<Sandboxes[Name]["sandbox"]>;
} = { hubspot: startHubspotSandbox, stripe: startStripeSandbox };

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
 * Rejects with an Error that names what there is for an unknown name or fault, and with the error of `listen` when `port` is taken.
 */
export async function startSandbox<Name extends SandboxName>(
  name: Name,
  options?: Sandboxes[Name]["options"],
): Promise<Sandboxes[Name]["sandbox"]> {
  // A program that is not type-checked may ask for any name.
  if (!isSandboxName(name)) throw new Error(`there is no sandbox of "${name}"; there are ${sandboxNames.join(", ")}`);
  return starters[name](options);
}
