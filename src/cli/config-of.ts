// The config that a command works on: the file that -c names, with what the command line says of it.

import { readConfig } from "../app/open.js";
import { UsageError } from "../app/usage-error.js";
import { type Config, logLevels } from "../config/config.js";
import type { Options } from "./command.js";

/** Throws ConfigError for a wrong file, and UsageError for an unknown --log-level. */
export function configOf({ config: path, flags }: Options): Config {
  const config = readConfig(path);
  const level = flags["log-level"];
  if (level === undefined) return config;
  const logLevel = logLevels.find((one) => one === level);
  if (!logLevel) throw new UsageError(`--log-level is one of ${logLevels.join(", ")}`);
  return { ...config, log: { ...config.log, level: logLevel } };
}
