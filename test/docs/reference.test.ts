// docs/errors.md and docs/metrics.md are what the code says, and the catalogue of errors misses none that is raised.

import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { guardErrors } from "../../src/mirror/guard-errors.js";
import { conditionNames, type ErrorEntry } from "../../src/postgres/error-catalogue.js";
import { proxyErrors } from "../../src/proxy/catalogue.js";
import { upstreamErrors } from "../../src/upstream/error-docs.js";
import { writeErrors } from "../../src/write/errors/catalogue.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const codes = new Map<string, string>(Object.entries(conditionNames).map(([code, name]) => [name, code]));
const codesOf = (entries: readonly ErrorEntry[]) => new Set<string>(entries.map(({ sqlstate }) => sqlstate));

function filesBelow(path: string): string[] {
  return readdirSync(join(root, path), { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(ts|sql)$/.test(name))
    .map((name) => join(root, path, name));
}

// In TypeScript an error without an entry does not compile. What SQL raises is text.
test("what the installed SQL raises has its entries, and no others are there", () => {
  const files = [...filesBelow("src/mirror"), ...filesBelow("src/postgres/install")];
  const texts = files.map((file) => readFileSync(file, "utf8"));
  const raised = texts
    .flatMap((text) => [...text.matchAll(/raise exception '((?:[^']|'')*)'[^;]*?errcode = '(\w+)'/g)])
    .map(([, message = "", name = ""]) => `${codes.get(name)} ${message}`);
  expect(guardErrors.map((entry) => `${entry.sqlstate} ${entry.raised}`).sort()).toEqual([...new Set(raised)].sort());
});

test("every SQLSTATE that has a name is raised by an entry", () => {
  const all = codesOf([...upstreamErrors, ...writeErrors, ...guardErrors, ...proxyErrors]);
  expect(all).toEqual(new Set(Object.keys(conditionNames)));
});

test("no two entries of the write path or of the proxy tell a reader the same", () => {
  for (const entries of [writeErrors, proxyErrors]) {
    const told = entries.map(({ sqlstate, means }) => `${sqlstate} ${means}`);
    expect(new Set(told).size).toBe(told.length);
  }
});

test("docs/errors.md and docs/metrics.md are up to date", async () => {
  await promisify(execFile)(process.execPath, [join(root, "scripts/reference.mjs"), "--check"]);
});
