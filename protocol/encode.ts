// Messages that we write ourselves, where nobody else's will do.

import { Backend, Frontend, headerLength, type Status } from "./messages.js";
import { Portions } from "./portions.js";
import { type ByteName, writeName } from "./text.js";

/** One message, in either direction. */
export function writeMessage(type: number, body: Buffer): Buffer {
  return Buffer.concat([writeHeader(type, body.length), body]);
}

function writeHeader(type: number, bodyLength: number): Buffer {
  const header = Buffer.alloc(headerLength);
  header[0] = type;
  header.writeInt32BE(4 + bodyLength, 1);
  return header;
}

/** A value of a Bind in text format; null is SQL's NULL. */
export type BoundText = string | null | Portions;

/** A Bind whose values and results are text, in pieces: what comes in portions is not copied. */
export function writeBind(portal: ByteName, statement: ByteName, values: readonly BoundText[]): Buffer[] {
  const body = [writeName(portal), writeName(statement), noFormats, writeInt16(values.length)];
  for (const value of values) body.push(...writeValue(value));
  body.push(noFormats);
  return [
    writeHeader(
      Frontend.bind,
      body.reduce((sum, { length }) => sum + length, 0),
    ),
    ...body,
  ];
}

const noFormats = Buffer.alloc(2);

function writeValue(value: BoundText): readonly Buffer[] {
  if (value === null) return [writeInt32(-1)];
  if (value instanceof Portions) return [writeInt32(value.byteLength), ...value.buffers];
  const text = Buffer.from(value, "utf8");
  return [writeInt32(text.length), text];
}

function writeInt16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function writeInt32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

export function writeReady(status: Status): Buffer {
  return writeMessage(Backend.readyForQuery, Buffer.from([status]));
}

/** A DataRow of texts. */
export function writeRow(values: readonly string[]): Buffer {
  return writeMessage(Backend.dataRow, Buffer.concat([writeInt16(values.length), ...values.flatMap(writeValue)]));
}

/** A CommandComplete with this command tag. */
export function writeTag(tag: string): Buffer {
  return writeMessage(Backend.commandComplete, Buffer.from(`${tag}\0`, "latin1"));
}
