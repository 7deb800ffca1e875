// Thousands of connections that never log in, and a process with few open files, beside clients that only want to work.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import pg from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { serve } from "../../src/app/serve.js";
import { Explained } from "../../src/config/explained.js";
import { Metrics } from "../../src/observe/metrics.js";
import { fitToFiles, readOpenFiles } from "../../src/proxy/open-files.js";
import { startup } from "../proxy/build.js";
import { logLines, program } from "../support/program.js";
import { type Stack, startStack } from "../support/stack.js";

let stack: Stack;
const strangers: Socket[] = [];
beforeEach(async () => {
  stack = await startStack();
});
afterEach(async () => {
  for (const socket of strangers.splice(0)) socket.destroy();
  await stack.close();
});

/** Opens as many connections, each of which says one of these and then nothing. */
async function flood(port: number, count: number, openings: readonly Buffer[]): Promise<void> {
  const connected = Array.from({ length: count }, (_, i) => {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    strangers.push(socket.resume());
    socket.write(openings[i % openings.length] ?? "");
    return new Promise((resolve) => socket.on("error", resolve).once("connect", resolve));
  });
  await Promise.all(connected);
}

async function clientOf(port: number): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: `postgres://app:app@127.0.0.1:${port}/${stack.database}` });
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

const insert = (name: string) => `insert into hubspot.contacts (email) values ('${name}@x.com') returning email`;
const halfAPacket = startup([["user", "app"]]).subarray(0, 12);

test("P15: among 3,000 connections that never log in a client gets in, writes, and is not ended", async () => {
  const metrics = new Metrics();
  const proxy = await serve(stack.opened, { host: "127.0.0.1", port: 0 }, metrics);
  const before = await clientOf(proxy.port);
  const flooding = flood(proxy.port, 3_000, [Buffer.alloc(0), halfAPacket]);
  const during = clientOf(proxy.port);
  await flooding;
  const after = await clientOf(proxy.port);
  for (const [index, client] of [before, await during, after].entries())
    expect((await client.query(insert(`n${index}`))).rows).toEqual([{ email: `n${index}@x.com` }]);
  // Half of the 100 that this stack allows, for they come from one address. The kernel may have dropped some of them.
  const opening = () => metrics.registry.getSingleMetricAsString("throughline_opening_connections");
  await expect.poll(opening, { timeout: 60_000 }).toMatch(/^throughline_opening_connections 50$/m);
  expect((await after.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  await proxy.close();
});

test("P15: whatever is wanted, the limits leave a file for each call, our own connections and the rest, or are said to be impossible", () => {
  const wanted = fc.record({
    connections: fc.integer({ min: 1, max: 5_000 }),
    opening: fc.integer({ min: 1, max: 1_000 }),
    writes: fc.integer({ min: 1, max: 2_000 }),
    own: fc.integer({ min: 5, max: 50 }),
  });
  const files = fc.record({ limit: fc.integer({ min: 20, max: 30_000 }), used: fc.integer({ min: 15, max: 200 }) });
  const property = fc.property(wanted, files, (wants, { limit, used }) => {
    try {
      const fit = fitToFiles(wants, { limit, used });
      expect(fit.connections).toBeLessThanOrEqual(wants.connections);
      expect(fit.opening).toBeLessThanOrEqual(wants.opening);
      expect(Math.min(fit.connections, fit.opening)).toBeGreaterThanOrEqual(1);
      const calls = Math.min(fit.connections, wants.writes);
      expect(2 * fit.connections + fit.opening).toBeLessThanOrEqual(fit.files?.sockets ?? 0);
      expect((fit.files?.sockets ?? 0) + calls + wants.own + used).toBeLessThan(limit);
      expect(fit.files?.isShort).toBe(fit.connections < wants.connections || fit.opening < wants.opening);
    } catch (cause) {
      if (!(cause instanceof Explained)) throw cause;
      expect(cause.message).toContain("ulimit -n");
      expect(limit - used - wants.own).toBeLessThan(100);
    }
  });
  fc.assert(property, { seed: 20250212, numRuns: 2_000 });
  const now = readOpenFiles();
  if (process.platform === "linux") expect(now?.used).toBeGreaterThan(3);
});

test("P15: with few open files clients are refused in words, and calls and our own connections have theirs", async () => {
  const folder = mkdtempSync(join(tmpdir(), "throughline-files-"));
  const config = `listen: {address: "127.0.0.1:0", drain: 0s}\nhttp: 127.0.0.1:0\nlog: {format: json}
postgres: "${stack.opened.config.postgres.url}"\napis: {hubspot: {base: "${stack.sandbox.url}", token: "\${TOKEN}", tables: [contacts]}}\n`;
  writeFileSync(join(folder, "throughline.yaml"), config);
  const command = `ulimit -n 150 && exec "${process.execPath}" "${program}" serve`;
  const serving = spawn("sh", ["-c", command], { cwd: folder, env: { ...process.env, TOKEN: "pat" } });
  const exit = once(serving, "exit");
  let words = "";
  serving.stderr.on("data", (chunk: Buffer) => {
    words += chunk.toString("utf8");
  });
  const { port } = await logLines(serving)("listening");
  const [, count] = /"ulimit -n\\"\): it takes (\d+) clients at a time, not 2000/.exec(words) ?? [];
  expect(Number(count)).toBeGreaterThan(3);
  const clients: pg.Client[] = [];
  for (let i = 0; i < Number(count); i += 1) clients.push(await clientOf(Number(port)));
  await expect(clientOf(Number(port))).rejects.toMatchObject({
    code: "53300",
    message: expect.stringMatching(/this process may open 150 files; raise "ulimit -n"/),
  });
  await flood(Number(port), 400, [Buffer.alloc(0), halfAPacket]);
  const written = await Promise.all(clients.map((client, i) => client.query(insert(`n${i}`))));
  expect(written.map(({ rowCount }) => rowCount)).toEqual(clients.map(() => 1));
  for (const client of clients) await client.end();
  serving.kill("SIGTERM");
  expect((await exit)[0]).toBe(0);
  expect(words).not.toContain("EMFILE");
  rmSync(folder, { recursive: true });
});
