// The SQL that installs the schema "throughline", in the order of its files. `migrate` runs it.

import { readdirSync, readFileSync } from "node:fs";

const folder = new URL("./install/", import.meta.url);

export const installSql: string = readdirSync(folder)
  .sort()
  .map((name) => readFileSync(new URL(name, folder), "utf8"))
  .join("\n");
