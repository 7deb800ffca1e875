// Messages that we write ourselves, where nobody else's will do.

import { Backend, headerLength, type Status } from "./messages.js";

/** One message, in either direction. */
export function writeMessage(type: number, body: Buffer): Buffer {
  const header = Buffer.alloc(headerLength);
  header[0] = type;
  header.writeInt32BE(4 + body.length, 1);
  return Buffer.concat([header, body]);
}

export function writeReady(status: Status): Buffer {
  return writeMessage(Backend.readyForQuery, Buffer.from([status]));
}

/** A DataRow of texts. */
export function writeRow(values: readonly string[]): Buffer {
  const count = Buffer.alloc(2);
  count.writeInt16BE(values.length);
  const cells = values.flatMap((value) => {
    const text = Buffer.from(value, "utf8");
    const length = Buffer.alloc(4);
    length.writeInt32BE(text.length);
    return [length, text];
  });
  return writeMessage(Backend.dataRow, Buffer.concat([count, ...cells]));
}

/** A CommandComplete with this command tag. */
export function writeTag(tag: string): Buffer {
  return writeMessage(Backend.commandComplete, Buffer.from(`${tag}\0`, "latin1"));
}
