// npm run mutants [-- --random N] [--seed S] [--runs R]: each patch of mutants/ breaks a promise in a copy of the project, and the fault
// tests have to see it.

import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = fileURLToPath(new URL("mutants", import.meta.url));
const { values } = parseArgs({
  options: {
    random: { type: "string" },
    seed: { type: "string", default: String(Date.now() % 10_000) },
    runs: { type: "string", default: "50" },
  },
});

for (const name of /** @type {const} */ (["random", "runs", "seed"])) {
  const text = values[name];
  if (text === undefined || (name === "seed" ? /^\d+$/ : /^[1-9]\d*$/).test(text)) continue;
  process.stderr.write(`mutants: --${name} takes a whole number from ${name === "seed" ? 0 : 1}, not "${text}"\n`);
  process.exit(2);
}

const all = readdirSync(folder).sort();
const chosen = values.random === undefined ? all : some(all, Number(values.random), Number(values.seed));
let escaped = 0;
for (const patch of chosen) {
  const ended = tryMutant(patch);
  if (ended !== "caught") escaped += 1;
  process.stdout.write(`${patch.replace(".patch", "").padEnd(28)}${ended}\n`);
}
process.stdout.write(`${chosen.length - escaped} of ${chosen.length} mutants caught (seed ${values.seed})\n`);
process.exitCode = escaped === 0 ? 0 : 1;

/** @param {string} patch */
function tryMutant(patch) {
  const copy = mkdtempSync(join(tmpdir(), "throughline-mutant-"));
  try {
    const files = execFileSync("git", ["ls-files", "-co", "--exclude-standard"], { cwd: root, encoding: "utf8" });
    for (const file of files.trim().split("\n")) {
      mkdirSync(dirname(join(copy, file)), { recursive: true });
      cpSync(join(root, file), join(copy, file));
    }
    symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
    execFileSync("git", ["apply", join(folder, patch)], { cwd: copy });
    execFileSync("npm", ["run", "--silent", "build"], { cwd: copy, stdio: "ignore" });
    const env = {
      ...process.env,
      FAULTS: "mutants",
      FAULTS_RUNS: values.runs,
      FAULTS_SEED: values.seed,
      CHAOS_WRITES: "0",
    };
    const ran = spawnSync("npx", ["vitest", "run", "test/faults"], { cwd: copy, encoding: "utf8", env });
    // Only a broken promise counts, not a harness that breaks.
    const seen =
      /never came to rest|told |the journal says |sent twice|the mirror has|the mirror does not|hold values|rows are left/.test(
        ran.stdout,
      );
    return ran.status === 0 ? "ESCAPED" : seen ? "caught" : `BROKE THE HARNESS: ${ran.stdout.slice(-600)}`;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/**
 * As many of them, by the seed.
 * @param {readonly string[]} from @param {number} count @param {number} seed
 */
function some(from, count, seed) {
  const left = [...from];
  /** @type {string[]} */
  const taken = [];
  for (let state = seed >>> 0; taken.length < count && left.length > 0; ) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    taken.push(...left.splice(state % left.length, 1));
  }
  return taken;
}
