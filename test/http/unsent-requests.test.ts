// Requests that certainly never left are told as unsent: an impossible header, a server without TLS.

import { createServer } from "node:net";
import { expect, test } from "vitest";
import { sendHttp } from "../../src/http/client.js";

const post = { method: "POST", headers: {}, body: "{}", timeoutMs: 5_000 } as const;

test("a request with an impossible header is unsent", async () => {
  const headers = { authorization: "Bearer …" };
  expect(await sendHttp({ ...post, url: "http://127.0.0.1:1/", headers })).toMatchObject({ kind: "unsent" });
});

test("a request to a server without TLS is unsent", async () => {
  const server = createServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  expect(await sendHttp({ ...post, url: `https://127.0.0.1:${port}/` })).toMatchObject({ kind: "unsent" });
  server.close();
});
