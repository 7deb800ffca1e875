import { execFile, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
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

const leftovers = () => readdirSync(tmpdir()).filter((name) => /^throughline-(demo|postgres)-/.test(name));

test("the demo shows what was reviewed, leaves nothing behind", {
  timeout: 60_000,
}, async () => {
  const before = leftovers();
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [main, "demo", "--once"]);
  expect(stderr).toBe("");
  expect(masked(stdout)).toBe(readFileSync(reviewed, "utf8"));
  expect(leftovers()).toEqual(before);
});

test.each(["SIGINT", "SIGTERM"] as const)(
  "%s ends the demo at any moment, and nothing is left behind",
  async (signal) => {
    const before = leftovers();
    const demo = spawn(process.execPath, [main, "demo"], { stdio: ["ignore", "pipe", "ignore"] });
    const ended = new Promise((resolve) => demo.once("exit", resolve));
    demo.stdout.on("data", (text: Buffer) => {
      if (text.includes("throughline pull")) demo.kill(signal);
    });
    expect(await ended).toBe(0);
    expect(leftovers()).toEqual(before);
  },
);
