// Whether a request has begun to go out. What fails before (a look-up of the address, a socket, a connection, a TLS handshake, an
// impossible header) has certainly not been sent, by whichever code it fails: no list of codes could name them all.

import { Agent, type Dispatcher } from "undici";

export interface WatchedSending {
  /** The dispatcher for one request. The connections are those of all requests. */
  readonly dispatcher: Dispatcher;
  /** True as soon as the first byte may have been written to an established connection. */
  hasBegun(): boolean;
}

const agent = new Agent();

/** Returns a dispatcher for one request, which tells whether that request has begun to go out. */
export function watchedSending(): WatchedSending {
  let begun = false;
  const dispatcher = agent.compose((dispatch) => (options, handler) => {
    const watching: Dispatcher.DispatchHandler = {
      // undici calls it when a connection is there, and writes the request next unless it has been aborted meanwhile.
      onRequestStart: (controller, context) => {
        handler.onRequestStart?.(controller, context);
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
