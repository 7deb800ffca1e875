// A server that answers by a script, one answer a request, and keeps every request as it came.

import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";

interface Asked {
  readonly method: string;
  /** With the query, as it was sent. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly bodyText: string;
}

interface Answer {
  /** 200 when there is none. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is, in place of a body. */
  readonly text?: string;
}

/** In place of an answer, the connection is closed. */
export const hangUp = "hang up";

type Scripted = Answer | typeof hangUp;
/** What is said to one request: at once, or when it is known. */
export type Line = Scripted | ((asked: Asked) => Scripted | Promise<Scripted>);

export interface ScriptedServer {
  readonly url: string;
  /** Newest last. */
  readonly asked: readonly Asked[];
  /** Method and address of each. */
  readonly routes: readonly string[];
  /** More lines, after those that are left. */
  add(...lines: readonly Line[]): void;
  close(): Promise<void>;
}

/** A request that the script has no line for is answered with 501. */
export async function startScripted(...script: readonly Line[]): Promise<ScriptedServer> {
  const lines = [...script];
  const asked: Asked[] = [];
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const { method = "", url = "", headers } = incoming;
      const request = { method, url, headers, bodyText: Buffer.concat(chunks).toString("utf8") };
      asked.push(request);
      const stack = lines.shift() ?? { status: 501, body: { message: "the script is at its end" } };
      void Promise.resolve(typeof stack === "function" ? stack(request) : stack).then((answer) =>
        say(outgoing, answer),
      );
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the script is on no TCP port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    asked,
    get routes() {
      return asked.map(({ method, url }) => `${method} ${url}`);
    },
    add: (...more) => {
      lines.push(...more);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function say(outgoing: ServerResponse, answer: Scripted): void {
  if (answer === hangUp) {
    outgoing.destroy();
    return;
  }
  const { status = 200, headers = {}, body, text } = answer;
  for (const [name, value] of Object.entries(headers)) outgoing.setHeader(name, value);
  if (body !== undefined) outgoing.setHeader("content-type", "application/json");
  outgoing.writeHead(status).end(text ?? (body === undefined ? undefined : JSON.stringify(body)));
}
