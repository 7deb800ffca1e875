// Connections that Postgres has not let in yet: how many there may be, whom the limits end, and what nobody can use up.

import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import fc from "fast-check";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { readFields } from "../../protocol/fields.js";
import { addressGroup } from "../../src/proxy/address-group.js";
import { Listener } from "../../src/proxy/listener.js";
import { type Opening, OpeningSockets } from "../../src/proxy/opening-sockets.js";
import { tooManyFiles } from "../../src/proxy/proxy-errors.js";
import { cancelRequest, int32, message, opener, sslRequest, startup } from "./build.js";
import { notIntercepted } from "./direct-and-proxied.js";
import { Raw } from "./raw.js";

const seed = 20250212;

describe("the limits", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  /** As much of a socket as is asked for. */
  const socketFrom = (remoteAddress: string) =>
    Object.assign(new PassThrough(), { remoteAddress }) as unknown as Socket;
  const anyStep = fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant("enter"), who: fc.integer({ min: 1, max: 4 }) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom("client", "postgres"), who: fc.nat(200) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("leave"), who: fc.nat(200) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("pass"), who: fc.integer({ min: 1, max: 1_500 }) }) },
  );

  /** The sockets, and beside them each that has ever entered. */
  class World {
    readonly sockets: OpeningSockets;
    private readonly all: Opening[] = [];
    constructor(limit: number) {
      this.sockets = new OpeningSockets(limit);
    }
    get open(): readonly Opening[] {
      return this.all.filter(({ at }) => at !== "over");
    }
    take({ kind, who }: { readonly kind: string; readonly who: number }): void {
      const one = this.all[who % Math.max(1, this.all.length)];
      if (kind === "enter") this.all.push(this.sockets.enter(socketFrom(`10.0.0.${who}`)));
      else if (kind === "pass") vi.advanceTimersByTime(who);
      else if (one && kind === "leave") this.sockets.leave(one);
      else if (one && one.at !== "over") this.sockets.hear(one, kind === "client" ? "client" : "postgres");
    }
  }

  function isRecent({ turn, heardAtMs }: Opening): boolean {
    return performance.now() - heardAtMs < (turn === "client" ? 1_000 : 10_000);
  }

  test("P15: whoever was just heard of is not ended unless far too many are opening, and of the quiet ones as many stay as may", () => {
    const property = fc.property(
      fc.array(anyStep, { maxLength: 200 }),
      fc.integer({ min: 1, max: 12 }),
      (steps, limit) => {
        const world = new World(limit);
        const { sockets } = world;
        for (const step of steps) {
          const before = world.open;
          world.take(step);
          const ended = before.filter(({ at }) => at === "over");
          if (step.kind !== "leave" && before.length < sockets.most) expect(ended.filter(isRecent)).toEqual([]);
          expect(sockets.count).toBe(world.open.length);
          expect(sockets.count).toBeLessThanOrEqual(sockets.most);
        }
        vi.advanceTimersByTime(11_000);
        expect(sockets.count).toBeLessThanOrEqual(limit);
        const perAddress = new Map<string, number>();
        for (const { address } of world.open) perAddress.set(address, (perAddress.get(address) ?? 0) + 1);
        expect(Math.max(0, ...perAddress.values())).toBeLessThanOrEqual(Math.ceil(limit / 2));
        vi.advanceTimersByTime(60_000);
        expect(sockets.count).toBe(0);
      },
    );
    fc.assert(property, { seed, numRuns: 300 });
  });

  test("P15: of the address with most the one is ended that keeps Postgres waiting for longest, and then one that waits for it", () => {
    const sockets = new OpeningSockets(4);
    const one = sockets.enter(socketFrom("10.0.0.1"));
    const others = Array.from({ length: 3 }, () => sockets.enter(socketFrom("10.0.0.2")));
    const [first, second, third] = others;
    if (first) sockets.hear(first, "client");
    if (second) sockets.hear(second, "postgres");
    const states = () => [one, ...others].map(({ at }) => at === "over");
    sockets.endOne(tooManyFiles(1, 1));
    expect([states(), third?.at]).toEqual([[false, false, false, true], "over"]);
    sockets.endOne(tooManyFiles(1, 1));
    expect(states()).toEqual([false, false, true, true]);
    sockets.endOne(tooManyFiles(1, 1));
    expect(states()).toEqual([true, false, true, true]);
    sockets.endOne(tooManyFiles(1, 1));
    sockets.endOne(tooManyFiles(1, 1));
    expect(states()).toEqual([true, true, true, true]);
  });

  test("one host is one address: the first half of IPv6, an IPv4 address however it is written, all Unix sockets", () => {
    expect(
      ["10.1.2.3", "::ffff:10.1.2.3", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::9", "fe80::1%eth0", "::1", undefined].map(
        addressGroup,
      ),
    ).toEqual(["10.1.2.3", "10.1.2.3", "2001:db8:1:2", "2001:db8:1:2", "fe80:0:0:0", "0:0:0:0", "local"]);
  });
});

