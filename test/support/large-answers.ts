// An API in a thread of its own that answers every request with one large body, so that the work of sending it is not this thread's.

import { once } from "node:events";
import { Worker } from "node:worker_threads";

/** A text: `unit` repeated between `head` and `tail`. A row of `#` in the unit stands for the number of the repetition. */
export interface LargeText {
  readonly head: string;
  readonly unit: string;
  readonly count: number;
  readonly tail: string;
}

interface LargeAnswers {
  readonly url: string;
  /** What every request from now on is answered with. */
  answer(status: number, body: LargeText): void;
  close(): Promise<number>;
}

const program = `
  const { parentPort } = require("node:worker_threads");
  let status = 200;
  let text = "";
  const server = require("node:http").createServer((incoming, outgoing) => {
    incoming.resume();
    incoming.on("end", () => {
      outgoing.writeHead(status, { "content-type": "application/json" });
      outgoing.end(text);
    });
  });
  parentPort.on("message", ({ status: next, body }) => {
    status = next;
    // A row of # stands for the number of the repetition.
    const units = body.unit.includes("#")
      ? Array.from({ length: body.count }, (_, index) => body.unit.replace(/#+/, (digits) => String(index + 1).padStart(digits.length, "1"))).join("")
      : body.unit.repeat(body.count);
    text = body.head + units + body.tail;
  });
  server.listen(0, "127.0.0.1", () => parentPort.postMessage(server.address().port));
`;

/** Starts the API. */
export async function startLargeAnswers(): Promise<LargeAnswers> {
  const worker = new Worker(program, { eval: true });
  const [port] = await once(worker, "message");
  return {
    url: `http://127.0.0.1:${String(port)}`,
    answer: (status, body) => worker.postMessage({ status, body }),
    close: () => worker.terminate(),
  };
}
