// Bytes that mean nothing to the proxy pass unchanged, between a client and a server that are scripted.

import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readFields } from "../../protocol/fields.js";
import { Listener } from "../../src/proxy/listener.js";
import { message, startup } from "./build.js";
import { notIntercepted } from "./direct-and-proxied.js";

const seed = 20250104;
/** AuthenticationOk: before it, what a client sends waits. */
const letIn = message("R", Buffer.alloc(4));
const opening = startup(Object.entries({ user: "ann", database: "shop" }));
/** Every statement is read, and none is suspected. */
const awake = { ...notIntercepted, awake: true };

let folder: string;
let server: Server;
const listeners: Listener[] = [];
const accepted: ((socket: Socket) => void)[] = [];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "throughline-verbatim-"));
  // Stands where Postgres does; what it does is the test's.
  server = createServer({ allowHalfOpen: true }, (socket) => accepted.shift()?.(socket));
  await new Promise<void>((resolve) => server.listen(join(folder, "postgres"), resolve));
  const log = pino({ level: "silent" });
  for (const [name, interceptor, behind] of [
    ["asleep", notIntercepted, "postgres"],
    ["awake", awake, "postgres"],
    ["lost", awake, "nobody"],
  ] as const) {
    const postgres = { connect: { path: join(folder, behind) }, database: "shop", user: "nobody", label: behind };
    const listener = new Listener({
      postgres,
      interceptor,
      asleep: notIntercepted,
      log,
      connections: 100,
      opening: 200,
      memoryBytes: 1 << 28,
    });
    await listener.listen({ path: join(folder, name) });
    listeners.push(listener);
  }
});
afterAll(async () => {
  for (const listener of listeners) await listener.close(0);
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

const anyBody = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
const anyCut = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 5 });
const anyOf = (types: string) =>
  fc.array(
    fc.tuple(fc.constantFrom(...types), anyBody).map(([type, body]) => message(type, body)),
    { maxLength: 25 },
  );

describe.each(["asleep", "awake"])("P10: with a proxy that is %s", (name) => {
  test("what a client sends reaches Postgres byte for byte, whatever it is and however it is cut", async () => {
    const property = fc.asyncProperty(anyOf("QPBDECHSFdcfX!"), anyCut, async (messages, cut) => {
      const sent = Buffer.concat(messages);
      const { client, postgres } = await joined(name);
      postgres.write(letIn);
      const reached = everything(postgres);
      client.resume();
      await sendCut(client, sent, cut);
      client.end();
      expect(await reached).toEqual(Buffer.concat([opening, sent]));
      client.destroy();
      postgres.destroy();
    });
    await fc.assert(property, { seed, numRuns: 60 });
  });

  test("what Postgres sends unasked reaches the client byte for byte, whatever it is and however it is cut", async () => {
    const property = fc.asyncProperty(anyOf("RSKTtDCINnAvVGHdcE"), anyCut, async (messages, cut) => {
      const said = Buffer.concat([...messages.filter(isWhole), message("E", "SFATAL\0VFATAL\0C57P01\0Mbye\0\0")]);
      const { client, postgres } = await joined(name);
      const reached = everything(client);
      await sendCut(postgres, said, cut);
      postgres.end();
      expect(await reached).toEqual(said);
      client.destroy();
      postgres.destroy();
    });
    await fc.assert(property, { seed, numRuns: 60 });
  });

  test("when Postgres ends a session without a word, its client is told", async () => {
    const { client, postgres } = await joined(name);
    const reached = everything(client);
    postgres.end();
    const told = await reached;
    expect(readFields(told, 0, told.length)).toEqual(
      new Map(
        Object.entries({ S: "FATAL", V: "FATAL", C: "08006", M: "throughline: the connection to Postgres was lost" }),
      ),
    );
    client.destroy();
    postgres.destroy();
  });
});

test("a client is told when there is no Postgres", async () => {
  const client = connect(join(folder, "lost"));
  client.write(opening);
  const told = await everything(client);
  expect(readFields(told, 0, told.length).get("M")).toBe("throughline: Postgres at nobody can't be reached");
});

/** A client behind the proxy, and the socket at which Postgres would be. */
async function joined(name: string): Promise<{ client: Socket; postgres: Socket }> {
  const reached = new Promise<Socket>((resolve) => accepted.push(resolve));
  const client = connect({ path: join(folder, name), allowHalfOpen: true });
  client.write(opening);
  return { client, postgres: await reached };
}

async function everything(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  await new Promise((resolve) => socket.once("end", resolve));
  return Buffer.concat(chunks);
}

async function sendCut(socket: Socket, bytes: Buffer, sizes: readonly number[]): Promise<void> {
  for (let at = 0, piece = 0; at < bytes.length; piece += 1) {
    const size = sizes[piece % sizes.length] ?? 1;
    socket.write(bytes.subarray(at, at + size));
    at += size;
    await turn();
  }
}

/** BackendKeyData has a process id at least. */
function isWhole(bytes: Buffer): boolean {
  return bytes[0] !== 0x4b || bytes.length >= 9;
}
