// SIGTERM ends `serve` whatever Postgres does: with exit code 0, in its drain and a little, and its ports are given back.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type FrozenRelay, startFrozenRelay } from "../support/frozen-relay.js";
import { logLines, program } from "../support/program.js";
import { type Stack, startStack } from "../support/stack.js";

let stack: Stack;
let relay: FrozenRelay;
let folder: string;
let child: ChildProcess | undefined;
beforeEach(async () => {
  stack = await startStack();
  relay = await startFrozenRelay(stack.admin.port);
  folder = mkdtempSync(join(tmpdir(), "throughline-stop-"));
});
afterEach(async () => {
  child?.kill("SIGKILL");
  relay.close();
  await stack.close();
  rmSync(folder, { recursive: true });
});

function start(drain: string): {
  readonly child: ChildProcess;
  readonly exit: Promise<number | NodeJS.Signals | null>;
} {
  const url = Object.assign(new URL(stack.opened.config.postgres.url), {
    hostname: "127.0.0.1",
    port: relay.port,
  }).href;
  const config = `listen: {address: "127.0.0.1:0", drain: ${drain}}\nhttp: 127.0.0.1:0\nlog: {format: json}
postgres: "${url}"\napis: {hubspot: {base: "${stack.sandbox.url}", token: "\${TOKEN}", tables: [contacts]}}\n`;
  writeFileSync(join(folder, "throughline.yaml"), config);
  const env = { ...process.env, TOKEN: "pat" };
  const started = spawn(process.execPath, [program, "serve"], { cwd: folder, env });
  child = started;
  return { child: started, exit: once(started, "exit").then(([code, signal]) => code ?? signal) };
}

async function client(port: unknown): Promise<pg.Client> {
  const one = new pg.Client({ connectionString: `postgres://app:app@127.0.0.1:${port}/${stack.database}` });
  one.on("error", () => undefined);
  await one.connect();
  return one;
}

function isRefused(port: unknown): Promise<boolean> {
  const socket = connect(Number(port), "127.0.0.1");
  return new Promise<boolean>((resolve) => {
    socket.once("connect", () => resolve(false));
    socket.once("error", (cause) => resolve("code" in cause && cause.code === "ECONNREFUSED"));
  }).finally(() => socket.destroy());
}

test("P15: SIGTERM ends the proxy with 0 while Postgres hangs", async () => {
  const { child: serving, exit } = start("200ms");
  const { port, http } = await logLines(serving)("listening");
  const one = await client(port);
  await one.query("begin");
  relay.freeze();
  const asked = expect(one.query("select 1")).rejects.toMatchObject({ code: "57P01" });
  serving.kill("SIGTERM");
  expect(await exit).toBe(0);
  await asked;
  expect([await isRefused(port), await isRefused(http)]).toEqual([true, true]);
});

test("P15: SIGTERM ends a proxy with 0 that is still starting while Postgres hangs", async () => {
  relay.freeze();
  const { child: serving, exit } = start("60s");
  await expect.poll(() => relay.openCount, { timeout: 40_000 }).toBeGreaterThan(0);
  serving.kill("SIGTERM");
  expect(await exit).toBe(0);
});

test.each([
  ["SIGTERM", 143],
  ["SIGINT", 130],
] as const)("a second signal, be it %s, ends the proxy at once", async (second, code) => {
  const { child: serving, exit } = start("1h");
  const { port, http } = await logLines(serving)("listening");
  const one = await client(port);
  await one.query("begin");
  serving.kill("SIGTERM");
  await expect.poll(async () => (await fetch(`http://127.0.0.1:${http}/readyz`)).status).toBe(503);
  serving.kill(second);
  expect(await exit).toBe(code);
});
