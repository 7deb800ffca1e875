// throughline sandbox: a local twin of an API.

import { suggestion } from "../config/nearest.js";
import { sandboxes } from "../sandbox/registry.js";
import { type Command, interrupted, numberFlag, UsageError } from "./command.js";

export const sandboxCommand: Command = async (options, io) => {
  const [api = ""] = options.names;
  const start = Object.hasOwn(sandboxes, api) ? sandboxes[api] : undefined;
  if (!start) throw new UsageError(`there is no sandbox of "${api}"; ${suggestion(api, Object.keys(sandboxes))}`);
  const named = options.flags["fault"];
  const switches = {
    port: numberFlag(options, "port", 0),
    seed: numberFlag(options, "seed", 0),
    faults: Array.isArray(named) ? named.map(String) : [],
  };
  const sandbox = await start(switches).catch((cause: unknown) => {
    throw cause instanceof Error && !("code" in cause) ? new UsageError(cause.message) : cause;
  });
  io.out(options.json ? JSON.stringify({ url: sandbox.url }) : sandbox.url);
  io.err("any token is let in; stop it with Ctrl-C");
  await interrupted();
  await sandbox.close();
  return 0;
};
