import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const main = new URL("../../dist/src/main.js", import.meta.url).pathname;
const reviewed = new URL("./demo.transcript.txt", import.meta.url);

/** Ids, clocks and request ids are different each time. */
function masked(transcript: string): string {
  return transcript
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "<uuid>")
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "<time>")
    .replaceAll(/(?<="id":")\d+/g, "<id>")
    .replaceAll(/(?<=contacts[ /])\d+/g, "<id>")
    .replaceAll(/\b5\d\d\b(?=\s*(│|$))/gm, "<id>");
}

const leftovers = () => readdirSync(tmpdir()).filter((name) => name.startsWith("throughline-demo-"));

test("the demo shows what was reviewed, leaves nothing behind", {
  timeout: 60_000,
}, async () => {
  const before = leftovers();
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [main, "demo", "--once"]);
  expect(stderr).toBe("");
  const expected = existsSync(reviewed) ? readFileSync(reviewed, "utf8") : "";
  expect(masked(stdout)).toBe(expected);
  expect(leftovers()).toEqual(before);
});
