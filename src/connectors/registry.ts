// The connectors: those that come with Throughline, one folder each, and manifests of the user's own.

import { existsSync, readFileSync } from "node:fs";
import { isAbsolute } from "node:path";
import { fileURLToPath } from "node:url";
import { readYaml } from "../config/yaml.js";
import { type Manifest, manifestSchema } from "../connector/manifest.js";

/** The manifest of a connector, by its name or its file's absolute path; undefined when there is none. Throws ConfigError. */
export function manifestOf(connector: string): Manifest | undefined {
  const path = pathOf(connector);
  if (path === undefined || !existsSync(path)) return undefined;
  return readYaml(path, readFileSync(path, "utf8"), manifestSchema);
}

function pathOf(connector: string): string | undefined {
  if (isAbsolute(connector)) return connector;
  if (!/^[a-z][a-z0-9_]*$/.test(connector)) return undefined;
  return fileURLToPath(new URL(`./${connector}/manifest.yaml`, import.meta.url));
}
