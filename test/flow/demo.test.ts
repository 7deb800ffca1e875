// `demo` shows its reviewed transcript, and takes down all that it has started, however it ends.

import { execFile, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeEach, expect, test } from "vitest";
import { runProgram } from "../support/program.js";

const main = new URL("../../dist/src/main.js", import.meta.url).pathname;
const shows: readonly (readonly [command: string, reviewed: string])[] = [
  ["demo", "demo.transcript.txt"],
  ["demo --api stripe", "demo-stripe.transcript.txt"],
];

/** Ids, clocks and request ids are different each time. */
function masked(transcript: string): string {
  return transcript
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "<uuid>")
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "<time>")
    .replaceAll(/\b(cus|price|prod|req)_[0-9A-Za-z]{14,}/g, "$1_<id>")
    .replaceAll(/(?<="id":")\d+/g, "<id>")
    .replaceAll(/(?<=contacts[ /])\d+/g, "<id>")
    .replaceAll(/\b5\d\d\b(?=\s*(│|$))/gm, "<id>");
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "throughline-demo-test-"));
  // As root, the server runs as somebody else.
  chmodSync(folder, 0o777);
  return () => rmSync(folder, { recursive: true, force: true });
});
const env = () => ({ ...process.env, TMPDIR: folder });

test.each(shows)(
  "%s shows what was reviewed, leaves nothing behind",
  { timeout: 60_000 },
  async (command, reviewed) => {
    const args = [main, ...command.split(" "), "--once"];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { env: env() });
    expect(stderr).toBe("");
    expect(masked(stdout)).toBe(readFileSync(new URL(reviewed, import.meta.url), "utf8"));
    expect(readdirSync(folder)).toEqual([]);
  },
);

test("an API without a demo is a usage error with the nearest name, and nothing is started", async () => {
  expect(await runProgram(folder, env(), ["demo", "--api", "strpe"])).toEqual({
    code: 2,
    out: "",
    err: expect.stringContaining('throughline: there is no demo of "strpe"; did you mean "stripe"?; '),
  });
  expect(readdirSync(folder)).toEqual([]);
});

test.each(["SIGINT", "SIGTERM"] as const)(
  "%s ends the demo at any moment, and nothing is left behind",
  async (signal) => {
    const demo = spawn(process.execPath, [main, "demo"], { stdio: ["ignore", "pipe", "ignore"], env: env() });
    const ended = new Promise((resolve) => demo.once("exit", resolve));
    demo.stdout.on("data", (text: Buffer) => {
      if (text.includes("throughline pull")) demo.kill(signal);
    });
    expect(await ended).toBe(0);
    expect(readdirSync(folder)).toEqual([]);
  },
);

test("the demo takes down what it has started when its output is closed", async () => {
  const demo = spawn(process.execPath, [main, "demo"], { stdio: ["ignore", "pipe", "ignore"], env: env() });
  const ended = new Promise((resolve) => demo.once("exit", resolve));
  demo.stdout.on("data", (text: Buffer) => {
    if (text.includes("throughline pull")) demo.stdout.destroy();
  });
  expect(await ended).toBe(0);
  expect(readdirSync(folder)).toEqual([]);
});
