// An answer that comes a byte at a time.

import type { ServerResponse } from "node:http";

export interface Reply {
  readonly status: number;
  readonly body?: unknown;
}

export function drip(outgoing: ServerResponse, { status, body }: Reply): void {
  outgoing.writeHead(status, { "content-type": "application/json" });
  const bytes = body === undefined ? [] : [...Buffer.from(JSON.stringify(body))];
  const next = () => {
    const byte = bytes.shift();
    if (byte === undefined) outgoing.end();
    else outgoing.write(Buffer.of(byte), () => setImmediate(next));
  };
  next();
}
