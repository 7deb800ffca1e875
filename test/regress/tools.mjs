// What a run needs and where it comes from: Debian's server, its source package, and what has to be compiled from that.
//
// Installed for good, by apt and only when it is missing: a server, a C compiler, dpkg-dev. The source and the server's headers
// are downloaded to the run's own folder, with package lists of its own: no deb-src line is needed, nor left behind.

import { copyFileSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { found } from "../bench/programs.mjs";
import { Unable } from "../bench/scope.mjs";
import { ownLists } from "./lists.mjs";

/** @typedef {import("../bench/scope.mjs").Scope} Scope */
/**
 * @typedef {object} Tools
 * @property {string} bin folder of the server's programs
 * @property {string} suites folder of the suites in the source
 * @property {string} drivers folder of pg_regress and pg_isolation_regress
 * @property {string} libraries folder of what the tests load into the server
 * @property {string} pipeline the program libpq_pipeline
 */

const debian = "/usr/lib/postgresql";
const env = { ...process.env, LC_ALL: "C", DEBIAN_FRONTEND: "noninteractive" };

/** @param {Scope} scope @param {(line: string) => void} say @returns {Promise<Tools>} */
export async function getTools(scope, say) {
  await installMissing(scope, say);
  const major = majors().at(0);
  if (major === undefined) throw new Unable("apt installed no Postgres server below /usr/lib/postgresql");
  const installed = join(debian, major);
  const query = ["--show", "--showformat", "${Version}", `postgresql-${major}`];
  const version = (await scope.run("dpkg-query", query, { env })).trim();

  const apt = ownLists(join(scope.folder, "apt"));
  await scope.run("apt-get", [...apt, "update"], { env });
  /** @param {string} command @param {string} name */
  const fetched = async (command, name) => {
    const into = join(scope.folder, command);
    mkdirSync(into);
    const options = { cwd: into, env };
    try {
      await scope.run("apt-get", [...apt, command, `${name}=${version}`], options);
    } catch {
      scope.signal.throwIfAborted();
      say(`${name} ${version} is not to be had: the newest of its major version instead`);
      await scope.run("apt-get", [...apt, command, name], options);
    }
    return into;
  };
  const source = join(only(await fetched("source", `postgresql-${major}`), `postgresql-${major}-`), "src");
  const dev = join(scope.folder, "dev");
  const packed = only(await fetched("download", `postgresql-server-dev-${major}`), "postgresql-server-dev");
  await scope.run("dpkg-deb", ["--extract", packed, dev], { env });

  const suites = join(source, "test");
  const headers = join(dev, "usr/include/postgresql", major, "server");
  const libraries = join(scope.folder, "libraries");
  mkdirSync(libraries);
  for (const name of ["autoinc.so", "refint.so"]) copyFileSync(join(installed, "lib", name), join(libraries, name));
  const gcc = ["-O1", "-w", "-I", headers];
  const regress = ["-fPIC", "-shared", "-o", join(libraries, "regress.so"), join(suites, "regress/regress.c")];
  await scope.run("gcc", [...gcc, ...regress], { env });
  const pipeline = join(scope.folder, "libpq_pipeline");
  const from = ["-I", join(source, "interfaces/libpq"), join(suites, "modules/libpq_pipeline/libpq_pipeline.c")];
  const to = ["-L", join(dev, debian, major, "lib"), "-lpgcommon", "-lpgport", "-l:libpq.so.5"];
  await scope.run("gcc", [...gcc, ...from, "-o", pipeline, ...to], { env });
  say(`Postgres ${version} of Debian`);
  return { bin: join(installed, "bin"), suites, drivers: join(installed, "lib/pgxs/src/test"), libraries, pipeline };
}

/** The major versions that have a server and its test drivers, newest first. */
function majors() {
  return (existsSync(debian) ? readdirSync(debian) : [])
    .filter((major) =>
      ["bin/postgres", "lib/pgxs/src/test/regress/pg_regress"].every((path) => existsSync(join(debian, major, path))),
    )
    .sort((a, b) => Number(b) - Number(a));
}

/** @param {Scope} scope @param {(line: string) => void} say */
async function installMissing(scope, say) {
  if (found("apt-get") === undefined) throw new Unable("the suites come from Debian's source package: this needs apt");
  const missing = [
    ...(majors().length === 0 ? ["postgresql"] : []),
    ...(found("gcc") === undefined ? ["gcc"] : []),
    ...(existsSync("/usr/include/stdio.h") ? [] : ["libc6-dev"]),
    ...(found("dpkg-source") === undefined ? ["dpkg-dev"] : []),
  ];
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0) throw new Unable(`missing here, and only root can install: ${missing.join(" ")}`);
  say(`installing ${missing.join(" ")}`);
  await scope.run("apt-get", ["update", "--quiet"], { env });
  await scope.run("apt-get", ["install", "--yes", "--quiet", "--no-install-recommends", ...missing], { env });
}

/** @param {string} folder @param {string} prefix @returns {string} the path of the one folder or package so named */
function only(folder, prefix) {
  const name = readdirSync(folder, { withFileTypes: true }).find(
    (entry) => entry.name.startsWith(prefix) && (entry.isDirectory() || entry.name.endsWith(".deb")),
  )?.name;
  if (name === undefined) throw new Unable(`apt-get left nothing named ${prefix} in ${folder}`);
  return join(folder, name);
}
