// psql runs the ten statements of ten.ts through the proxy, and shows what the proxy adds to them.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Line, startLine } from "../support/line.js";
import { runTen, seed } from "./ten.js";

let line: Line;
beforeEach(async () => {
  line = await startLine({ seed });
});
afterEach(() => line.close());

const psql = async (line: Line, ...options: readonly string[]) => {
  const url = `postgres://app:app@127.0.0.1:${line.port}/${line.database}`;
  return promisify(execFile)("psql", [url, "-XAtq", "-v", "VERBOSITY=verbose", ...options]).then(
    ({ stdout, stderr }) => ({ stdout: stdout.trimEnd(), stderr }),
    (cause: { stdout: string; stderr: string }) => cause,
  );
};

test("psql runs the ten statements", async () => {
  await runTen(line, async (sql) => {
    const { stdout, stderr } = await psql(line, "-c", sql);
    const failed = /^ERROR: +(\w{5}): /.exec(stderr);
    return failed?.[1] ?? stdout.split("\n");
  });
});

test("psql shows the warning of a rollback, the column of a refusal, and works with ON_ERROR_ROLLBACK", async () => {
  const warned = await psql(
    line,
    "-c",
    "begin",
    "-c",
    "insert into hubspot.contacts (email) values ('w@example.com')",
    "-c",
    "rollback",
  );
  expect(warned.stderr).toMatch(/WARNING: +01000: rollback did not undo 1 upstream write \(hubspot\.contacts \d+\)/);
  const refused = await psql(line, "-c", "insert into hubspot.contacts (email) values ('nonsense')");
  expect(refused.stderr).toMatch(
    /^ERROR: +22P02: hubspot: Email address nonsense is invalid\nDETAIL: .*\nSCHEMA NAME: +hubspot\nTABLE NAME: +contacts\nCOLUMN NAME: +email\n$/,
  );
  const saved = await psql(
    line,
    "-v",
    "ON_ERROR_ROLLBACK=on",
    "-c",
    "begin",
    "-c",
    "insert into hubspot.contacts (email) values ('nonsense')",
    "-c",
    "insert into hubspot.contacts (email) values ('saved@example.com')",
    "-c",
    "commit",
  );
  expect(saved.stderr).toContain("22P02");
  const { stdout } = await psql(line, "-c", "select count(*) from hubspot.contacts where email = 'saved@example.com'");
  expect(stdout).toBe("1");
});
