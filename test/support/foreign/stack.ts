// The stack of test/support/served-stack.ts over one of the foreign APIs: its manifest, and no code.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { TableConfig } from "../../../src/config/api.js";
import { readYaml } from "../../../src/config/yaml.js";
import { manifestSchema } from "../../../src/manifest/manifest.js";
import { startManifestStack } from "../manifest-stack.js";
import type { ServedStack } from "../served-stack.js";
import { type Shelf, startShelf } from "./shelf.js";

interface Foreign<Api> {
  /** The manifest's file, and the API's name. */
  readonly name: string;
  readonly resource: string;
  readonly api: Api;
  readonly values: Readonly<Record<string, string>>;
  /** What the config says of the table. */
  readonly table?: Partial<TableConfig>;
  readonly switches?: readonly string[];
}

export async function startForeignStack<Api extends { readonly url: string; close(): Promise<void> }>({
  name,
  resource,
  api,
  values,
  table = {},
  switches = [],
}: Foreign<Api>): Promise<ServedStack & { readonly api: Api }> {
  const path = fileURLToPath(new URL(`${name}.yaml`, import.meta.url));
  const manifest = readYaml(path, readFileSync(path, "utf8"), manifestSchema);
  const { url, close } = api;
  const served = await startManifestStack({ schema: name, manifest, resource, url, values, table, switches, close });
  return { ...served, api };
}

/** The stack over the shelf and its books. */
export async function startShelfStack(
  options: Pick<Foreign<Shelf>, "table" | "switches"> = {},
): Promise<ServedStack & { readonly api: Shelf }> {
  const api = await startShelf();
  return startForeignStack({ name: "shelf", resource: "books", api, values: { token: "shelf-token" }, ...options });
}
