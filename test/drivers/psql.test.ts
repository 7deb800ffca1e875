// psql runs the ten statements of ten.ts through the proxy, and shows what the proxy adds to them.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Stack, startStack } from "../support/stack.js";
import { runTen, seed } from "./ten.js";

let stack: Stack;
beforeEach(async () => {
  stack = await startStack({ seed });
});
afterEach(() => stack.close());

const psql = async (stack: Stack, ...options: readonly string[]) => {
  const url = `postgres://app:app@127.0.0.1:${stack.port}/${stack.database}`;
  return promisify(execFile)("psql", [url, "-XAtq", "-v", "VERBOSITY=verbose", ...options]).then(
    ({ stdout, stderr }) => ({ stdout: stdout.trimEnd(), stderr }),
    (cause: { stdout: string; stderr: string }) => cause,
  );
};

test("psql runs the ten statements", async () => {
  await runTen(stack, async (sql) => {
    const { stdout, stderr } = await psql(stack, "-c", sql);
    const failed = /^ERROR: +(\w{5}): /.exec(stderr);
    return failed?.[1] ?? stdout.split("\n");
  });
});

test("psql shows the warning of a rollback, the column of a refusal, and works with ON_ERROR_ROLLBACK", async () => {
  const warned = await psql(
    stack,
    "-c",
    "begin",
    "-c",
    "insert into hubspot.contacts (email) values ('w@example.com')",
    "-c",
    "rollback",
  );
  expect(warned.stderr).toMatch(/WARNING: +01000: rollback did not undo 1 upstream write \(hubspot\.contacts \d+\)/);
  const refused = await psql(stack, "-c", "insert into hubspot.contacts (email) values ('nonsense')");
  expect(refused.stderr).toMatch(
    /^ERROR: +22P02: hubspot: Email address nonsense is invalid\nDETAIL: .*\nSCHEMA NAME: +hubspot\nTABLE NAME: +contacts\nCOLUMN NAME: +email\n$/,
  );
  const saved = await psql(
    stack,
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
  const { stdout } = await psql(stack, "-c", "select count(*) from hubspot.contacts where email = 'saved@example.com'");
  expect(stdout).toBe("1");
});
