// How the sessions of a proxy end when it stops: in order while there is time, and at the end whatever clients, Postgres and APIs do.

import type { Socket } from "node:net";
import { withinMs } from "../observe/time-limit.js";
import type { Interceptor } from "./interceptor.js";
import type { Session } from "./session.js";

/** What there is to end; each set changes while it is read. */
export interface Drained {
  readonly sessions: ReadonlySet<Session>;
  readonly clients: ReadonlySet<Socket>;
  readonly postgresSockets: ReadonlySet<Socket>;
  readonly interceptor: Interceptor;
  /** Asks Postgres to end what a session is at. */
  cancelQuery(session: Session): void;
}

/** How long a client may take to read why its session ends, and Postgres to hang up, in milliseconds. */
const lastWordsMs = 1_000;
/** How long a call that was cut off may take to be noted, and its client to be told of it. */
const afterInterruptionMs = 500;

/**
 * Ends every session: at rest; after `drainMs` whatever it is at, but for a call that is under way; that is cut off when most of `graceMs`
 * has passed as well. `closed` resolves when no client is left. Resolves when no socket is left; never rejects.
 */
export async function drain(parts: Drained, closed: Promise<void>, drainMs: number, graceMs: number): Promise<void> {
  const { sessions, interceptor } = parts;
  for (const session of sessions) session.stop("at rest");
  await withinMs(drainMs, closed);
  const endMs = performance.now() + graceMs;
  const untilMs = (beforeEndMs: number) => endMs - beforeEndMs - performance.now();
  // A COPY would wait for its client.
  for (const session of sessions) session.heldClient.abandon();
  for (const session of sessions) session.stop("after this");
  // What Postgres says to a client that reads nothing would keep a held statement for ever.
  const unread = setTimeout(() => destroyUnread(sessions), lastWordsMs);
  await withinMs(untilMs(lastWordsMs + afterInterruptionMs), interceptor.idle());
  for (const session of sessions) session.cancellation.interrupt();
  await withinMs(untilMs(lastWordsMs), interceptor.idle());
  clearTimeout(unread);
  for (const session of sessions) endAtOnce(parts, session);
  for (const socket of parts.clients) if (!socket.writableLength) socket.destroySoon();
  // Who reads nothing hears nothing.
  await withinMs(Math.min(untilMs(0), lastWordsMs), Promise.all([closed, ...[...parts.postgresSockets].map(closeOf)]));
  for (const socket of [...parts.clients, ...parts.postgresSockets]) socket.destroy();
  await closed;
}

function endAtOnce(parts: Drained, session: Session): void {
  // What became of its call can't be noted, and is not known: the client hears as little as when the proxy is killed.
  if (session.cancellation.hasCalled) {
    session.destroy();
    return;
  }
  // Without a client, Postgres would go on with a query, and commit it.
  if (!session.replies.empty) parts.cancelQuery(session);
  session.stop("at once");
}

function destroyUnread(sessions: ReadonlySet<Session>): void {
  for (const session of sessions) if (session.client.isCongested) session.destroy();
}

function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once("close", () => resolve()));
}
