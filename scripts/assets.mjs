// Copies what the compiler leaves behind (installed SQL, manifests, the types of hooks) into dist, beside the code that reads it.
import { cpSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const kinds = [".sql", ".yaml", ".d.ts"];

/** @param {string} folder of the sources */
function copyFrom(folder) {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) copyFrom(path);
    else if (kinds.some((kind) => name.endsWith(kind))) cpSync(path, join("dist", path));
  }
}

copyFrom("src");
