// A config that is read again, as often as somebody likes.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { open, readConfig, reopened } from "../../src/cli/open.js";

test("what is said of an API as before goes on as it is, the third time as well", async () => {
  const folder = mkdtempSync(join(tmpdir(), "throughline-reread-"));
  const path = join(folder, "throughline.yaml");
  writeFileSync(path, 'postgres: postgres://x@127.0.0.1:1/x\napis: {stripe: {key: "${KEY}"}}\n');
  const read = () => readConfig(path, { KEY: "k" });
  const opened = open(read());
  let tables = opened.tables;
  for (let time = 0; time < 3; time += 1) {
    tables = reopened({ tables, log: opened.log }, read());
    expect(tables.map(({ table }) => table)).toEqual(opened.tables.map(({ table }) => table));
  }
  await opened.pool.end();
  rmSync(folder, { recursive: true, force: true });
});
