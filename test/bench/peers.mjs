// The named peers, when they are installed: PgBouncer in session mode and HAProxy, otherwise at their package's defaults.

import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { found } from "./programs.mjs";
import { database, user } from "./stack.mjs";

/** @typedef {import("./stack.mjs").Leg} Leg */
/** @typedef {import("./stack.mjs").Server} Server */
/** @typedef {import("./scope.mjs").Scope} Scope */
/** @typedef {{ readonly port: number, readonly to: string, readonly folder: string, readonly postgres: Server }} Way */
/** @typedef {{ readonly name: string, readonly words: (way: Way) => readonly string[] }} Peer */

/** PgBouncer refuses to run as root; everybody has this user. */
const nobody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};

/** @type {readonly Peer[]} */
const peers = [
  { name: "pgbouncer", words: pgbouncer },
  { name: "haproxy", words: haproxy },
];

/** @param {Scope} scope @param {Server} postgres @param {(line: string) => void} say @returns {Promise<Leg[]>} */
export async function startPeers(scope, postgres, say) {
  chmodSync(scope.folder, 0o755);
  /** @type {Leg[]} */
  const legs = [];
  for (const { name, words } of peers) {
    const program = found(name);
    if (program === undefined) {
      say(`${name} is not installed: left out`);
      continue;
    }
    for (const by of /** @type {const} */ (["TCP", "UDS"])) {
      const port = await scope.freePort();
      const to = by === "TCP" ? "127.0.0.1" : postgres.socketFolder;
      const way = words({ port, to, folder: scope.folder, postgres });
      const started = scope.start(program, way, nobody);
      await scope.untilListening(started, port);
      legs.push({ name, kind: "peer", by, port, pid: started.pid });
    }
  }
  return legs;
}

/** @param {Way} way */
function pgbouncer({ port, to, folder, postgres }) {
  const users = file(folder, "users.txt", `"${user}" ""\n`);
  const settings = `
[databases]
${database} = host=${to} port=${postgres.port} dbname=${database}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = trust
auth_file = ${users}
pool_mode = session
default_pool_size = 64
log_connections = 0
log_disconnections = 0
`;
  return ["--quiet", file(folder, `pgbouncer-${port}.ini`, settings)];
}

/** @param {Way} way */
function haproxy({ port, to, folder, postgres }) {
  const server = to.startsWith("/") ? `unix@${to}/.s.PGSQL.${postgres.port}` : `${to}:${postgres.port}`;
  const settings = `
defaults
  mode tcp
  timeout connect 5s
  timeout client 1m
  timeout server 1m
listen postgres
  bind 127.0.0.1:${port}
  server postgres ${server}
`;
  return ["-db", "-q", "-f", file(folder, `haproxy-${port}.cfg`, settings)];
}

/** @param {string} folder @param {string} name @param {string} text */
function file(folder, name, text) {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}
