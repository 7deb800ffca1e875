// docs/errors.md and docs/metrics.md are what the code says, and the tables of errors they are made from miss no code.

import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { conditionNames } from "../../src/postgres/raised.js";
import { proxyErrors } from "../../src/proxy/reference.js";
import { connectorErrors } from "../../src/upstream/error-docs.js";
import { writeErrors } from "../../src/write/reference.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const codes = new Map(Object.entries(conditionNames).map(([code, name]) => [name, code]));

/** What is looked for in Postgres's words is not raised. */
const compared = /[=!]== "\w{5}"/g;
const literal = /["'`]((?:\d[\dA-Z]|HV|TL|XX)[\dA-Z]{3})["'`]/g;
const errcode = /errcode = '(\w+)'/g;

/** The codes that the files below these paths name, by themselves or by Postgres's name. */
function named(...paths: readonly string[]): string[] {
  const texts = paths.flatMap(filesBelow).map((file) => readFileSync(file, "utf8").replaceAll(compared, ""));
  const found = texts.flatMap((text) => [
    ...[...text.matchAll(literal)].map(([, code = ""]) => code),
    ...[...text.matchAll(errcode)].map(([, name = ""]) => codes.get(name) ?? name),
  ]);
  return [...new Set(found)].sort();
}

function filesBelow(path: string): string[] {
  if (/\.\w+$/.test(path)) return [join(root, path)];
  return readdirSync(join(root, path), { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(ts|sql)$/.test(name) && !/(^|\/)(reference|raised)\.ts$/.test(name))
    .map((name) => join(root, path, name));
}

test("each table has the codes of its folder, and no others", () => {
  expect(Object.keys(connectorErrors).sort()).toEqual(named("src/upstream"));
  expect(Object.keys(writeErrors).sort()).toEqual(named("src/write", "src/mirror", "src/postgres/install.sql"));
  expect(Object.keys(proxyErrors).sort()).toEqual(named("src/proxy"));
});

test("no code of ours is in no table, and each has a name", () => {
  const known = [connectorErrors, writeErrors, proxyErrors].flatMap((errors) => Object.keys(errors));
  const folders = ["http", "journal", "postgres", "sync", "sql", "observe", "config"].map((name) => `src/${name}`);
  expect(known).toEqual(expect.arrayContaining(named("protocol", ...folders)));
  expect(Object.keys(conditionNames).sort()).toEqual([...new Set(known)].sort());
});

test("docs/errors.md and docs/metrics.md are up to date", async () => {
  await promisify(execFile)(process.execPath, [join(root, "scripts/reference.mjs"), "--check"]);
});
