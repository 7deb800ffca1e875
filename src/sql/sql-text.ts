// A client's SQL: its bytes, which go to Postgres as they came, and how the parser is shown them.

import { isUtf8 } from "node:buffer";

/** How the bytes of a text are to be read; in any other encoding a byte of ASCII may be part of another character. */
export type TextEncoding =
  | "utf8"
  /** Each byte is a character, as in LATIN1. */
  | "bytes"
  | "other";

export interface SqlText {
  readonly bytes: Buffer;
  readonly encoding: TextEncoding;
}

/** Returns the text for as long as it is kept: without the chunk that it lies in. */
export function keptText({ bytes, encoding }: SqlText): SqlText {
  return { bytes: Buffer.from(bytes), encoding };
}

/** What Postgres calls the encodings in which each byte is a character (manual: "Character Set Support"). */
const byteEncodings = /^(?:SQL_ASCII|LATIN\d+|ISO_8859_\d+|KOI8[RU]|WIN\d+)$/;

/** Returns how texts are to be read under a client_encoding, as ParameterStatus reports it. */
export function textEncoding(clientEncoding: string): TextEncoding {
  if (clientEncoding === "UTF8") return "utf8";
  return byteEncodings.test(clientEncoding) ? "bytes" : "other";
}

/**
 * Returns the text for the parser, which takes UTF-8 alone. One that is not gets an underscore in place of each byte beyond ASCII, so that
 * all positions stay; names that have such a character are not recognised.
 */
export function parsable({ bytes, encoding }: SqlText): string {
  if (encoding === "utf8" && isUtf8(bytes)) return bytes.toString("utf8");
  return bytes.toString("latin1").replaceAll(/[\x80-\xff]/g, "_");
}

/** Returns how many characters the first `end` bytes are, as Postgres counts them for the position of an error. */
export function charactersIn({ bytes, encoding }: SqlText, end: number): number {
  if (encoding !== "utf8") return end;
  let count = 0;
  for (let at = 0; at < end; at += 1) if (((bytes[at] ?? 0) & 0xc0) !== 0x80) count += 1;
  return count;
}
