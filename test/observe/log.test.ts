// An error in the log: its kind, its code and where it was thrown, and nothing of its message.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

test("P15: a message that looks like a stack does not get into the log", async () => {
  const module = fileURLToPath(new URL("../../dist/src/observe/log.js", import.meta.url));
  const program = `import { makeLog } from ${JSON.stringify(module)};
    const err = Object.assign(new Error("no\\n    at \\u001b[2Jevil\\u202e"), { code: "A\\u001b[2J\\u202e" });
    makeLog({ level: "error", format: "json" }).error({ err }, "it failed");`;
  const { stderr } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program]);
  const { err } = JSON.parse(stderr);
  expect(err).toMatchObject({ type: "Error", code: "A [2J" });
  expect(err.stack).toMatch(/^\s+at /);
  expect(err.stack).not.toContain("evil");
});
