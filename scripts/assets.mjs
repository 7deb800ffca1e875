// Copies what the compiler leaves behind (installed SQL, manifests) into dist, beside the code that reads it.
import { cpSync, readdirSync, statSync } from "node:fs";
import { extname, join } from "node:path";

const kinds = new Set([".sql", ".yaml"]);

function copyFrom(folder) {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) copyFrom(path);
    else if (kinds.has(extname(name))) cpSync(path, join("dist", path));
  }
}

copyFrom("src");
