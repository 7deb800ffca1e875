// The stack under load: a Postgres with a mirror, a sandbox behind it, and every way from a client to that Postgres.

import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { Unable } from "./scope.mjs";

/** @typedef {import("./scope.mjs").Scope} Scope */
/**
 * One way to Postgres; clients always come by TCP.
 * @typedef {object} Leg
 * @property {string} name
 * @property {"direct" | "reference" | "ours" | "peer"} kind
 * @property {"TCP" | "UDS"} by how Postgres is reached
 * @property {number} port
 * @property {number | undefined} pid of the process whose CPU is counted
 */
/**
 * @typedef {object} Server
 * @property {number} port
 * @property {string} socketFolder
 * @property {string} version
 */

export const user = "bench";
export const database = "bench";
const root = fileURLToPath(new URL("../..", import.meta.url));
const main = join(root, "dist/src/main.js");
const relay = fileURLToPath(new URL("./relay.mjs", import.meta.url));

/** A Postgres with the roles and the database of a run. @param {Scope} scope @returns {Promise<Server>} */
export async function startServer(scope) {
  const built = join(root, "dist/src/app/embedded-postgres.js");
  if (!existsSync(built)) throw new Unable("there is no dist/: run npm run build first");
  /** @type {typeof import("../../src/app/embedded-postgres.js")} */
  const { startPostgres } = await import(built);
  const postgres = await startPostgres(18);
  scope.onEnd(() => postgres.stop());
  await query(postgres.urlOf("postgres", "postgres"), [
    "create role throughline login createrole",
    `create role ${user} login`,
    `create database ${database} owner ${user}`,
    `grant create on database ${database} to throughline`,
  ]);
  const [shown] = await query(postgres.urlOf(user, database), ["show server_version"]);
  const { port, socketFolder } = postgres;
  return { port, socketFolder, version: String(shown?.["server_version"]) };
}

/** Throughline and the reference, to Postgres by TCP and by Unix socket. @param {Scope} scope @param {Server} server @returns {Promise<Leg[]>} */
export async function startLegs(scope, server) {
  const api = await scope.freePort();
  await scope.untilListening(throughline(scope, ["sandbox", "hubspot", "--port", String(api)]), api);
  const address = `postgres://throughline@127.0.0.1:${server.port}/${database}`;
  const configs = {
    TCP: config(scope, "tcp.yaml", address, api),
    UDS: config(scope, "uds.yaml", `${address}?host=${server.socketFolder}`, api),
  };
  for (const command of ["migrate", "pull"]) {
    await scope.run(process.execPath, [main, command, "-c", configs.TCP], { env });
  }
  /** @type {Leg[]} */
  const legs = [{ name: "direct", kind: "direct", by: "TCP", port: server.port, pid: undefined }];
  for (const by of /** @type {const} */ (["TCP", "UDS"])) {
    const to = by === "TCP" ? String(server.port) : `${server.socketFolder}/.s.PGSQL.${server.port}`;
    const passing = await scope.freePort();
    const passed = scope.start(process.execPath, [relay, String(passing), to]);
    await scope.untilListening(passed, passing);
    legs.push({ name: "relay", kind: "reference", by, port: passing, pid: passed.pid });
    const port = await scope.freePort();
    const served = throughline(scope, ["serve", "-c", configs[by], "--listen", `127.0.0.1:${port}`]);
    await scope.untilListening(served, port);
    await mustIntercept(port, by);
    legs.push({ name: "throughline", kind: "ours", by, port, pid: served.pid });
  }
  return legs;
}

const env = { ...process.env, HUBSPOT_TOKEN: "bench" };

/** @param {Scope} scope @param {readonly string[]} words */
function throughline(scope, words) {
  return scope.start(process.execPath, [main, ...words], { env });
}

/** @param {Scope} scope @param {string} name @param {string} url @param {number} api */
function config(scope, name, url, api) {
  const path = join(scope.folder, name);
  const hubspot = { base: `http://127.0.0.1:${api}`, token: `\${HUBSPOT_TOKEN}`, tables: ["contacts"] };
  const text = JSON.stringify({
    postgres: { url, grant: { [user]: ["select", "insert"] } },
    apis: { hubspot },
    log: { level: "error", format: "json" },
  });
  writeFileSync(path, text);
  return path;
}

/** A proxy that looks at nothing would be measured otherwise: the guard refuses this insert unless it became a call. */
async function mustIntercept(/** @type {number} */ port, /** @type {string} */ by) {
  await query(`postgres://${user}@127.0.0.1:${port}/${database}`, [
    `insert into hubspot.contacts (email) values ('${by}@example.com')`,
  ]);
}

/** @param {string} url @param {readonly string[]} statements @returns {Promise<Record<string, unknown>[]>} the rows of the last one */
async function query(url, statements) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    /** @type {Record<string, unknown>[]} */
    let rows = [];
    for (const statement of statements) ({ rows } = await client.query(statement));
    return rows;
  } finally {
    await client.end();
  }
}
