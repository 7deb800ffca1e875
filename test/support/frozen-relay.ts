// Stands between a proxy and Postgres, and can freeze: it goes on taking connections, and not a byte passes any more.

import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

export interface FrozenRelay {
  readonly port: number;
  /** Connections to it that are open. */
  readonly openCount: number;
  /** The ports from which it has ever connected to Postgres. */
  readonly ports: readonly number[];
  freeze(): void;
  thaw(): void;
  close(): void;
}

export async function startFrozenRelay(postgresPort: number): Promise<FrozenRelay> {
  let isFrozen = false;
  const pairs = new Map<Socket, Socket>();
  const ports: number[] = [];
  const pace = () => {
    for (const socket of [...pairs].flat()) {
      if (isFrozen) socket.pause();
      else socket.resume();
    }
  };
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (near) => {
    const far = connect({ port: postgresPort, host: "127.0.0.1", allowHalfOpen: true });
    pairs.set(near, far);
    far.once("connect", () => ports.push(far.localPort ?? 0));
    const cut = () => {
      near.destroy();
      far.destroy();
    };
    near.on("data", (chunk) => far.write(chunk)).on("end", () => far.end());
    far.on("data", (chunk) => near.write(chunk)).on("end", () => near.end());
    for (const socket of [near, far]) socket.on("error", cut).on("close", cut);
    near.on("close", () => pairs.delete(near));
    pace();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    get openCount() {
      return pairs.size;
    },
    ports,
    freeze: () => {
      isFrozen = true;
      pace();
    },
    thaw: () => {
      isFrozen = false;
      pace();
    },
    close: () => {
      server.close();
      for (const socket of [...pairs].flat()) socket.destroy();
    },
  };
}
