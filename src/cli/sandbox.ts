// throughline sandbox: a local twin of an API.

import { isSandboxName, sandboxNames, startSandbox } from "@throughline/sandbox";
import { UsageError } from "../app/usage-error.js";
import { suggestion } from "../config/suggest.js";
import { awaitInterruption, type Command, numberFlag } from "./command.js";

export const sandboxCommand: Command = async (options, io) => {
  const [api = ""] = options.names;
  if (!isSandboxName(api)) throw new UsageError(`there is no sandbox of "${api}"; ${suggestion(api, sandboxNames)}`);
  const faultFlags = options.flags["fault"];
  const sandbox = await startSandbox(api, {
    port: numberFlag(options, "port", 0),
    seed: numberFlag(options, "seed", 0),
    faults: Array.isArray(faultFlags) ? faultFlags.map(String) : [],
  }).catch((cause: unknown) => {
    throw cause instanceof Error && !("code" in cause) ? new UsageError(cause.message) : cause;
  });
  io.out(options.json ? JSON.stringify({ url: sandbox.url }) : sandbox.url);
  io.err("any token is let in; stop it with Ctrl-C");
  await awaitInterruption();
  await sandbox.close();
  return 0;
};
