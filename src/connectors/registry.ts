// The connectors that come with Throughline: one folder each, with its manifest.

import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { readYaml } from "../config/yaml.js";
import { type Manifest, manifestSchema } from "../connector/manifest.js";

/** The manifest of a connector; undefined when there is none of that name. */
export function manifestOf(connector: string): Manifest | undefined {
  if (!/^[a-z][a-z0-9_]*$/.test(connector)) return undefined;
  const path = fileURLToPath(new URL(`./${connector}/manifest.yaml`, import.meta.url));
  return existsSync(path) ? readYaml(path, readFileSync(path, "utf8"), manifestSchema) : undefined;
}
