// What every sandbox's server does: it listens on loopback, reads a request whole, and ends.

import { once } from "node:events";
import type { IncomingMessage, Server } from "node:http";

/** Returns the port: the given one, or any free one for 0. */
export async function listen(server: Server, port: number): Promise<number> {
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the sandbox listens on no TCP port");
  return address.port;
}

export function readText(incoming: IncomingMessage, whole: (text: string) => void): void {
  const chunks: Buffer[] = [];
  incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
  incoming.on("end", () => whole(Buffer.concat(chunks).toString("utf8")));
}

/** Requests that are still open are broken off. */
export function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
