// NUL-terminated strings inside a message.

/** The offset of the NUL at or after `at`, or -1 when there is none before `end`. */
export function terminator(bytes: Buffer, at: number, end: number): number {
  const nul = bytes.indexOf(0, at);
  return nul === -1 || nul >= end ? -1 : nul;
}

/** The string that starts at `at`, and the offset behind its NUL; undefined when the NUL is missing. */
export function cstring(bytes: Buffer, at: number, end: number): { text: string; next: number } | undefined {
  const nul = terminator(bytes, at, end);
  return nul === -1 ? undefined : { text: bytes.toString("utf8", at, nul), next: nul + 1 };
}
