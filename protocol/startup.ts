// What a client may open a connection with, before any message has a type byte (manual: "Start-up").

import { cstring } from "./text.js";

export type Opening =
  | { readonly at: "incomplete" }
  | { readonly at: "refused" }
  | { readonly at: "ssl" | "gss"; readonly length: number }
  | { readonly at: "cancel"; readonly length: number }
  | { readonly at: "startup"; readonly length: number; readonly parameters: ReadonlyMap<string, string> };

const sslRequest = 80877103;
const gssRequest = 80877104;
const cancelRequest = 80877102;
/** Postgres closes without a word outside these bounds (MAX_STARTUP_PACKET_LENGTH). */
const minLength = 8;
const maxLength = 10004;

/** Reads the first packet of `bytes`; a packet that Postgres would not take is `refused`. */
export function readOpening(bytes: Buffer): Opening {
  if (bytes.length < 4) return { at: "incomplete" };
  const length = bytes.readInt32BE(0);
  if (length < minLength || length > maxLength) return { at: "refused" };
  if (bytes.length < minLength) return { at: "incomplete" };
  if (bytes.length < length) return { at: "incomplete" };
  const code = bytes.readInt32BE(4);
  if (code === sslRequest) return { at: "ssl", length };
  if (code === gssRequest) return { at: "gss", length };
  if (code === cancelRequest) return { at: "cancel", length };
  return { at: "startup", length, parameters: readParameters(bytes, length) };
}

/** What is malformed is left to Postgres, which gets the packet verbatim: reading stops there. */
function readParameters(bytes: Buffer, length: number): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  let at = minLength;
  while (at < length && bytes[at] !== 0) {
    const name = cstring(bytes, at, length);
    const value = name && cstring(bytes, name.next, length);
    if (!name || !value) break;
    parameters.set(name.text, value.text);
    at = value.next;
  }
  return parameters;
}

/** Returns the cancel request for a session; `key` is its process id and secret, as BackendKeyData brought them. */
export function writeCancelRequest(key: Buffer): Buffer {
  const header = Buffer.alloc(minLength);
  header.writeInt32BE(minLength + key.length, 0);
  header.writeInt32BE(cancelRequest, 4);
  return Buffer.concat([header, key]);
}
