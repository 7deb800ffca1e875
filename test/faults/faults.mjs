// npm run faults -- --runs N --seed S [--writes W] [--records R] [--only FAULT]: the fault tests with more runs, or others. `npm run chaos` and
// `npm run faults:pull` are parts of it.

import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    runs: { type: "string" },
    seed: { type: "string" },
    writes: { type: "string" },
    records: { type: "string" },
    only: { type: "string" },
  },
});
for (const name of /** @type {const} */ (["runs", "seed", "writes", "records"])) {
  const text = values[name];
  if (text === undefined || /^[1-9]\d*$/.test(text)) continue;
  process.stderr.write(`faults: --${name} takes a whole number from 1, not "${text}"\n`);
  process.exit(2);
}
/** A part that is a file of its own; any other word is a fault. */
const parts = ["chaos", "pull"];
const { only } = values;
const part = only !== undefined && parts.includes(only) ? only : undefined;
const env = {
  ...process.env,
  FAULTS: "all",
  FAULTS_RUNS: values.runs ?? "200",
  FAULTS_SEED: values.seed ?? "1",
  CHAOS_WRITES: values.writes ?? "5000",
  PULL_RECORDS: values.records ?? (part ? "200000" : "20000"),
  ...(only !== undefined && part === undefined && { FAULTS_ONLY: only }),
};
const files = part ? `test/faults/${part}.test.ts` : only === undefined ? "test/faults" : "test/faults/faults.test.ts";
const ended = spawnSync("npx", ["vitest", "run", "--reporter=dot", files], { stdio: "inherit", env });
process.exitCode = ended.status ?? 1;
