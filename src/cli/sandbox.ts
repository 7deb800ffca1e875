// throughline sandbox: a local twin of an API.

import { parseFault } from "../sandbox/hubspot/fault.js";
import { startHubspotSandbox } from "../sandbox/hubspot/server.js";
import { type Command, interrupted, numberFlag, UsageError } from "./command.js";

export const sandboxCommand: Command = async (options, io) => {
  const [api] = options.names;
  if (api !== "hubspot") throw new UsageError("there is a sandbox of: hubspot");
  const named = options.flags["fault"];
  const faults = (Array.isArray(named) ? named : []).map(String).map((text) => {
    try {
      return parseFault(text);
    } catch (cause) {
      throw new UsageError(cause instanceof Error ? cause.message : String(cause));
    }
  });
  const sandbox = await startHubspotSandbox({
    port: numberFlag(options, "port", 0),
    seed: numberFlag(options, "seed", 0),
    faults,
  });
  io.out(options.json ? JSON.stringify({ url: sandbox.url }) : sandbox.url);
  io.err("any token is let in; stop it with Ctrl-C");
  await interrupted();
  await sandbox.close();
  return 0;
};
