// Postgres's own suites, direct and through the proxy, against the same server: what a client sees must be the same.
//
//   npm run regress               libpq_pipeline, isolation and regress of Debian's source package
//   npm run regress -- --short    part of the last two
//
// A mirror is configured in each suite's database, so that every statement is looked at. What is missing is installed (tools.mjs).
// 0: every test the same · 1: a test differs; its diff is kept · 2: it could not be run

import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runProgram, Unable } from "../bench/scope.mjs";
import { compare, table } from "./compare.mjs";
import { runGroup } from "./group.mjs";
import { makeDatabase, mustIntercept, startProxy, startServer } from "./stack.mjs";
import { suitesOf } from "./suites.mjs";
import { getTools } from "./tools.mjs";

/** @typedef {import("./compare.mjs").Compared} Compared */
/** @typedef {import("./compare.mjs").Difference} Difference */
/** @typedef {import("./stack.mjs").Server} Server */
/** @typedef {import("./suites.mjs").Suite} Suite */

/** Of a suite run direct; through the proxy it may take some times as long as it took then. */
const limitMs = 1_200_000;
const patience = { times: 5, plusMs: 60_000 };
/** The share of a suite's tests that may fail direct, for reasons of the machine or of the mirror they find. */
const tolerated = 0.1;
/** How much of a diff is shown at once. */
const shown = { lines: 20, columns: 160 };
const say = (/** @type {string} */ line) => process.stdout.write(`${line}\n`);

/** @typedef {import("../bench/scope.mjs").Scope} Scope */

/** @param {Scope} scope @returns {Promise<number>} the exit code */
async function main(scope) {
  const { short } = readOptions();
  const tools = await getTools(scope, say);
  const server = await startServer(scope, tools);
  /** @type {Compared[]} */
  const compared = [];
  for (const suite of suitesOf(scope, tools, short)) compared.push(await bothWays(scope, server, suite));
  say(`\n${table(compared)}\n`);
  for (const { suite, failing } of compared) {
    if (failing.length > 0) say(`${suite}: fails both ways, alike: ${failing.join(", ")}`);
  }
  await showDifferences(scope, compared);
  const broken = compared.find(({ tests, failing }) => failing.length > tests * tolerated);
  if (broken) throw new Unable(`${broken.suite}: so much fails direct that it proves nothing`);
  const differing = compared.reduce((sum, { differing }) => sum + differing.length, 0);
  const tests = compared.reduce((sum, { tests }) => sum + tests, 0);
  say(`regress: ${tests - differing} same, ${differing} differ`);
  return differing === 0 ? 0 : 1;
}

/** @param {Scope} scope @param {Server} server @param {Suite} suite @returns {Promise<Compared>} */
async function bothWays(scope, server, { name, database, run }) {
  await makeDatabase(server, database);
  const startedMs = performance.now();
  const direct = await run(server.port, limitMs);
  const tookMs = performance.now() - startedMs;
  await makeDatabase(server, database);
  const { port, words } = await startProxy(scope, server, database);
  await mustIntercept(port, database);
  const againMs = performance.now();
  const proxied = await run(port, tookMs * patience.times + patience.plusMs);
  const thenMs = performance.now() - againMs;
  await mustIntercept(port, database);
  const seconds = (/** @type {number} */ ms) => (ms / 1_000).toFixed(1);
  say(`${name}: direct ${seconds(tookMs)} s, through the proxy ${seconds(thenMs)} s`);
  if (words() !== "") say(`${name}: the proxy's log: ${words().trim()}`);
  return compare(name, direct, proxied);
}

/** Keeps both outputs of what differs, and shows where the difference begins. @param {Scope} scope @param {readonly Compared[]} compared */
async function showDifferences(scope, compared) {
  if (compared.every(({ differing }) => differing.length === 0)) return;
  const kept = mkdtempSync(join(tmpdir(), "throughline-differences-"));
  for (const { suite, differing } of compared) {
    for (const { test, direct, proxied } of differing) {
      const path = join(kept, `${suite}-${test}`);
      writeFileSync(`${path}.direct`, direct.said, "latin1");
      writeFileSync(`${path}.proxied`, proxied.said, "latin1");
      const { stdout } = await runGroup(scope, "diff", ["-u", `${path}.direct`, `${path}.proxied`], {
        limitMs: 60_000,
      });
      writeFileSync(`${path}.diff`, stdout);
      say(`${suite} ${test}: direct ${direct.verdict}, proxied ${proxied.verdict}: ${path}.diff`);
      const lines = stdout.split("\n").slice(2, 2 + shown.lines);
      say(lines.map((line) => line.slice(0, shown.columns)).join("\n"));
    }
  }
}

function readOptions() {
  try {
    return parseArgs({ options: { short: { type: "boolean", default: false } } }).values;
  } catch (cause) {
    throw new Unable(cause instanceof Error ? cause.message : String(cause));
  }
}

await runProgram("regress", main);
