// throughline init: writes a config with comments, and says what has to be exported. It holds no secret.

import { chmodSync, statSync, writeFileSync } from "node:fs";
import { UsageError } from "../app/usage-error.js";
import { variableOf } from "../config/substitute.js";
import { suggestion } from "../config/suggest.js";
import { connectorNames, manifestOf } from "../connectors/registry.js";
import { anyTable } from "../manifest/column-schema.js";
import type { Manifest } from "../manifest/manifest.js";
import type { Command } from "./command.js";

/** An environment variable that the file asks for. */
interface EnvironmentVariable {
  readonly name: string;
  readonly about: string;
}

export const initCommand: Command = async (options, io) => {
  const connectors = connectorNames();
  const names = [...new Set(options.names)];
  for (const name of names) {
    if (!connectors.includes(name))
      throw new UsageError(`there is no connector "${name}"; ${suggestion(name, connectors)}`);
  }
  const database = databaseOf(options.flags["postgres"]);
  const manifests = (names.length > 0 ? names : connectors).flatMap((name) => manifestOf(name) ?? []);
  const text = [...head(database.url), ...manifests.flatMap((manifest) => part(manifest, names.length > 0))].join("\n");
  if (!write(options.config, `${text}\n`, options.flags["force"] === true)) {
    io.err(`${options.config} is there already, and stays as it is; --force replaces it, -c FILE writes another`);
    return 1;
  }
  const environmentVariables = [
    ...variablesIn(database.url),
    ...(names.length > 0 ? manifests.flatMap(variables) : []),
  ];
  const next = `throughline check${options.config === "throughline.yaml" ? "" : ` -c ${options.config}`}`;
  if (options.json) io.out(JSON.stringify({ file: options.config, export: environmentVariables, next }));
  if (database.heldPassword)
    io.err("the URL of --postgres holds a password, so the file has ${DATABASE_URL} in its place");
  io.err(`${options.config} is written${names.length > 0 ? "" : ": remove the # before an API that you want"}; now:`);
  for (const { name, about } of environmentVariables) io.err(`  export ${name}=…    # ${about}`);
  io.err(`  ${next}`);
  return 0;
};

const aboutDatabase = "the database that holds the mirrors, as a login that no client uses";

function variablesIn(url: string): EnvironmentVariable[] {
  return [...url.matchAll(/\$\{(\w+)\}/g)].map(([whole, name = ""]) => ({
    name,
    about: `${whole === url ? "" : "part of "}the URL of ${aboutDatabase}`,
  }));
}

interface Database {
  /** As it stands in the file. */
  readonly url: string;
  readonly heldPassword: boolean;
}

function databaseOf(postgresFlag: unknown): Database {
  if (typeof postgresFlag !== "string") return { url: "${DATABASE_URL}", heldPassword: false };
  // A variable in it is filled in when the file is read: its name is no secret.
  const bare = postgresFlag.replaceAll(/\$\{[^}]*\}/g, "");
  const url = URL.canParse(bare) ? new URL(bare) : undefined;
  // What was given is not repeated: it may hold a password, in a place that we can't tell.
  if (bare !== "" && !["postgres:", "postgresql:"].includes(url?.protocol ?? ""))
    throw new UsageError("--postgres takes a URL such as postgres://throughline@localhost:5432/mydb");
  const heldPassword = url !== undefined && (url.password !== "" || Boolean(url.searchParams.get("password")));
  return { url: heldPassword ? "${DATABASE_URL}" : postgresFlag, heldPassword };
}

function head(url: string): string[] {
  return [
    "# Which APIs are tables of which Postgres. What is not said here has a default.",
    "# ${NAME} is an environment variable, ${file:/path} the text of a file: a secret itself has no place here.",
    "",
    "postgres:",
    `  url: ${url === "${DATABASE_URL}" ? url : JSON.stringify(url)}  # ${aboutDatabase}`,
    "  # admin_url: ${ADMIN_URL:-}  # a login that changes tables, where the one above only serves",
    "  # grant: {app: [select, insert, update, delete]}  # who may do what with them: `throughline migrate` grants it",
    "  # switches: [authenticator]  # a login that only takes on other roles by SET ROLE: rules of `write` ask those",
    "",
    "apis:",
  ];
}

/** One API's lines; what is not `enabled` is a comment. */
function part(manifest: Manifest, isEnabled: boolean): string[] {
  const { api, config, tables } = manifest;
  const tableNames = Object.keys(tables).filter((name) => name !== anyTable);
  const lines = [
    `${api}:  # the schema of its mirrors`,
    ...Object.entries(config).map(([key, { about, default: fallback }]) =>
      fallback === undefined
        ? `  ${key}: \${${variableOf(api, key)}}  # ${about}`
        : `  # ${key}: ${JSON.stringify(fallback)}  # ${about}`,
    ),
    "  tables:  # without a list: all of these",
    ...tableNames.map((name) => `    - ${name}`),
    ...(tableNames.length < Object.keys(tables).length
      ? ["    # and others of the account's own, by their names there"]
      : []),
  ];
  return lines.map((line) => (isEnabled ? `  ${line}` : `  # ${line}`));
}

function variables({ api, config }: Manifest): EnvironmentVariable[] {
  return Object.entries(config).flatMap(([key, { about, default: fallback }]) =>
    fallback === undefined ? [{ name: variableOf(api, key), about }] : [],
  );
}

/** An address of Postgres may hold a password, and a file is edited by hand. */
const ownerOnly = 0o600;

/** False: there is such a file, and it is not to be replaced. */
function write(path: string, text: string, force: boolean): boolean {
  try {
    // A file that was there would keep its mode.
    if (force && statSync(path, { throwIfNoEntry: false })?.isFile()) chmodSync(path, ownerOnly);
    writeFileSync(path, text, { flag: force ? "w" : "wx", mode: ownerOnly });
    return true;
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "EEXIST") return false;
    throw cause;
  }
}
