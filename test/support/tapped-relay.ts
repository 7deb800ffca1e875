// Stands between a proxy and Postgres, and lets a test act in front of bytes of a client's session, or take its Postgres away.

import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** Which way bytes go. */
type Direction = "to postgres" | "to proxy";

/** A session of the role "app". */
export interface RelayedSession {
  /** Resolves when Postgres has ended the session. */
  readonly ended: Promise<unknown>;
  /** Postgres is gone without a word. */
  cut(): void;
}

export interface TappedRelay {
  readonly port: number;
  /**
   * Runs `act` once, in front of the next bytes that go this way and have `text` in them. They go on when it has resolved, in one write with
   * what has come behind them meanwhile. Resolves with the session when they have gone on.
   */
  before(
    direction: Direction,
    text: string,
    act: (session: RelayedSession) => Promise<unknown>,
  ): Promise<RelayedSession>;
  /** The session that was opened last. */
  readonly last: RelayedSession;
  close(): void;
}

interface Tap {
  readonly direction: Direction;
  readonly text: string;
  run(session: RelayedSession): Promise<void>;
}

export async function startTappedRelay(postgresPort: number): Promise<TappedRelay> {
  let tap: Tap | undefined;
  let last: RelayedSession = { ended: Promise.resolve(), cut: () => undefined };
  const sockets = new Set<Socket>();
  const relay = (from: Socket, to: Socket, direction: Direction, session: () => RelayedSession | undefined) => {
    /** What waits for the test. */
    let kept: Buffer[] | undefined;
    let isEnded = false;
    from.on("data", (chunk: Buffer) => {
      const relayed = session();
      if (kept) kept.push(chunk);
      else if (relayed && tap?.direction === direction && chunk.includes(tap.text)) {
        const { run } = tap;
        tap = undefined;
        kept = [chunk];
        void run(relayed).then(() => {
          to.write(Buffer.concat(kept ?? []));
          kept = undefined;
          if (isEnded) to.end();
        });
      } else to.write(chunk);
    });
    const end = () => {
      isEnded = true;
      if (!kept) to.end();
    };
    from
      .on("end", end)
      .on("error", () => to.destroy())
      .on("close", () => {
        sockets.delete(from);
        end();
      });
    sockets.add(from);
  };
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ port: postgresPort, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
    near.setNoDelay(true);
    let session: RelayedSession | undefined;
    near.once("data", (startup: Buffer) => {
      if (!startup.includes("user\0app\0")) return;
      const ended = new Promise<void>((resolve) => far.once("end", resolve).once("close", resolve));
      session = { ended, cut: () => far.destroy() };
      last = session;
    });
    relay(near, far, "to postgres", () => session);
    relay(far, near, "to proxy", () => session);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    before: (direction, text, act) =>
      new Promise((resolve) => {
        const run = async (session: RelayedSession) => {
          await act(session);
          resolve(session);
        };
        tap = { direction, text, run };
      }),
    get last() {
      return last;
    },
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
