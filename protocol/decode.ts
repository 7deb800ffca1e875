// Reads the bodies of the few messages that interception needs. What can't be read exactly is undefined: Postgres judges it.

import { headerLength } from "./messages.js";
import { cstring, terminator } from "./text.js";

/** The text of a Query. */
export function readQuery(chunk: Buffer, start: number, end: number): string | undefined {
  const text = cstring(chunk, start + headerLength, end);
  return text?.next === end ? text.text : undefined;
}

/** The name and text of a Parse. */
export function readParse(chunk: Buffer, start: number, end: number): { name: string; text: string } | undefined {
  const name = cstring(chunk, start + headerLength, end);
  const text = name && cstring(chunk, name.next, end);
  if (!name || !text || end < text.next + 2) return undefined;
  return end === text.next + 2 + 4 * chunk.readUInt16BE(text.next) ? { name: name.text, text: text.text } : undefined;
}

/** A Bind's two names, and all that follows them: formats and values, which we carry but never read. */
export interface BindNames {
  readonly portal: string;
  readonly statement: string;
  readonly valuesAt: number;
}

export function readBind(chunk: Buffer, start: number, end: number): BindNames | undefined {
  const portal = cstring(chunk, start + headerLength, end);
  const statement = portal && cstring(chunk, portal.next, end);
  return portal && statement ? { portal: portal.text, statement: statement.text, valuesAt: statement.next } : undefined;
}

/** The portal of an Execute. */
export function readExecute(chunk: Buffer, start: number, end: number): string | undefined {
  const portal = cstring(chunk, start + headerLength, end);
  return portal?.next === end - 4 ? portal.text : undefined;
}

/** What a Close or Describe names: a statement (S) or a portal (P). */
export function readTarget(chunk: Buffer, start: number, end: number): { kind: "S" | "P"; name: string } | undefined {
  const kind = chunk[start + headerLength];
  const name = cstring(chunk, start + headerLength + 1, end);
  if (name?.next !== end || (kind !== 0x53 && kind !== 0x50)) return undefined;
  return { kind: kind === 0x53 ? "S" : "P", name: name.text };
}

/** The columns of a DataRow in text format; null for NULL. */
export function readDataRow(chunk: Buffer, start: number): (string | null)[] {
  const columns: (string | null)[] = [];
  const count = chunk.readInt16BE(start + headerLength);
  let at = start + headerLength + 2;
  for (let i = 0; i < count; i += 1) {
    const length = chunk.readInt32BE(at);
    at += 4;
    if (length < 0) columns.push(null);
    else {
      columns.push(chunk.toString("utf8", at, at + length));
      at += length;
    }
  }
  return columns;
}

/** A CommandComplete's tag, such as `INSERT 0 1`. */
export function readTag(chunk: Buffer, start: number, end: number): string {
  const nul = terminator(chunk, start + headerLength, end);
  return chunk.toString("latin1", start + headerLength, nul === -1 ? end : nul);
}
