// Package lists of a run's own, in which every archive is a source archive as well; the machine's are read and left alone.

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

const machine = "/etc/apt";

/** @param {string} folder that is made for them @returns {readonly string[]} the options with which apt-get uses them */
export function ownLists(folder) {
  const sources = join(folder, "sources");
  const lists = join(folder, "lists");
  const archives = join(folder, "archives");
  for (const path of [sources, join(lists, "partial"), join(archives, "partial")]) mkdirSync(path, { recursive: true });
  const parts = join(machine, "sources.list.d");
  const named = existsSync(parts) ? readdirSync(parts).map((name) => join(parts, name)) : [];
  for (const path of [join(machine, "sources.list"), ...named].filter(existsSync)) {
    const text = readFileSync(path, "utf8");
    if (path.endsWith(".sources")) writeFileSync(join(sources, basename(path)), text.replaceAll(/^Types:.*$/gm, both));
    if (path.endsWith(".list"))
      writeFileSync(join(sources, basename(path)), text.replaceAll(/^deb\s.*$/gm, withSource));
  }
  const settings = {
    "Dir::Etc::sourcelist": "/dev/null",
    "Dir::Etc::sourceparts": sources,
    "Dir::State::lists": lists,
    "Dir::Cache::archives": archives,
    "Dir::Cache::pkgcache": "",
    "Dir::Cache::srcpkgcache": "",
    // Its own user could not write to the folder of whoever runs this.
    "APT::Sandbox::User": "root",
  };
  return Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
}

const both = "Types: deb deb-src";

/** @param {string} line */
function withSource(line) {
  return `${line}\n${line.replace(/^deb/, "deb-src")}`;
}
