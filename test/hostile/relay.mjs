// A worker: stands between the proxy and Postgres. It counts for each role what is exchanged, and spoils what Postgres says to the roles
// that it is told to, by a seed.

import { connect, createServer } from "node:net";
import { parentPort, workerData } from "node:worker_threads";

/** @typedef {{ sentBytes: number, receivedBytes: number, flights: number, connections: number }} Exchange */

/** @type {Map<string, Exchange>} */
const exchanges = new Map();
/** Of these roles, one chunk of so many is spoilt. */
let spoilt = { roles: /** @type {string[]} */ ([]), oneOf: 1 };
let state = 1;

/** To close those of a role. @type {Set<{ role: string, proxy: import("node:net").Socket }>} */
const open = new Set();

const server = createServer({ allowHalfOpen: true, noDelay: true }, (proxy) => {
  const postgres = connect({ port: workerData.postgresPort, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
  /** @type {string | undefined} */
  let role;
  let exchange = exchangeOf("");
  let isAnswering = true;
  proxy.on("data", (chunk) => {
    if (role === undefined) {
      role = roleOf(chunk);
      exchange = exchangeOf(role);
      exchange.connections += 1;
      const connection = { role, proxy };
      open.add(connection);
      proxy.once("close", () => open.delete(connection));
    }
    if (isAnswering) exchange.flights += 1;
    isAnswering = false;
    exchange.sentBytes += chunk.length;
    pass(proxy, postgres, chunk);
  });
  postgres.on("data", (chunk) => {
    isAnswering = true;
    exchange.receivedBytes += chunk.length;
    if (role !== undefined && spoilt.roles.includes(role) && below(spoilt.oneOf) === 0) spoil(postgres, proxy, chunk);
    else pass(postgres, proxy, chunk);
  });
  for (const [from, to] of [
    [proxy, postgres],
    [postgres, proxy],
  ]) {
    from?.on("end", () => to?.end());
    from?.on("error", () => to?.destroy());
    from?.on("close", () => to?.destroy());
  }
});

server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  parentPort?.postMessage({ port: typeof address === "object" ? address?.port : 0 });
});

parentPort?.on("message", ({ id, asked, role, spoil: next, seed }) => {
  if (asked === "read") parentPort?.postMessage({ id, ...exchangeOf(role) });
  if (asked === "cut") {
    for (const connection of open) if (connection.role === role) connection.proxy.destroy();
    parentPort?.postMessage({ id });
  }
  if (asked !== "spoil") return;
  spoilt = next;
  state = seed;
  parentPort?.postMessage({ id });
});

/**
 * @param {import("node:net").Socket} from
 * @param {import("node:net").Socket} to
 * @param {Buffer} chunk
 */
function pass(from, to, chunk) {
  if (to.destroyed || to.writableEnded || to.write(chunk)) return;
  from.pause();
  to.once("drain", () => from.resume());
}

/**
 * @param {import("node:net").Socket} postgres
 * @param {import("node:net").Socket} proxy
 * @param {Buffer} chunk
 */
function spoil(postgres, proxy, chunk) {
  const at = below(chunk.length);
  switch (below(6)) {
    case 0:
      chunk[at] = (chunk[at] ?? 0) ^ (1 << below(8));
      return pass(postgres, proxy, chunk);
    case 1:
      pass(postgres, proxy, chunk.subarray(0, at));
      return proxy.destroySoon();
    case 2:
      pass(postgres, proxy, chunk);
      return pass(postgres, proxy, chunk);
    case 3:
      return pass(postgres, proxy, Buffer.concat([chunk.subarray(0, at), chunk.subarray(at + 1 + below(8))]));
    case 4: {
      const noise = Buffer.from(Array.from({ length: 1 + below(64) }, () => below(256)));
      return pass(postgres, proxy, Buffer.concat([chunk.subarray(0, at), noise, chunk.subarray(at)]));
    }
    default:
      postgres.pause();
      setTimeout(() => {
        pass(postgres, proxy, chunk);
        postgres.resume();
      }, below(200));
  }
}

/** @param {string} role */
function exchangeOf(role) {
  const known = exchanges.get(role) ?? { sentBytes: 0, receivedBytes: 0, flights: 0, connections: 0 };
  exchanges.set(role, known);
  return known;
}

/** @param {Buffer} startup */
function roleOf(startup) {
  return /user\0([^\0]*)\0/.exec(startup.toString("latin1"))?.[1] ?? "";
}

/**
 * Mulberry32.
 * @param {number} limit
 */
function below(limit) {
  state = (state + 0x6d2b79f5) >>> 0;
  let mixed = Math.imul(state ^ (state >>> 15), state | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
}
