// npm run faults -- --runs N --seed S [--only FAULT]: the fault tests with more runs, or others.

import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: { runs: { type: "string" }, seed: { type: "string" }, only: { type: "string" } },
});
for (const name of /** @type {const} */ (["runs", "seed"])) {
  const text = values[name];
  if (text === undefined || /^[1-9]\d*$/.test(text)) continue;
  process.stderr.write(`faults: --${name} takes a whole number from 1, not "${text}"\n`);
  process.exit(2);
}
const env = {
  ...process.env,
  FAULTS: "all",
  FAULTS_RUNS: values.runs ?? "200",
  FAULTS_SEED: values.seed ?? "1",
  ...(values.only && { FAULTS_ONLY: values.only }),
};
const ended = spawnSync(
  "npx",
  ["vitest", "run", "--reporter=dot", values.only ? "test/faults/faults.test.ts" : "test/faults"],
  { stdio: "inherit", env },
);
process.exitCode = ended.status ?? 1;
