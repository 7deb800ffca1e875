// An API that sends headers without end holds no turn of the loop, and an answer in many chunks is whole.

import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sendHttp } from "../../src/http/client.js";
import { startTurnMeter } from "../support/turn-meter.js";

const longestTurnMs = 50;
const post = { method: "POST", headers: {}, body: "{}", timeoutMs: 10_000 } as const;

/** Answers in a thread of its own: by "/headers" with a million headers, otherwise with a body of a megabyte. */
const server = `
  const { parentPort } = require("node:worker_threads");
  const headers = Buffer.from("HTTP/1.1 200 OK\\r\\n" + "a:\\r\\n".repeat(1_000_000) + "\\r\\n");
  const body = Buffer.from("HTTP/1.1 200 OK\\r\\ncontent-length: 1048576\\r\\n\\r\\n" + "0123456789abcdef".repeat(65_536));
  require("node:net").createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", (request) => socket.end(request.includes("/headers") ? headers : body));
  }).listen(0, "127.0.0.1", function () { parentPort.postMessage(this.address().port); });
`;

let worker: Worker;
let url = "";
beforeAll(async () => {
  worker = new Worker(server, { eval: true });
  const [port] = await once(worker, "message");
  url = `http://127.0.0.1:${String(port)}`;
});
afterAll(() => worker.terminate());

test("P15: a million headers hold no turn of the loop", async () => {
  let worstMs = Number.POSITIVE_INFINITY;
  for (let attempt = 1; attempt <= 3 && worstMs >= longestTurnMs; attempt += 1) {
    const meter = startTurnMeter();
    expect(await sendHttp({ ...post, url: `${url}/headers` })).toMatchObject({ kind: "unknown" });
    worstMs = Math.min(worstMs, meter.stop().worstMs);
  }
  expect(worstMs).toBeLessThan(longestTurnMs);
});

test("an answer of a megabyte is whole", async () => {
  const outcome = await sendHttp({ ...post, url });
  expect(outcome.kind === "answered" && outcome.body.join("")).toBe("0123456789abcdef".repeat(65_536));
});
