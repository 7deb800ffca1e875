// Requests that certainly never left are told as unsent, whatever kept them: an impossible header, an address, no socket, no
// connection, a server without TLS. A request that has begun to go out is never among them.

import { execFile } from "node:child_process";
import net, { createServer, Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import { sendHttp } from "../../src/http/client.js";
import { startScripted } from "../support/scripted.js";

const post = { method: "POST", headers: {}, body: "{}", timeoutMs: 5_000 } as const;
afterEach(() => {
  vi.restoreAllMocks();
});

test("a request with an impossible header is unsent", async () => {
  const headers = { authorization: "Bearer …" };
  expect(await sendHttp({ ...post, url: "http://127.0.0.1:1/", headers })).toMatchObject({ kind: "unsent" });
});

test.each(["", "no address", "http://", "ftp://127.0.0.1/", "http://127.0.0.1:99999/", "http://a b/", "http://[::1"])(
  'a request to "%s" is unsent',
  async (url) => {
    expect(await sendHttp({ ...post, url })).toMatchObject({ kind: "unsent" });
  },
);

test("a request to a server without TLS is unsent", async () => {
  const server = createServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  expect(await sendHttp({ ...post, url: `https://127.0.0.1:${port}/` })).toMatchObject({ kind: "unsent" });
  server.close();
});

const codes = fc.constantFrom(
  ...["EMFILE", "ENFILE", "ENOMEM", "ENOBUFS", "EADDRNOTAVAIL", "EADDRINUSE", "EACCES", "EPERM", "EINVAL", "EAGAIN"],
  ...[
    "ECONNREFUSED",
    "ECONNRESET",
    "EPIPE",
    "ETIMEDOUT",
    "EHOSTUNREACH",
    "ENETUNREACH",
    "EAI_AGAIN",
    "EAI_SYSTEM",
    "ENOTFOUND",
  ],
  ...["CERT_REVOKED", "ERR_SSL_SOMETHING_NEW", "E_NOT_YET_INVENTED"],
);
const calls = fc.constantFrom("connect", "socket", "getaddrinfo", "bind", "open", "read", "setsockopt", undefined);
const failure = (code: string, syscall: string | undefined) =>
  Object.assign(new Error(`${syscall} ${code}`), { code, ...(syscall === undefined ? {} : { syscall }) });
let hosts = 0;

test("P15: what fails before there is a connection was not sent, by whichever call and code it fails", async () => {
  await fc.assert(
    fc.asyncProperty(codes, calls, fc.boolean(), async (code, syscall, isThrown) => {
      vi.spyOn(net, "connect").mockImplementation(() => {
        if (isThrown) throw failure(code, syscall);
        const socket = new Socket();
        process.nextTick(() => socket.destroy(failure(code, syscall)));
        return socket;
      });
      // A host of its own: no connection of another request is taken.
      hosts += 1;
      const outcome = await sendHttp({ ...post, url: `http://host-${hosts}.invalid/` });
      expect(outcome).toEqual({ kind: "unsent", reason: code });
    }),
    { seed: 3, numRuns: 100 },
  );
});

test("P7: what fails on an established connection is unknown, by whichever call and code it fails", async () => {
  const api = await startScripted();
  const sockets: Socket[] = [];
  const connect = net.connect;
  vi.spyOn(net, "connect").mockImplementation((...args: readonly unknown[]) => {
    const socket = Reflect.apply(connect, net, args);
    sockets.push(socket);
    return socket;
  });
  await fc.assert(
    fc.asyncProperty(codes, calls, fc.boolean(), async (code, syscall, isKeptAlive) => {
      if (isKeptAlive) api.add({ body: {} });
      if (isKeptAlive) expect(await sendHttp({ ...post, url: api.url })).toMatchObject({ kind: "answered" });
      api.add(() => {
        for (const socket of sockets) socket.destroy(failure(code, syscall));
        return { body: {} };
      });
      expect(await sendHttp({ ...post, url: api.url })).toMatchObject({ kind: "unknown" });
    }),
    { seed: 3, numRuns: 100 },
  );
  await api.close();
});

test("a request that is cancelled, or late, before it has a connection is unsent", async () => {
  const cancel = new AbortController();
  cancel.abort();
  const api = await startScripted();
  expect(await sendHttp({ ...post, url: api.url, signal: cancel.signal })).toMatchObject({ kind: "unsent" });
  expect(api.asked).toEqual([]);
  await api.close();
});

test("P13: a request whose permission has expired does not go out, on a connection that is there or a new one", async () => {
  const api = await startScripted({ body: {} });
  expect(await sendHttp({ ...post, url: api.url, sendByMs: performance.now() + 60_000 })).toMatchObject({
    kind: "answered",
  });
  for (const url of [api.url, `${api.url.replace("127.0.0.1", "localhost")}`])
    expect(await sendHttp({ ...post, url, sendByMs: performance.now() - 1 })).toEqual({
      kind: "unsent",
      reason: `it could not be sent within ${post.timeoutMs} ms of being noted`,
    });
  expect(api.asked.length).toBe(1);
  await api.close();
});

test("a time-out that no timer takes is no time-out of a millisecond", async () => {
  const warnings = vi.spyOn(process, "emitWarning");
  const api = await startScripted({ body: {} }, { body: {} }, { body: {} });
  for (const timeoutMs of [2 ** 31, 2 ** 32, Number.POSITIVE_INFINITY])
    expect(await sendHttp({ ...post, url: api.url, timeoutMs })).toMatchObject({ kind: "answered" });
  expect(warnings).not.toHaveBeenCalled();
  await api.close();
});

test.each(["127.0.0.1", "localhost"])(
  "P15: without a file descriptor left, a request to %s is unsent",
  async (host) => {
    const api = await startScripted({ status: 201, body: {} });
    const file = (name: string) => fileURLToPath(new URL(name, import.meta.url));
    const { stdout } = await promisify(execFile)("sh", [
      "-c",
      'ulimit -n 200 && exec "$0" "$@"',
      ...[
        process.execPath,
        file("descriptors.mjs"),
        file("../../dist/src/http/client.js"),
        api.url.replace("127.0.0.1", host),
      ],
    ]);
    const [without, again] = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(without).toMatchObject({ kind: "unsent" });
    expect(again).toMatchObject({ kind: "answered", status: 201 });
    expect(api.asked.length).toBe(1);
    await api.close();
  },
);
