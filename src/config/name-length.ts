// How long a name may be: Postgres cuts a longer one.

/** The most bytes of a name (manual: "Identifiers and Key Words"). */
export const longestName = 63;

/** Returns whether Postgres would cut the name. */
export function isLongName(name: string): boolean {
  return Buffer.byteLength(name) > longestName;
}
