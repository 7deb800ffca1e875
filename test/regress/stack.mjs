// Debian's server with a fresh cluster, databases in it that have a mirror, and the proxy in front of each.

import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { Unable } from "../bench/scope.mjs";

/** @typedef {import("../bench/scope.mjs").Scope} Scope */
/** @typedef {import("./tools.mjs").Tools} Tools */
/** @typedef {{ readonly port: number, readonly api: number }} Server */

/** The tests want one; the login of the proxy would be refused by it. */
export const superuser = "postgres";
/** Postgres refuses to run as root, and the tests read and write files on both sides: they run as the same user. */
export const runAs = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};

const main = join(fileURLToPath(new URL("../..", import.meta.url)), "dist/src/main.js");
const mirrored = "mirrored";
const stopTimeoutMs = 10_000;
const env = { ...process.env, HUBSPOT_TOKEN: "regress" };
let inserted = 0;

/** A folder in which server and tests may write. @param {Scope} scope @param {string} name */
export function openFolder(scope, name) {
  const path = join(scope.folder, name);
  mkdirSync(path);
  chmodSync(path, 0o777);
  return path;
}

/** @param {Scope} scope @param {Tools} tools @returns {Promise<Server>} */
export async function startServer(scope, { bin }) {
  if (!existsSync(main)) throw new Unable("there is no dist/: run npm run build first");
  chmodSync(scope.folder, 0o755);
  const folder = openFolder(scope, "server");
  const cluster = join(folder, "cluster");
  const access = ["--username", superuser, "--auth", "trust", "--encoding", "UTF8", "--no-locale", "--no-sync"];
  await scope.run(join(bin, "initdb"), ["--pgdata", cluster, ...access], { ...runAs, cwd: folder });
  const port = await scope.freePort();
  const settings = {
    listen_addresses: "127.0.0.1",
    port,
    unix_socket_directories: folder,
    fsync: "off",
    log_min_messages: "fatal",
    // What the suites' own server is given.
    max_prepared_transactions: 2,
  };
  const words = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const server = scope.start(join(bin, "postgres"), ["-D", cluster, ...words], { ...runAs, cwd: folder });
  scope.onEnd(async () => {
    const { child } = server;
    if (child.exitCode !== null || child.signalCode !== null) return;
    /** @type {Promise<void>} */
    const closed = new Promise((resolve) => child.once("close", () => resolve()));
    // Without waiting for clients, as the scope's own signal would.
    child.kill("SIGINT");
    await Promise.race([closed, delay(stopTimeoutMs, undefined, { ref: false })]);
  });
  await scope.untilListening(server, port);
  const api = await scope.freePort();
  await scope.untilListening(throughline(scope, ["sandbox", "hubspot", "--port", String(api)]), api);
  await makeMirrored(scope, { port, api });
  return { port, api };
}

/** The database that all others are copies of, object ids included, as some tests show them. @param {Scope} scope @param {Server} server */
async function makeMirrored(scope, server) {
  await asAdmin(server.port, "postgres", [
    "create role throughline login createrole",
    `create database ${mirrored} template template0`,
    `grant create on database ${mirrored} to throughline`,
  ]);
  const path = config(scope, server, mirrored);
  for (const command of ["migrate", "pull"]) await scope.run(process.execPath, [main, command, "-c", path], { env });
}

/** A database as pg_regress would create it, but for the mirror in it. What was of that name is dropped. @param {Server} server @param {string} database */
export async function makeDatabase({ port }, database) {
  const settings = {
    lc_messages: "C",
    lc_monetary: "C",
    lc_numeric: "C",
    lc_time: "C",
    bytea_output: "hex",
    timezone_abbreviations: "Default",
  };
  await asAdmin(port, "postgres", [
    `drop database if exists ${database} with (force)`,
    `create database ${database} template ${mirrored}`,
    `grant create on database ${database} to throughline`,
    ...Object.entries(settings).map(([name, value]) => `alter database ${database} set ${name} to '${value}'`),
  ]);
}

/** @param {Scope} scope @param {Server} server @param {string} database @returns {Promise<{ port: number, words: () => string }>} */
export async function startProxy(scope, server, database) {
  const port = await scope.freePort();
  const words = ["serve", "-c", config(scope, server, database), "--listen", `127.0.0.1:${port}`];
  const started = throughline(scope, words);
  await scope.untilListening(started, port);
  return { port, words: started.words };
}

/** What went through a proxy that looks at nothing would prove nothing: the guard refuses this unless it became a call. */
export async function mustIntercept(/** @type {number} */ port, /** @type {string} */ database) {
  inserted += 1;
  const insert = `insert into hubspot.contacts (email) values ('regress-${inserted}@example.com')`;
  await asAdmin(port, database, [insert]);
}

/** @param {Scope} scope @param {readonly string[]} words */
function throughline(scope, words) {
  return scope.start(process.execPath, [main, ...words], { env });
}

/** @param {Scope} scope @param {Server} server @param {string} database */
function config(scope, { port, api }, database) {
  const path = join(scope.folder, `${database}.yaml`);
  const text = JSON.stringify({
    postgres: `postgres://throughline@127.0.0.1:${port}/${database}`,
    apis: { hubspot: { base: `http://127.0.0.1:${api}`, token: "${HUBSPOT_TOKEN}", tables: ["contacts"] } },
    log: { level: "error", format: "json" },
  });
  writeFileSync(path, text);
  return path;
}

/** @param {number} port @param {string} database @param {readonly string[]} statements */
async function asAdmin(port, database, statements) {
  const client = new pg.Client({ connectionString: `postgres://${superuser}@127.0.0.1:${port}/${database}` });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}
