// The sandboxes there are, by API, for whoever starts one by name.

import { parseFault as parseHubspotFault } from "./hubspot/fault.js";
import { startHubspotSandbox } from "./hubspot/server.js";
import { parseFault as parseStripeFault } from "./stripe/fault.js";
import { startStripeSandbox } from "./stripe/server.js";

export interface SandboxSwitches {
  readonly port: number;
  readonly seed: number;
  /** As on the command line: NAME or NAME:N. Throws for one that is unknown. */
  readonly faults: readonly string[];
}

export interface RunningSandbox {
  readonly url: string;
  close(): Promise<void>;
}

export const sandboxes: Readonly<Record<string, (switches: SandboxSwitches) => Promise<RunningSandbox>>> = {
  hubspot: async ({ port, seed, faults }) => startHubspotSandbox({ port, seed, faults: faults.map(parseHubspotFault) }),
  stripe: async ({ port, seed, faults }) => startStripeSandbox({ port, seed, faults: faults.map(parseStripeFault) }),
};