describe("a port", () => {
  let folder: string;
  let postgres: Server;
  let listener: Listener;
  /** Those at which Postgres would be. */
  const joined = new Set<Socket>();
  const clients: Raw[] = [];
  const opening = startup(Object.entries({ user: "ann", database: "shop" }));
  const password = message("p", "secret\0");
  const letIn = Buffer.concat([message("R", int32(0)), message("K", int32(7), Buffer.from("key!")), message("Z", "I")]);

  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    folder = mkdtempSync(join(tmpdir(), "throughline-opening-"));
    postgres = createServer((socket) => {
      joined.add(socket);
      socket.on("error", () => undefined).on("close", () => joined.delete(socket));
      socket.on("data", (chunk) => {
        if (chunk.equals(password)) socket.write(letIn);
        else if (chunk.length > 16) socket.write(message("R", int32(3)));
      });
    });
    await new Promise<void>((resolve) => postgres.listen(join(folder, "postgres"), resolve));
  });
  afterEach(async () => {
    vi.useRealTimers();
    for (const { socket } of clients.splice(0)) socket.destroy();
    await listener.close(0);
    postgres.close();
    rmSync(folder, { recursive: true });
  });

  async function listen(limits: { connections: number; opening: number }): Promise<void> {
    const address = {
      connect: { path: join(folder, "postgres") },
      database: "shop",
      user: "nobody",
      label: "postgres",
    };
    const log = pino({ level: "silent" });
    listener = new Listener({
      postgres: address,
      interceptor: notIntercepted,
      memoryBytes: 1 << 28,
      asleep: notIntercepted,
      log,
      ...limits,
    });
    await listener.listen({ path: join(folder, "proxy") });
  }
  function client(): Raw {
    const raw = new Raw({ path: join(folder, "proxy") });
    clients.push(raw);
    return raw;
  }
  async function inside(): Promise<Raw> {
    const raw = client();
    raw.send(opening);
    await raw.until("R");
    raw.send(password);
    await raw.until("Z");
    return raw;
  }
  async function words(raw: Raw): Promise<(string | undefined)[]> {
    const told = await raw.until("E");
    const fields = readFields(told, 0, told.length);
    await raw.untilEnd();
    return [fields.get("S"), fields.get("C"), fields.get("M")];
  }

  test("P15: strangers without the password use up no places of clients", async () => {
    await listen({ connections: 2, opening: 100 });
    for (let i = 0; i < 10; i += 1) {
      const stranger = client();
      stranger.send(opening);
      await stranger.until("R");
    }
    await inside();
    await inside();
    expect([listener.count, listener.openingCount]).toEqual([2, 10]);
    const late = client();
    late.send(opening);
    expect(await words(late)).toEqual(["FATAL", "53300", expect.stringContaining("too many clients already: 2")]);
  });

  test("P15: of more clients than there are places that are let in at once, the last is told", async () => {
    await listen({ connections: 1, opening: 100 });
    const [one, two] = [client(), client()];
    for (const raw of [one, two]) {
      raw.send(opening);
      await raw.until("R");
    }
    one.send(password);
    await one.until("Z");
    two.send(password);
    expect(await words(two)).toEqual(["FATAL", "53300", expect.stringContaining("listen.connections")]);
    expect(two.letters).toBe("R E");
  });

  test("P15: whoever is not let in within a minute is told as Postgres would, wherever it has stopped", async () => {
    await listen({ connections: 10, opening: 100 });
    const stranger = client();
    stranger.send(opening);
    await stranger.until("R");
    const slow = client();
    slow.send(sslRequest);
    await expect.poll(() => listener.openingCount).toBe(2);
    const real = await inside();
    vi.advanceTimersByTime(15_000);
    await slow.untilEnd();
    vi.advanceTimersByTime(45_000);
    expect(await words(stranger)).toEqual(["FATAL", "57014", "throughline: canceling authentication due to timeout"]);
    await expect.poll(() => joined.size).toBe(1);
    vi.advanceTimersByTime(600_000);
    expect([listener.count, real.letters]).toEqual([1, "R R K Z"]);
  });

  test("P15: the connections from one address are told which limit they have passed", async () => {
    await listen({ connections: 10, opening: 4 });
    const quiet = [client(), client(), client()];
    await expect.poll(() => listener.openingCount).toBe(3);
    vi.advanceTimersByTime(1_100);
    expect(await Promise.race(quiet.map(words))).toEqual([
      "FATAL",
      "53300",
      expect.stringMatching(/opening from this address: 2; raise "listen.opening"/),
    ]);
    expect(listener.openingCount).toBe(2);
    await inside();
  });

  test("P15: cancel requests that Postgres does not take have the same limit, and a time", async () => {
    await listen({ connections: 10, opening: 4 });
    postgres.removeAllListeners("connection");
    postgres.on("connection", (socket) => {
      joined.add(socket);
      socket.on("close", () => joined.delete(socket)).resume();
    });
    for (let i = 0; i < 30; i += 1) client().send(cancelRequest(i, Buffer.from("key!")));
    await expect.poll(() => joined.size).toBeGreaterThan(0);
    const ended = () => clients.filter(({ socket }) => socket.readableEnded).length;
    await expect.poll(() => ended() + listener.openingCount).toBe(30);
    expect(listener.openingCount).toBeLessThanOrEqual(16);
    vi.advanceTimersByTime(10_100);
    expect(listener.openingCount).toBe(2);
    vi.advanceTimersByTime(5_000);
    await expect.poll(() => joined.size).toBe(0);
    expect(listener.openingCount).toBe(0);
  });

  test("P15: a client that was refused and does not hang up is hung up on", async () => {
    await listen({ connections: 10, opening: 100 });
    const raw = new Raw({ path: join(folder, "proxy") }, 1);
    clients.push(raw);
    raw.send(Buffer.concat([sslRequest]));
    await expect.poll(() => raw.messages.length).toBe(1);
    raw.send(opener(80877103, ""));
    await raw.until("E");
    await expect.poll(() => [listener.openingCount, listener.clients.size]).toEqual([0, 0]);
  });

  test("a connection that can't be taken leaves the port open", async () => {
    await listen({ connections: 10, opening: 100 });
    const { server } = listener as unknown as { readonly server: Server };
    for (let i = 0; i < 3; i += 1) server.emit("error", Object.assign(new Error("accept EMFILE"), { code: "EMFILE" }));
    await inside();
  });

  test("a socket that is gone before it was accepted ends nothing else", async () => {
    await listen({ connections: 10, opening: 100 });
    for (let i = 0; i < 20; i += 1)
      connect(join(folder, "proxy"))
        .on("error", () => undefined)
        .destroy();
    await inside();
    await expect.poll(() => listener.openingCount).toBe(0);
  });
});
