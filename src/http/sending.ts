// Whether a request has begun to go out. What fails before (a look-up of the address, a socket, a connection, a TLS handshake, an
// impossible header) has certainly not been sent, by whichever code it fails: no list of codes could name them all.

import type { Socket } from "node:net";
import { Agent, buildConnector, type Dispatcher } from "undici";

export interface WatchedSending {
  /** The dispatcher for one request. The connections are those of all requests. */
  readonly dispatcher: Dispatcher;
  /** True as soon as the first byte may have been written to an established connection. */
  hasBegun(): boolean;
}

/** Behind the limit of all headers, undici makes an Error of each that is left in the chunk it reads: 16,000 in 64 kB take 400 ms. */
const chunkBytes = 2048;
/** It reads all that has come, in one turn of the loop. What is left after so long is for the next. */
const turnMs = 8;

const connectSocket = buildConnector({});
const agent = new Agent({
  connect: (options, callback) =>
    connectSocket(options, (...[cause, socket]) => {
      if (cause) callback(cause, null);
      else callback(null, inChunks(socket));
    }),
});

/** Returns the socket, which gives undici no more than a chunk at once and no more than a turn's share in a turn. */
function inChunks<S extends Socket>(socket: S): S {
  const read = socket.read.bind(socket);
  let beginsMs: number | undefined;
  const endTurn = () => {
    beginsMs = undefined;
    if (socket.destroyed) return;
    if (socket.readableLength > 0) socket.emit("readable");
    // The end may have come meanwhile, and is told by who reads.
    else read(0);
  };
  socket.read = (size) => {
    // undici names no size. Node.js itself reads nothing, with a size of 0, to be told what is there.
    if (size !== undefined) return read(size);
    const nowMs = performance.now();
    if (beginsMs === undefined) setImmediate(endTurn);
    beginsMs ??= nowMs;
    if (nowMs - beginsMs > turnMs || socket.destroyed) return null;
    return read(socket.readableLength > chunkBytes ? chunkBytes : undefined);
  };
  return socket;
}

/** The permission to send a request had expired when it was about to go out. */
export class SentTooLate extends Error {}

/**
 * Returns a dispatcher for one request, which tells whether that request has begun to go out. It does not when `performance.now()` is beyond
 * `sendByMs` by then, whatever this process was doing meanwhile: it may have been stopped, and the machine with it.
 */
export function watchedSending(sendByMs = Number.POSITIVE_INFINITY): WatchedSending {
  let begun = false;
  const dispatcher = agent.compose((dispatch) => (options, handler) => {
    const watching: Dispatcher.DispatchHandler = {
      // undici calls it when a connection is there, and writes the request next unless it has been aborted meanwhile.
      onRequestStart: (controller, context) => {
        handler.onRequestStart?.(controller, context);
        if (performance.now() > sendByMs) controller.abort(new SentTooLate());
        begun ||= !controller.aborted;
      },
      onRequestUpgrade: (...args) => handler.onRequestUpgrade?.(...args),
      onResponseStart: (...args) => handler.onResponseStart?.(...args),
      onResponseData: (...args) => handler.onResponseData?.(...args),
      onResponseEnd: (...args) => handler.onResponseEnd?.(...args),
      onResponseError: (...args) => handler.onResponseError?.(...args),
    };
    return dispatch(options, watching);
  });
  return { dispatcher, hasBegun: () => begun };
}
