// A config that is reloaded again and again: unchanged APIs go on, changed ones are opened anew.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { open, readConfig, reopenTables } from "../../src/app/open.js";

const plain = (path: string) => `throughline: 1
api: own
base: http://127.0.0.1
errors: {message: /message}
tables:
  things: {key: id, columns: {id: text}, read: {list: {GET: ${path}, rows: ""}, get: {GET: "${path}/{key}", rows: ""}}}
`;

test("an API whose manifest has changed is opened anew", async () => {
  const folder = mkdtempSync(join(tmpdir(), "throughline-reread-"));
  const path = join(folder, "throughline.yaml");
  const manifest = join(folder, "own.yaml");
  writeFileSync(
    path,
    "postgres: postgres://x@127.0.0.1:1/x\napis: {own: {manifest: ./own.yaml}, stripe: {key: '${KEY}'}}\n",
  );
  writeFileSync(manifest, plain("/things"));
  const read = () => readConfig(path, { KEY: "k" });
  const opened = open(read());
  writeFileSync(manifest, plain("/v2/things"));
  const again = reopenTables(opened, read());
  const own = (tables: typeof again) => tables.filter(({ api }) => api.name === "own").map(({ table }) => table);
  const others = (tables: typeof again) => tables.filter(({ api }) => api.name !== "own").map(({ table }) => table);
  expect(own(again)[0]).not.toBe(own(opened.tables)[0]);
  expect(others(again)).toEqual(others(opened.tables));
  writeFileSync(manifest, "api: own");
  expect(() => reopenTables(opened, read())).toThrow("own.yaml");
  await opened.pool.end();
  rmSync(folder, { recursive: true, force: true });
});

test("an API whose config is unchanged is kept, at the third reload as well", async () => {
  const folder = mkdtempSync(join(tmpdir(), "throughline-reread-"));
  const path = join(folder, "throughline.yaml");
  writeFileSync(path, 'postgres: postgres://x@127.0.0.1:1/x\napis: {stripe: {key: "${KEY}"}}\n');
  const read = () => readConfig(path, { KEY: "k" });
  const opened = open(read());
  let tables = opened.tables;
  for (let time = 0; time < 3; time += 1) {
    tables = reopenTables({ ...opened, tables }, read());
    expect(tables.map(({ table }) => table)).toEqual(opened.tables.map(({ table }) => table));
  }
  await opened.pool.end();
  rmSync(folder, { recursive: true, force: true });
});
