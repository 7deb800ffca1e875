// The fields of an ErrorResponse or NoticeResponse (manual: "Error and Notice Message Fields"): read, changed, written.

import { writeMessage } from "./encode.js";
import { Backend, headerLength } from "./messages.js";
import { cstring } from "./text.js";

/** Field codes to values, in the order in which they were sent. */
export type Fields = ReadonlyMap<string, string>;

export function readFields(chunk: Buffer, start: number, end: number): Fields {
  const fields = new Map<string, string>();
  let at = start + headerLength;
  while (at < end && chunk[at] !== 0) {
    const value = cstring(chunk, at + 1, end);
    if (!value) break;
    fields.set(String.fromCharCode(chunk[at] ?? 0), value.text);
    at = value.next;
  }
  return fields;
}

/** The same with some fields set. */
export function recoded(fields: Fields, changes: Readonly<Record<string, string>>): Fields {
  return new Map([...fields, ...Object.entries(changes)]);
}

/** The same at its place in a text that has `shift` characters in front of it. */
export function atPosition(fields: Fields, shift: number): Fields {
  const position = fields.get("P");
  return shift === 0 || position === undefined ? fields : recoded(fields, { P: String(Number(position) + shift) });
}

export function writeError(fields: Fields): Buffer {
  return writeFields(Backend.errorResponse, fields);
}

/** The same as an error that ends the session. */
export function fatal(error: Fields): Fields {
  return new Map([["S", "FATAL"], ["V", "FATAL"], ...[...error].filter(([code]) => code !== "S" && code !== "V")]);
}

export function writeNotice(fields: Fields): Buffer {
  return writeFields(Backend.noticeResponse, fields);
}

function writeFields(type: number, fields: Fields): Buffer {
  return writeMessage(
    type,
    Buffer.from(`${[...fields].map(([code, value]) => `${code}${value}\0`).join("")}\0`, "utf8"),
  );
}
