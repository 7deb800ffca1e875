// The stack of test/support/stack.ts over the echo: a mirror that stores what it is sent, as an ordinary table does.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { readYaml } from "../../src/config/yaml.js";
import { manifestSchema } from "../../src/manifest/manifest.js";
import { type Echo, startEcho } from "./echo.js";
import { startManifestStack } from "./manifest-stack.js";
import type { ServedStack } from "./served-stack.js";

export interface EchoStack extends ServedStack {
  readonly echo: Echo;
}

/** `schema`: where the mirror is, and the name of the API. */
export async function startEchoStack(schema: string, file = "echo.yaml", resource = "contacts"): Promise<EchoStack> {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const manifest = readYaml(path, readFileSync(path, "utf8"), manifestSchema);
  const unique = Object.entries(manifest.tables[resource]?.columns ?? {}).flatMap(([name, column]) =>
    "unique" in column && column.unique ? [name] : [],
  );
  const echo = await startEcho(unique);
  const served = await startManifestStack({ schema, manifest, resource, url: echo.url, close: () => echo.close() });
  return { ...served, echo };
}
