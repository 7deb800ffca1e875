// The API of test/support/things-api.ts behind a door that a test keeps: what changes something is answered as the test says.

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { startThingsApi, type ThingsApi } from "../support/things-api.js";

/** Undefined: as the API itself answers. */
export type Door =
  | ((outgoing: ServerResponse, incoming: IncomingMessage) => Promise<"through" | "answered">)
  | undefined;

export interface UnrulyApi {
  readonly url: string;
  readonly things: ThingsApi;
  /** How requests that change something are answered from now on. */
  setDoor(door: Door): void;
  close(): Promise<void>;
}

/** Its records are `count` with the targets r0, r1 and so on. */
export async function startUnrulyApi(count: number): Promise<UnrulyApi> {
  const things = await startThingsApi();
  for (let i = 0; i < count; i++) things.add({ origin: 9, target: `r${i}`, label: "first" });
  let door: Door;
  const server = createServer(async (incoming, outgoing) => {
    outgoing.on("error", () => undefined);
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const { method = "GET", url = "/" } = incoming;
    const isWrite = method !== "GET" && url !== "/read";
    if (isWrite && door && (await door(outgoing, incoming)) === "answered") return;
    const body = chunks.length > 0 ? { body: Buffer.concat(chunks) } : {};
    const answer = await fetch(`${things.url}${url}`, {
      method,
      headers: { "content-type": "application/json" },
      ...body,
    });
    const text = await answer.text();
    outgoing.writeHead(answer.status, { "content-type": "application/json" });
    outgoing.end(text);
  });
  server.on("clientError", (_, socket) => socket.destroy());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the API listens on no TCP port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    things,
    setDoor: (next) => {
      door = next;
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await things.close();
    },
  };
}

/** Lets each through after a time of its own. */
export function slowly(nextMs: () => number): Door {
  return async () => {
    await delay(nextMs());
    return "through";
  };
}
