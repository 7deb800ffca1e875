// /metrics, /healthz and /readyz for those who watch over the process.

import { once } from "node:events";
import { createServer } from "node:http";
import type { Registry } from "prom-client";
import { memberOf } from "../config/member.js";

export interface HealthSource {
  readonly registry: Registry;
  /** Why no new client should be sent here; undefined: it is ready. */
  notReady(): Promise<string | undefined>;
}

export interface HealthServer {
  readonly port: number;
  close(): void;
}

/** Throws what `listen` does, such as EADDRINUSE. */
export async function serveHealth(
  host: string,
  port: number,
  { registry, notReady }: HealthSource,
): Promise<HealthServer> {
  const answers: Readonly<Record<string, () => Promise<{ status: number; text: string }>>> = {
    "/healthz": async () => ({ status: 200, text: "ok\n" }),
    "/readyz": async () => {
      const reason = await notReady();
      return reason === undefined ? { status: 200, text: "ready\n" } : { status: 503, text: `${reason}\n` };
    },
    "/metrics": async () => ({ status: 200, text: await registry.metrics() }),
  };
  const server = createServer((incoming, outgoing) => {
    const path = (incoming.url ?? "").replace(/\?.*/, "");
    const answer = memberOf(answers, path);
    const say = (status: number, text: string) => {
      outgoing.writeHead(status, { "content-type": path === "/metrics" ? registry.contentType : "text/plain" });
      outgoing.end(text);
    };
    if (!answer) return say(404, "there are /metrics, /healthz and /readyz\n");
    answer().then(
      ({ status, text }) => say(status, text),
      () => say(503, "Postgres can't be asked\n"),
    );
  });
  server.listen(port, host);
  await once(server, "listening");
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : port,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
