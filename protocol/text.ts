// NUL-terminated strings inside a message.

/** The offset of the NUL at or after `at`, or -1 when there is none before `end`. Looks no further than that. */
export function terminator(bytes: Buffer, at: number, end: number): number {
  const nul = bytes.subarray(at, end).indexOf(0);
  return nul === -1 ? -1 : at + nul;
}

/** The string that starts at `at`, and the offset behind its NUL; undefined when the NUL is missing. */
export function cstring(bytes: Buffer, at: number, end: number): { text: string; next: number } | undefined {
  const nul = terminator(bytes, at, end);
  return nul === -1 ? undefined : { text: bytes.toString("utf8", at, nul), next: nul + 1 };
}

/** A name in the client's encoding, each byte a character of the string: names that differ stay different, whatever the encoding is. */
export type ByteName = string;

/** Reads the name that starts at `at`, and the offset behind its NUL; undefined when the NUL is missing. */
export function byteName(bytes: Buffer, at: number, end: number): { name: ByteName; next: number } | undefined {
  const nul = terminator(bytes, at, end);
  return nul === -1 ? undefined : { name: bytes.toString("latin1", at, nul), next: nul + 1 };
}

/** The bytes of such a name, with its NUL. */
export function writeName(name: ByteName): Buffer {
  return Buffer.from(`${name}\0`, "latin1");
}

/** A name that was told in Unicode, as a client whose encoding is UTF-8 writes it. */
export function toByteName(name: string): ByteName {
  return Buffer.from(name, "utf8").toString("latin1");
}

/** The name in Unicode, for a client whose encoding is UTF-8. */
export function fromByteName(name: ByteName): string {
  return Buffer.from(name, "latin1").toString("utf8");
}
