// What came back, one line a message, with what no two sessions share masked: process ids, keys, and OIDs of new objects.

import { createHash } from "node:crypto";
import { readFields } from "../../protocol/fields.js";

/** Objects of Postgres's own have the same OID everywhere. */
const firstNormalOid = 16384;
const longest = 300;

export function transcript(messages: readonly Buffer[]): string[] {
  return messages.map((bytes) => `${String.fromCharCode(bytes[0] ?? 0)} ${body(bytes)}`);
}

function body(bytes: Buffer): string {
  switch (String.fromCharCode(bytes[0] ?? 0)) {
    case "K":
      return `${bytes.length} bytes`;
    case "A":
      return shown(masked(bytes, [5]));
    case "T":
      return shown(masked(bytes, columnOids(bytes)));
    case "t":
      return shown(
        masked(
          bytes,
          Array.from({ length: bytes.readInt16BE(5) }, (_, i) => 7 + 4 * i),
        ),
      );
    case "E":
    case "N":
      return bytes.length < 6 ? shown(bytes) : errorFields(bytes);
    default:
      return shown(bytes);
  }
}

/** The table and the type of each column. */
function columnOids(bytes: Buffer): number[] {
  const oids: number[] = [];
  for (let at = 7; at < bytes.length; ) {
    const behindName = bytes.indexOf(0, at) + 1;
    oids.push(behindName, behindName + 6);
    at = behindName + 18;
  }
  return oids;
}

function masked(bytes: Buffer, oids: readonly number[]): Buffer {
  const copy = Buffer.from(bytes);
  for (const at of oids) if (copy.readUInt32BE(at) >= firstNormalOid || bytes[0] === 0x41) copy.fill(0xee, at, at + 4);
  return copy;
}

/** The number of a session's temporary schema may be one digit long, or two. */
function errorFields(bytes: Buffer): string {
  const fields = [...readFields(bytes, 0, bytes.length)].map(
    ([code, value]) => code + value.replace(/pg_temp_\d+/, "pg_temp"),
  );
  return JSON.stringify(fields);
}

function shown(bytes: Buffer): string {
  if (bytes.length > longest) return `${bytes.length} bytes ${createHash("sha256").update(bytes).digest("hex")}`;
  return JSON.stringify(bytes.toString("latin1", 5));
}
