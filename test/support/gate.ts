// Stands between the program and its API, and lets a test act while an answer is on its way.

import { once } from "node:events";
import { createServer } from "node:http";

export interface Gate {
  readonly url: string;
  /**
   * Runs `act` when the API has answered a request whose path has this text, and before the program gets that answer. Runs it once.
   * `gone` resolves when the program waits for the answer no longer.
   */
  atAnswer(text: string, act: (gone: Promise<unknown>) => Promise<unknown>): void;
  close(): Promise<void>;
}

export async function startGate(api: string): Promise<Gate> {
  let waiting: { readonly text: string; act(gone: Promise<unknown>): Promise<unknown> } | undefined;
  const server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const { method = "GET", url: path = "/" } = incoming;
    const { authorization = "", "content-type": type = "application/json" } = incoming.headers;
    const body = chunks.length > 0 ? { body: Buffer.concat(chunks) } : {};
    const answer = await fetch(`${api}${path}`, { method, headers: { authorization, "content-type": type }, ...body });
    const text = await answer.text();
    const hit = waiting && path.includes(waiting.text) ? waiting : undefined;
    if (hit) {
      waiting = undefined;
      await hit.act(once(outgoing, "close"));
    }
    outgoing.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "application/json" });
    outgoing.end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`,
    atAnswer: (text, act) => {
      waiting = { text, act };
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
