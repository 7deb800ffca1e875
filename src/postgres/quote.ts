// Names and literals in SQL that we write ourselves.

import { createHash } from "node:crypto";
import { longestName } from "../config/name-length.js";

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function quoteLiteral(text: string): string {
  const literal = `'${text.replaceAll("'", "''")}'`;
  return text.includes("\\") ? ` E${literal.replaceAll("\\", "\\\\")}` : literal;
}

/**
 * Returns a name that Postgres does not cut: as much of `head` as there is room for, and behind it `digits` hexadecimal digits of a hash of
 * `identity`, so that two names differ where only their ends would. `end` comes last.
 */
export function hashedName(head: string, identity: string, digits: number, end = ""): string {
  const tail = `_${createHash("sha256").update(identity).digest("hex").slice(0, digits)}${end}`;
  let short = head.slice(0, longestName);
  while (Buffer.byteLength(short) > longestName - tail.length) short = [...short].slice(0, -1).join("");
  return short + tail;
}
