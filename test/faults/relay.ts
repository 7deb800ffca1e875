// Stands between a proxy and Postgres, and springs one trap: at the first message that holds a text, or at the answer to it.

import { connect, createServer, type Socket } from "node:net";

interface Trap {
  /** What the proxy writes, such as "throughline.stage(". */
  readonly text: string;
  /** Before Postgres gets it, or when Postgres has answered and before the proxy hears of it. */
  readonly when: "before" | "after";
  /** The two ends wait while it runs. `port`: the local port of the connection to Postgres. */
  spring(hit: { readonly port: number; cut(): void }): Promise<void>;
}

export interface Relay {
  readonly port: number;
  /** Replaces what was set before. */
  set(trap: Trap): void;
  /** Whether the trap was sprung; takes it away. */
  unset(): boolean;
  close(): void;
}

export async function startRelay(postgresPort: number): Promise<Relay> {
  let trap: Trap | undefined;
  let sprung = false;
  const sockets = new Set<Socket>();
  const server = createServer((proxy) => {
    const postgres = connect(postgresPort, "127.0.0.1");
    const cut = () => {
      proxy.destroy();
      postgres.destroy();
    };
    /** Springs at the next bytes from Postgres. */
    let waiting: Trap | undefined;
    for (const socket of [proxy, postgres]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("error", cut);
      socket.on("close", () => {
        sockets.delete(socket);
        cut();
      });
    }
    const spring = (one: Trap, from: Socket, to: Socket, chunk: Buffer) => {
      from.pause();
      const goOn = () => {
        if (!to.destroyed) to.write(chunk);
        from.resume();
      };
      // Another trap may have taken away what this one needs.
      one.spring({ port: postgres.localPort ?? 0, cut }).then(goOn, goOn);
    };
    proxy.on("data", (chunk: Buffer) => {
      const hit = trap && chunk.includes(trap.text) ? trap : undefined;
      if (hit) {
        trap = undefined;
        sprung = true;
        if (hit.when === "before") return spring(hit, proxy, postgres, chunk);
        waiting = hit;
      }
      postgres.write(chunk);
    });
    postgres.on("data", (chunk: Buffer) => {
      const hit = waiting;
      waiting = undefined;
      if (hit) spring(hit, postgres, proxy, chunk);
      else proxy.write(chunk);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    set: (next) => {
      trap = next;
      sprung = false;
    },
    unset: () => {
      trap = undefined;
      return sprung;
    },
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
