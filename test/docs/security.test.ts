// What docs/security.md promises, a test tries: the files that it names are there.

import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const root = new URL("../../", import.meta.url);

test("each party of docs/security.md has tests, and they are there", () => {
  const page = readFileSync(new URL("docs/security.md", root), "utf8");
  const rows = page.split("\n").filter((line) => line.startsWith("| ") && !/^\| (who|---) /.test(line));
  expect(rows.length).toBeGreaterThan(8);
  const named = rows.flatMap((row) => {
    const cell = row.split("|").at(-2) ?? "";
    const names = [...cell.matchAll(/`([a-z]+\/[a-z-]+)`/g)].map(([, name]) => `test/${name}.test.ts`);
    expect(names.length, row).toBeGreaterThan(0);
    return names;
  });
  expect(named.filter((name) => !existsSync(new URL(name, root)))).toEqual([]);
});
