// Backend messages that we write ourselves, where Postgres's own were not meant for the client.

import { Backend, headerLength, type Status } from "./messages.js";

export function writeReady(status: Status): Buffer {
  return Buffer.from([Backend.readyForQuery, 0, 0, 0, 5, status]);
}

/** A CommandComplete with this command tag. */
export function writeTag(tag: string): Buffer {
  const body = Buffer.from(`${tag}\0`, "latin1");
  const header = Buffer.alloc(headerLength);
  header[0] = Backend.commandComplete;
  header.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([header, body]);
}
