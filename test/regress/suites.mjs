// The suites: what each one runs, and what came out of it, test by test.

import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runGroup } from "./group.mjs";
import { openFolder, runAs, superuser } from "./stack.mjs";

/** @typedef {import("../bench/scope.mjs").Scope} Scope */
/** @typedef {import("./tools.mjs").Tools} Tools */
/** @typedef {"ok" | "not ok" | "no verdict"} Verdict */
/** What a test came to, and all that it said. @typedef {{ readonly verdict: Verdict, readonly said: string }} Outcome */
/** @typedef {ReadonlyMap<string, Outcome>} Outcomes */
/**
 * One suite; `run` goes to a port, which is the server's or the proxy's, and is the same otherwise.
 * @typedef {object} Suite
 * @property {string} name
 * @property {string} database
 * @property {(port: number, limitMs: number) => Promise<Outcomes>} run
 */

/**
 * How Postgres's own drivers run one of theirs.
 * @typedef {object} Driven
 * @property {string} name folder of the suite in the source
 * @property {string} database
 * @property {string} driver the program that runs it
 * @property {string} schedule
 * @property {number} shortLines how many lines of the schedule are enough for --short
 */

/** @type {Driven} */
const isolation = {
  name: "isolation",
  database: "isolation_regression",
  driver: "isolation/pg_isolation_regress",
  schedule: "isolation_schedule",
  shortLines: 20,
};
/** @type {Driven} */
const regress = {
  name: "regress",
  database: "regression",
  driver: "regress/pg_regress",
  schedule: "parallel_schedule",
  shortLines: 12,
};
/** As the suite itself has it. */
const pipelineRows = 700;

/** @param {Scope} scope @param {Tools} tools @param {boolean} short @returns {readonly Suite[]} */
export function suitesOf(scope, tools, short) {
  return [pipeline(scope, tools), driven(scope, tools, isolation, short), driven(scope, tools, regress, short)];
}

/** @param {Scope} scope @param {Tools} tools @param {Driven} suite @param {boolean} short @returns {Suite} */
function driven(scope, { suites, drivers, libraries }, { name, database, driver, schedule, shortLines }, short) {
  const input = join(suites, name);
  const wanted = upTo(readFileSync(join(input, schedule), "utf8"), short ? shortLines : Number.POSITIVE_INFINITY);
  const path = join(scope.folder, `${name}.schedule`);
  writeFileSync(path, `${wanted.join("\n")}\n`);
  const tests = wanted.flatMap((line) => (line.startsWith("test:") ? line.split(/\s+/).slice(1) : []));
  /** @type {Suite["run"]} */
  const run = async (port, limitMs) => {
    const output = emptied(scope, name);
    const options = { ...runAs, cwd: output, limitMs };
    const program = join(drivers, driver);
    const { stdout: help } = await runGroup(scope, program, ["--help"], options);
    const words = [
      "--use-existing",
      `--dbname=${database}`,
      "--host=127.0.0.1",
      `--port=${port}`,
      `--user=${superuser}`,
      `--inputdir=${input}`,
      // Since 16 it has to be said.
      ...(help.includes("--expecteddir") ? [`--expecteddir=${input}`] : []),
      `--outputdir=${output}`,
      `--dlpath=${libraries}`,
      `--schedule=${path}`,
      "--max-concurrent-tests=20",
    ];
    const { stdout, stderr } = await runGroup(scope, program, words, options);
    const verdicts = verdictsOf(stdout);
    return new Map(
      tests.map((test) => {
        const result = join(output, "results", `${test}.out`);
        const said = existsSync(result) ? readFileSync(result, "latin1") : `no output\n${stderr}`;
        return [test, { verdict: verdicts.get(test) ?? "no verdict", said }];
      }),
    );
  };
  return { name, database, run };
}

/** The lines of a schedule up to its `limit`th line of tests. @param {string} schedule @param {number} limit */
function upTo(schedule, limit) {
  const lines = schedule.split("\n").filter((line) => /^(test|ignore):/.test(line));
  const tests = lines.filter((line) => line.startsWith("test:")).slice(0, limit);
  return lines.slice(0, lines.lastIndexOf(tests.at(-1) ?? "") + 1);
}

/** Of the drivers of 14 and 15, and, in TAP, of those since. @param {string} stdout @returns {Map<string, Verdict>} */
function verdictsOf(stdout) {
  /** @type {Map<string, Verdict>} */
  const verdicts = new Map();
  for (const [, name = "", word] of stdout.matchAll(/^(?:test| {4}) +(\S+) +\.\.\. (ok|FAILED|failed)\b/gm))
    verdicts.set(name, word === "ok" ? "ok" : "not ok");
  for (const [, word, name = ""] of stdout.matchAll(/^(ok|not ok) +\d+ +[-+] (\S+)/gm))
    verdicts.set(name, word === "ok" ? "ok" : "not ok");
  return verdicts;
}

/** Its tests one by one, with a trace of the messages of those whose trace the source has. @param {Scope} scope @param {Tools} tools @returns {Suite} */
function pipeline(scope, { suites, pipeline: program }) {
  const traces = join(suites, "modules/libpq_pipeline/traces");
  const name = "libpq_pipeline";
  const database = "pipeline";
  /** @type {Suite["run"]} */
  const run = async (port, limitMs) => {
    const output = emptied(scope, name);
    const options = { ...runAs, cwd: output, limitMs };
    const { stdout: tests } = await runGroup(scope, program, ["tests"], options);
    /** @type {Map<string, Outcome>} */
    const outcomes = new Map();
    for (const test of tests.split(/\s+/).filter((word) => word !== "")) {
      const expected = join(traces, `${test}.trace`);
      const trace = join(output, `${test}.trace`);
      const words = ["-r", String(pipelineRows), ...(existsSync(expected) ? ["-t", trace] : [])];
      const address = `host=127.0.0.1 port=${port} dbname=${database} user=${superuser}`;
      const { ended, stdout, stderr } = await runGroup(scope, program, [...words, test, address], options);
      const traced = existsSync(trace) ? readFileSync(trace, "latin1") : "";
      const right = !existsSync(expected) || readFileSync(expected, "latin1") === traced;
      const verdict = ended === 0 && right ? "ok" : "not ok";
      outcomes.set(test, { verdict, said: `${masked(test, stdout + stderr)}${traced}ended with ${ended}\n` });
    }
    return outcomes;
  };
  return { name, database, run };
}

/** One test writes until the sockets are full and says how much that was: of its lines those that differ remain, without numbers. @param {string} test @param {string} said */
function masked(test, said) {
  if (test !== "uniqviol") return said;
  const lines = said.replaceAll(/\d+/g, "N").replaceAll(".", "").split("\n");
  return [...new Set(lines)].sort().join("\n");
}

/** The same path each time, as some tests say where they are. @param {Scope} scope @param {string} name */
function emptied(scope, name) {
  rmSync(join(scope.folder, `${name}.output`), { recursive: true, force: true });
  return openFolder(scope, `${name}.output`);
}
