// The same Postgres twice: reached directly and through the proxy, by TCP and by Unix sockets.

import { mkdtempSync, rmSync } from "node:fs";
import type { NetConnectOpts } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inject } from "vitest";
import { makeLog } from "../../src/observe/log.js";
import { type PostgresAddress, postgresAddress } from "../../src/postgres/address.js";
import type { Interceptor } from "../../src/proxy/interceptor.js";
import { Listener } from "../../src/proxy/listener.js";
import { Classifier } from "../../src/sql/classifier.js";
import { Lookout } from "../../src/sql/lookout.js";
import { WatchList } from "../../src/sql/watch-list.js";
import { type Stack, startStack } from "../support/stack.js";

export interface DirectAndProxied {
  readonly stack: Stack;
  readonly direct: NetConnectOpts;
  /** Every statement is looked at: the database has a mirror. */
  readonly proxied: NetConnectOpts;
  /** No statement is looked at; both legs are Unix sockets where Postgres has one. */
  readonly asleep: NetConnectOpts;
  close(): Promise<void>;
}

const nothing = new WatchList();
export const notIntercepted: Interceptor = {
  awake: false,
  explain: (error) => error,
  lookout: (start) => new Lookout(new Classifier(nothing), start, () => undefined),
  handle: () => Promise.reject(new Error("nothing is held")),
  endedCalls: async (calls) => calls,
  settle: () => Promise.reject(new Error("nothing is settled")),
  settleLater: () => undefined,
  underWay: 0,
  idle: async () => undefined,
};

export async function startDirectAndProxied(): Promise<DirectAndProxied> {
  const stack = await startStack({ pull: false });
  const server = new URL(inject("postgres"));
  const sockets = inject("socketFolder");
  const leg = sockets === "" ? "" : `?host=${encodeURIComponent(sockets)}`;
  const folder = mkdtempSync(join(tmpdir(), "throughline-proxy-"));
  const path = join(folder, "proxy");
  const listener = await listenAsleep(postgresAddress(`postgres://app@${server.host}/${stack.database}${leg}`), {
    path,
  });
  return {
    stack,
    direct: { host: server.hostname, port: Number(server.port) },
    proxied: { host: "127.0.0.1", port: stack.port },
    asleep: { path },
    close: async () => {
      await listener.close(0);
      await stack.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** A proxy that holds nothing. */
async function listenAsleep(postgres: PostgresAddress, on: { path: string }): Promise<Listener> {
  const log = makeLog({ level: "error", format: "json" });
  const listener = new Listener({
    postgres,
    interceptor: notIntercepted,
    asleep: notIntercepted,
    log,
    connections: 100,
    opening: 200,
    memoryBytes: 1 << 28,
  });
  await listener.listen(on);
  return listener;
}
