// Reads the bodies of the few messages that interception needs. What can't be read exactly is undefined: Postgres judges it.

import { Frontend, headerLength } from "./messages.js";
import { type ByteName, byteName, terminator } from "./text.js";

/** The text of a Query, in the client's encoding; it lies in the chunk. */
export function readQuery(chunk: Buffer, start: number, end: number): Buffer | undefined {
  const nul = terminator(chunk, start + headerLength, end);
  return nul === end - 1 ? chunk.subarray(start + headerLength, nul) : undefined;
}

/** The name and text of a Parse; the text lies in the chunk. */
export function readParse(chunk: Buffer, start: number, end: number): { name: ByteName; text: Buffer } | undefined {
  const statement = byteName(chunk, start + headerLength, end);
  const nul = statement ? terminator(chunk, statement.next, end) : -1;
  if (!statement || nul === -1 || end < nul + 3) return undefined;
  const isWhole = end === nul + 3 + 4 * chunk.readUInt16BE(nul + 1);
  return isWhole ? { name: statement.name, text: chunk.subarray(statement.next, nul) } : undefined;
}

/** A Bind's two names, and all that follows them: formats and values, which we carry but never read. */
export interface BindNames {
  readonly portal: ByteName;
  readonly statement: ByteName;
  readonly valuesAt: number;
}

export function readBind(chunk: Buffer, start: number, end: number): BindNames | undefined {
  const portal = byteName(chunk, start + headerLength, end);
  const statement = portal && byteName(chunk, portal.next, end);
  return portal && statement ? { portal: portal.name, statement: statement.name, valuesAt: statement.next } : undefined;
}

/** The portal of an Execute. */
export function readExecute(chunk: Buffer, start: number, end: number): ByteName | undefined {
  const portal = byteName(chunk, start + headerLength, end);
  return portal?.next === end - 4 ? portal.name : undefined;
}

/** What a Close or Describe names: a statement (S) or a portal (P). */
export function readTarget(chunk: Buffer, start: number, end: number): { kind: "S" | "P"; name: ByteName } | undefined {
  const kind = chunk[start + headerLength];
  const target = byteName(chunk, start + headerLength + 1, end);
  if (target?.next !== end || (kind !== 0x53 && kind !== 0x50)) return undefined;
  return { kind: kind === 0x53 ? "S" : "P", name: target.name };
}

/** Name and value of a ParameterStatus. */
export function readParameterStatus(
  chunk: Buffer,
  start: number,
  end: number,
): { name: string; value: string } | undefined {
  const parameter = byteName(chunk, start + headerLength, end);
  const value = parameter && byteName(chunk, parameter.next, end);
  return parameter && value ? { name: parameter.name, value: value.name } : undefined;
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

/** Whether a client that has sent these messages waits for a ReadyForQuery: a Query at their head has one, and so has the first Sync. */
export function awaitsReady(sent: Buffer): boolean {
  for (let at = 0; at + headerLength <= sent.length; ) {
    const type = sent[at];
    const end = at + 1 + sent.readInt32BE(at + 1);
    if (end < at + headerLength || end > sent.length) return false;
    if (type === Frontend.sync || (type === Frontend.query && at === 0)) return true;
    at = end;
  }
  return false;
}
