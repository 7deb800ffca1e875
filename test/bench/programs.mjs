// Where the programs of a run are.

import { accessSync, constants, existsSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { Unable } from "./scope.mjs";

const debian = "/usr/lib/postgresql";

/** @param {string} name @returns {string | undefined} */
export function found(name) {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];
  return folders.map((folder) => join(folder, name)).find(executable);
}

/** The newest of Debian's, as the one on the path is a script that starts it; otherwise the one on the path. */
export function pgbench() {
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const program = versions.map((version) => join(debian, version, "bin/pgbench")).find(executable) ?? found("pgbench");
  if (program === undefined) throw new Unable("there is no pgbench: install postgresql-contrib or postgresql-15");
  return program;
}

/** @param {string} path */
function executable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
