// One slice of load on one leg: pgbench, and what the leg's process spent on it.
// Both are taken over a window inside the slice, so that neither connecting nor warming up is in the figures.

import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { Unable } from "./scope.mjs";
import { database, user } from "./stack.mjs";

/** @typedef {import("./stack.mjs").Leg} Leg */
/** @typedef {import("./scope.mjs").Scope} Scope */
/** @typedef {{ readonly protocol: "simple" | "prepared", readonly clients: number }} Configuration */
/** @typedef {{ readonly scope: Scope, readonly pgbench: string, readonly seconds: number }} Bench seconds: of a slice; pgbench takes whole ones */
/**
 * @typedef {object} Slice
 * @property {number} perSecond transactions; each is one query
 * @property {number} p50Us
 * @property {number | undefined} cpuPerQueryUs user and system, of the whole process
 */

const attempts = 3;
/** Of 20 ms each. */
const connectWaits = 750;
/** Left out at both ends of a slice. */
const marginMs = 100;
/** /proc counts CPU time in these, on every Linux. */
const tickUs = 10_000;

/** Nothing of the environment decides how pgbench connects. */
const env = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("PG"))),
  PGSSLMODE: "disable",
  PGGSSENCMODE: "disable",
};

/** @param {Scope} scope @param {string} pgbench @param {number} port @param {number} scale */
export async function fill(scope, pgbench, port, scale) {
  await scope.run(pgbench, [...to(port), "--initialize", "--quiet", `--scale=${scale}`], { env });
}

/** Slices of different legs may run at once. @param {Bench} bench @param {Leg} leg @param {Configuration} configuration @returns {Promise<Slice>} */
export async function runSlice(bench, leg, configuration) {
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const slice = await trySlice(bench, leg, configuration);
    if (slice) return slice;
  }
  throw new Unable(`${leg.name} by ${leg.by} had no load while it was looked at`);
}

/** Undefined when there was no load while it was looked at. @param {Bench} bench @param {Leg} leg @param {Configuration} configuration @returns {Promise<Slice | undefined>} */
async function trySlice({ scope, pgbench, seconds }, leg, { protocol, clients }) {
  const log = `transactions-${leg.port}`;
  const load = ["--select-only", "--no-vacuum", `--protocol=${protocol}`, `--client=${clients}`, `--time=${seconds}`];
  const words = [...to(leg.port), ...load, "--log", `--log-prefix=${join(scope.folder, log)}`];
  let over = false;
  const ended = scope.run(pgbench, words, { env }).finally(() => {
    over = true;
  });
  const [, window] = await Promise.all([ended, readTwice(scope, seconds, leg, log, () => over)]);
  const latenciesUs = transactions(scope.folder, log, window.from.atUs, window.to.atUs);
  const count = latenciesUs.length;
  if (count === 0) return undefined;
  return {
    perSecond: count / ((window.to.atUs - window.from.atUs) / 1e6),
    p50Us: latenciesUs[count >> 1] ?? 0,
    cpuPerQueryUs: leg.pid === undefined ? undefined : (window.to.cpuUs - window.from.cpuUs) / count,
  };
}

/** @param {number} port */
function to(port) {
  return ["--host=127.0.0.1", `--port=${port}`, `--username=${user}`, database];
}

/** The window: it opens when the log shows that all clients are at work. @param {Scope} scope @param {number} seconds @param {Leg} leg @param {string} log @param {() => boolean} over */
async function readTwice(scope, seconds, leg, log, over) {
  // Counted, not timed: a machine that was asleep has waited for nothing.
  for (let waits = 0; !over() && !logs(scope.folder, log).some(filled); waits += 1) {
    if (waits === connectWaits) throw new Unable(`${leg.name} by ${leg.by} gets no transaction done`);
    await scope.wait(20);
  }
  await scope.wait(marginMs);
  const from = reading(leg);
  await scope.wait(seconds * 1000 - 2 * marginMs);
  return { from, to: reading(leg) };
}

/** @param {Leg} leg */
function reading({ pid }) {
  const cpuUs = pid === undefined ? 0 : cpuOf(pid);
  return { atUs: (performance.timeOrigin + performance.now()) * 1000, cpuUs };
}

/** Of all threads, those that have ended included. @param {number} pid */
function cpuOf(pid) {
  if (!existsSync(`/proc/${pid}`)) throw new Unable("a process under load has ended by itself");
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  // proc(5): fields 14 and 15, utime and stime. The second field, the name, may hold blanks, and ends with the last bracket.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * tickUs;
}

/**
 * The latencies in ascending order of what ended between the two times; the log that pgbench wrote is removed.
 * @param {string} folder @param {string} log @param {number} fromUs @param {number} toUs
 */
function transactions(folder, log, fromUs, toUs) {
  /** @type {number[]} */
  const latenciesUs = [];
  for (const path of logs(folder, log)) {
    for (const line of readFileSync(path, "latin1").split("\n")) {
      // client, transaction, latency, script, second, microsecond
      const [, , latency, , second, microsecond] = line.split(" ");
      const endedUs = Number(second) * 1e6 + Number(microsecond);
      if (endedUs >= fromUs && endedUs < toUs) latenciesUs.push(Number(latency));
    }
    rmSync(path);
  }
  return Float64Array.from(latenciesUs).sort();
}

/** What pgbench writes for a prefix. @param {string} folder @param {string} log */
function logs(folder, log) {
  const names = readdirSync(folder).filter((name) => name.startsWith(`${log}.`));
  return names.map((name) => join(folder, name));
}

/** @param {string} path */
function filled(path) {
  return statSync(path).size > 0;
}
