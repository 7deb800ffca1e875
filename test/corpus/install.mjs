// Brings a client onto this machine: npm packages into a folder of their own, Debian's packages by apt-get where they are missing.

import { execFile } from "node:child_process";
import { cpSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { z } from "zod";

const run = promisify(execFile);

/** One client of clients.json. */
const clientSchema = z.strictObject({
  program: z.string(),
  /** Packages with exact versions, the client's first. */
  npm: z.record(z.string(), z.string()).optional(),
  /** Packages, the client's first. */
  debian: z.array(z.string()).optional(),
  /** Commands of npm packages, to be run once they are there. */
  prepare: z.array(z.array(z.string())).optional(),
});
/** clients.json, by the name of the client. */
export const clientsSchema = z.record(z.string(), clientSchema);
/** @typedef {z.infer<typeof clientSchema>} Client */
/** @typedef {{ command: string, words: string[], folder: string, versions: Record<string, string> }} Installed */

const programs = fileURLToPath(new URL("./programs", import.meta.url));
/** Not the ones on the path, which do not see Debian's packages. @type {Record<string, string>} */
const interpreters = { py: "/usr/bin/python3", rb: "/usr/bin/ruby" };

/** @param {Client} client @param {string} folder an empty one @returns {Promise<Installed>} */
export async function install(client, folder) {
  if (client.npm) {
    await installFromNpm(client.npm, client.prepare ?? [], folder);
    return { command: process.execPath, words: [join(folder, client.program)], folder, versions: client.npm };
  }
  const command = interpreters[client.program.split(".").at(-1) ?? ""];
  if (command === undefined || !client.debian) throw new Error(`${client.program} is of no known language`);
  return {
    command,
    words: [join(programs, client.program)],
    folder,
    versions: await installFromDebian(client.debian),
  };
}

/** The programs go where their packages are. @param {Record<string, string>} packages @param {string[][]} prepare @param {string} folder */
async function installFromNpm(packages, prepare, folder) {
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, dependencies: packages }));
  const options = ["--no-audit", "--no-fund", "--ignore-scripts", "--legacy-peer-deps", "--loglevel=error"];
  await run("npm", ["install", ...options], { cwd: folder });
  for (const name of readdirSync(programs).filter((name) => !/\.(py|rb)$/.test(name))) {
    cpSync(join(programs, name), join(folder, name));
  }
  for (const [name = "", ...words] of prepare) {
    const env = { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: "/bin/true", CHECKPOINT_DISABLE: "1" };
    await run(join(folder, "node_modules/.bin", name), words, { cwd: folder, env });
  }
}

/** @param {readonly string[]} packages @returns {Promise<Record<string, string>>} their versions */
async function installFromDebian(packages) {
  const found = await installedVersions(packages);
  if (packages.every((name) => name in found)) return found;
  if (process.getuid?.() !== 0) throw new Error(`install Debian's ${packages.join(", ")}`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  await run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...packages], { env });
  return installedVersions(packages);
}

/** @param {readonly string[]} packages @returns {Promise<Record<string, string>>} */
async function installedVersions(packages) {
  const format = `\${Package} \${Version}\n`;
  const { stdout } = await run("dpkg-query", ["-W", `-f=${format}`, ...packages]).catch(
    (/** @type {unknown} */ cause) => ({
      stdout: cause instanceof Error && "stdout" in cause ? String(cause.stdout) : "",
    }),
  );
  const lines = stdout.split("\n").map((line) => line.split(" "));
  const found = new Map(lines.map(([name, version]) => [name, version]));
  return Object.fromEntries(packages.flatMap((name) => (found.get(name) ? [[name, found.get(name) ?? ""]] : [])));
}
