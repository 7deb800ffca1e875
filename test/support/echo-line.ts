// The line of test/support/line.ts over the echo: a mirror that stores what it is sent, as an ordinary table does.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { readYaml } from "../../src/config/yaml.js";
import { manifestSchema } from "../../src/manifest/manifest.js";
import { type Echo, startEcho } from "./echo.js";
import { startManifestLine } from "./manifest-line.js";
import type { Served } from "./served.js";

export interface EchoLine extends Served {
  readonly echo: Echo;
}

/** `schema`: where the mirror is, and the name of the API. */
export async function startEchoLine(schema: string, file = "echo.yaml", resource = "contacts"): Promise<EchoLine> {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const manifest = readYaml(path, readFileSync(path, "utf8"), manifestSchema);
  const unique = Object.entries(manifest.tables[resource]?.columns ?? {}).flatMap(([name, column]) =>
    "unique" in column && column.unique ? [name] : [],
  );
  const echo = await startEcho(unique);
  const served = await startManifestLine({ schema, manifest, resource, url: echo.url, close: () => echo.close() });
  return { ...served, echo };
}
