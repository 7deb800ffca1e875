// The binaries of Postgres 14 to 17: two hundred megabytes that only PG=14…17 needs, so the first such run installs them.

import { execFile } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const folder = fileURLToPath(new URL("../postgres/", import.meta.url));
const installed = join(folder, "node_modules");

/**
 * Installs test/postgres where it is not installed yet, and says so in one line. Two runs at once do no harm: each installs into a folder
 * of its own, and the first one's becomes node_modules. Throws an Error that names the command to run by hand.
 */
export async function installOlderPostgres(): Promise<void> {
  if (existsSync(installed)) return;
  process.stderr.write("Postgres 14 to 17 are installed into test/postgres, once: about 200 MB\n");
  const own = mkdtempSync(join(folder, "installing-"));
  try {
    for (const name of ["package.json", "package-lock.json"]) copyFileSync(join(folder, name), join(own, name));
    const quiet = ["--no-audit", "--no-fund", "--loglevel=error"];
    await promisify(execFile)("npm", ["ci", "--ignore-scripts", ...quiet, "--prefix", own]);
    renameSync(join(own, "node_modules"), installed);
  } catch {
    // Another run was quicker.
    if (existsSync(installed)) return;
    const sentence = 'Postgres 14 to 17 could not be installed: run "npm ci --prefix test/postgres", which says why';
    throw Object.assign(new Error(sentence), { stack: sentence });
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
}
