// npm run hostile -- --seconds N --seed S: the hostile tests in their long form; the fuzzer for bytes takes N seconds on both legs.
// --short: fewer sizes and shapes, and seconds of bytes. --only NAME,…: these.

import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    seconds: { type: "string" },
    seed: { type: "string" },
    only: { type: "string" },
    short: { type: "boolean" },
  },
});
for (const name of /** @type {const} */ (["seconds", "seed"])) {
  const text = values[name];
  if (text === undefined || /^[1-9]\d*$/.test(text)) continue;
  process.stderr.write(`hostile: --${name} takes a whole number from 1, not "${text}"\n`);
  process.exit(2);
}
const seed = values.seed ?? "12";
const seconds = values.seconds ?? "180";
const length = values.short ? {} : { HOSTILE_SECONDS: seconds };
const env = { ...process.env, HOSTILE: "all", SEED: seed, ...length };
const files = values.only
  ? values.only.split(",").map((name) => `test/hostile/${name}.test.ts`)
  : ["test/hostile", "test/upstream/large-answers.test.ts"];
const ended = spawnSync(
  "npx",
  ["vitest", "run", "--reporter=dot", "--maxWorkers=1", "--testTimeout=1200000", ...files],
  {
    stdio: "inherit",
    env,
  },
);
const verdict = ended.status === 0 ? "nothing was found" : "something was found";
const form = values.short ? "short" : `${seconds} s of bytes`;
process.stdout.write(`hostile: ${form}, SEED=${seed}: ${verdict}\n`);
process.exitCode = ended.status ?? 1;
