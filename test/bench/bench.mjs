// The benchmark of the byte path: what queries that are none of our business cost on their way through us.
//
//   npm run bench                          everything, with the peers that are installed; about ten minutes
//   npm run bench -- --short               8 clients, simple protocol, no peers; about 20 seconds
//   npm run bench -- --commit-baseline     writes baseline.json instead of comparing with it
//
// 0: within the baseline · 1: CPU per query, against the relay's, is more than 10 % above it, twice · 2: it could not be run

import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { allowed, commitBaseline, judge, machine, readBaseline } from "./baseline.mjs";
import { startPeers } from "./peers.mjs";
import { pgbench as findPgbench } from "./programs.mjs";
import { compareAtOnce, measure } from "./rounds.mjs";
import { runProgram, Unable } from "./scope.mjs";
import { fill, runSlice } from "./slice.mjs";
import { startLegs, startServer } from "./stack.mjs";
import { legend, sentence, table } from "./table.mjs";

/** @typedef {import("./baseline.mjs").Baseline} Baseline */
/** @typedef {import("./stack.mjs").Leg} Leg */
/** @typedef {import("./rounds.mjs").Compared} Compared */
/** @typedef {import("./slice.mjs").Bench} Bench */
/** @typedef {import("./slice.mjs").Configuration} Configuration */

const scale = 1;
const load = `pgbench --select-only, scale ${scale}, one query a transaction; client, proxy and Postgres share the machine`;
/** @type {Configuration} */
const usual = { protocol: "simple", clients: 8 };
/** @type {readonly Configuration[]} */
const every = /** @type {const} */ (["simple", "prepared"]).flatMap((protocol) =>
  [1, 8, 32].map((clients) => ({ protocol, clients })),
);
const say = (/** @type {string} */ line) => process.stdout.write(`${line}\n`);

/** @typedef {import("./scope.mjs").Scope} Scope */

/** @param {Scope} scope @returns {Promise<number>} the exit code */
async function main(scope) {
  const { short, commit, rounds } = readOptions();
  if (process.platform !== "linux") throw new Unable("CPU time is read from /proc: this needs Linux");
  const pgbench = findPgbench();
  const baseline = commit ? undefined : readBaseline();
  const [busy = 0] = loadavg();
  if (busy > 0.5) say(`the machine is not idle (load ${busy.toFixed(1)}): expect noise`);

  const server = await startServer(scope);
  await fill(scope, pgbench, server.port, scale);
  const legs = await startLegs(scope, server);
  if (!short) legs.push(...(await startPeers(scope, server, say)));
  const on = machine(server.version, load);
  say(`${load}\n${on.cores} cores, ${on.platform}, Node ${on.node}, Postgres ${on.postgres}\n`);

  const bench = { scope, pgbench, seconds: short ? 1 : 2 };
  const configurations = short ? [usual] : every;
  // What a program compiles on its way is not in the figures of the first round.
  for (const leg of legs) if (leg.kind === "ours" || leg.kind === "reference") await runSlice(bench, leg, usual);
  const measured = await measure(bench, legs, configurations, rounds, progress);
  say(`${table(measured)}\n\n${legend}\n`);
  const compare = (/** @type {readonly Leg[]} */ some, /** @type {readonly Configuration[]} */ which) =>
    compareAtOnce(bench, some, which, rounds, progress);
  const compared = await compare(legs, configurations);
  if (baseline) return verdict(compared, baseline, compare, legs);
  commitBaseline(measured, compared, on);
  say("baseline.json is written");
  return 0;
}

/**
 * @param {readonly Compared[]} compared @param {Baseline} baseline
 * @param {(legs: readonly Leg[], configurations: readonly Configuration[]) => Promise<Compared[]>} again @param {readonly Leg[]} legs
 */
async function verdict(compared, baseline, again, legs) {
  const { node, postgres, cores } = baseline.machine;
  say(`compared is our CPU per query as a share of the relay's, both under load at once, as microseconds differ between machines;
the limit is ${allowed} times the committed share (Node ${node}, Postgres ${postgres}, ${cores} cores)`);
  let failed = 0;
  for (const first of judge(compared, baseline)) {
    say(sentence(first));
    if (!first.over) continue;
    // Once may be the machine; twice is us.
    const { leg, configuration } = first.compared;
    const pair = legs.filter(({ kind, by }) => by === leg.by && (kind === "ours" || kind === "reference"));
    for (const second of judge(await again(pair, [configuration]), baseline)) {
      say(`again: ${sentence(second)}`);
      if (second.over) failed += 1;
    }
  }
  return failed === 0 ? 0 : 1;
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        short: { type: "boolean", default: false },
        "commit-baseline": { type: "boolean", default: false },
        rounds: { type: "string" },
      },
    });
    const commit = values["commit-baseline"];
    if (commit && values.short) throw new Unable("a baseline takes a full run: --commit-baseline without --short");
    const rounds = Number(values.rounds ?? (values.short ? 3 : 5));
    if (!Number.isInteger(rounds) || rounds < 1 || rounds > 50)
      throw new Unable("--rounds takes a number from 1 to 50");
    return { short: values.short, commit, rounds };
  } catch (cause) {
    throw cause instanceof Unable ? cause : new Unable(cause instanceof Error ? cause.message : String(cause));
  }
}

/** @param {number} done @param {number} all */
function progress(done, all) {
  if (process.stderr.isTTY) process.stderr.write(done === all ? "\r\x1b[K" : `\rslice ${done} of ${all} `);
}

await runProgram("bench", main);
