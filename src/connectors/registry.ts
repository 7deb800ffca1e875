// The connectors: those that come with Throughline, one folder each, and manifests of the user's own.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { isAbsolute } from "node:path";
import { fileURLToPath } from "node:url";
import { ConfigError, readYaml } from "../config/yaml.js";
import { type CheckedHooks, checkedHooks } from "../manifest/hooks.js";
import { type Manifest, manifestSchema } from "../manifest/manifest.js";

/** The manifest of a connector, by its name or its file's absolute path; undefined when there is none. Throws ConfigError. */
export function manifestOf(connector: string): Manifest | undefined {
  const path = pathOf(connector);
  if (path === undefined || !existsSync(path)) return undefined;
  return readManifest(path);
}

/** The text of a connector's manifest, by which a changed one is known. */
export function manifestText(connector: string): string {
  return readText(pathOf(connector) ?? connector);
}

/** The manifest in a file, by a schema of manifests. Throws ConfigError, in which the file goes by the name that it is given here. */
export function readManifest(file: string, schema: typeof manifestSchema = manifestSchema): Manifest {
  return readYaml(file, readText(file), schema);
}

/** The connectors that come with Throughline. */
export function connectorNames(): readonly string[] {
  return readdirSync(new URL("./", import.meta.url), { withFileTypes: true })
    .flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
    .sort();
}

/** The hooks of a connector, if it has any: of a user's `NAME.yaml`, what `NAME.hooks.js` or `NAME.hooks.mjs` exports. Throws ConfigError. */
export function hooksOf(connector: string): CheckedHooks | undefined {
  if (!isAbsolute(connector)) return undefined;
  const name = connector.replace(/\.ya?ml$/, "");
  const [file, other] = [`${name}.hooks.js`, `${name}.hooks.mjs`].filter((path) => existsSync(path));
  if (other !== undefined) throw new ConfigError([`${other}: there is ${file} as well`]);
  return file === undefined ? undefined : checkedHooks(file, load(file));
}

function load(file: string): object {
  try {
    return createRequire(import.meta.url)(file);
  } catch (cause) {
    throw new ConfigError([`${placeIn(file, cause)}: ${cause instanceof Error ? cause.message : String(cause)}`]);
  }
}

/** The stack of a syntax error begins with its file and line. */
function placeIn(file: string, cause: unknown): string {
  const first = cause instanceof Error ? cause.stack?.split("\n", 1)[0] : undefined;
  const line =
    first?.startsWith(`${file}:`) || first?.startsWith(`file://${file}:`) ? /:(\d+)$/.exec(first)?.[1] : undefined;
  return line === undefined ? file : `${file}:${line}`;
}

function pathOf(connector: string): string | undefined {
  if (isAbsolute(connector)) return connector;
  if (!/^[a-z][a-z0-9_]*$/.test(connector)) return undefined;
  return fileURLToPath(new URL(`./${connector}/manifest.yaml`, import.meta.url));
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unreadable";
    throw new ConfigError([`${path}: can't be read (${code})`]);
  }
}
