// The names in the bodies of a database's functions, as numbers: there may be millions, and a text for each would fill the memory.

/** Two names may share a key, so that a function seems to write to a mirror that does not: its calls are looked at, and passed on. */
export type MentionKey = number;

/** Returns the key of a table or a function by its name; a null schema is that of a name without one. */
export function nameKey(schema: string | null, name: string): MentionKey {
  return hash(schema === null ? `.${name}` : `${schema}.${name}`);
}

/** Returns the key of a table or a function by its oid. No schema has an empty name. */
export function oidKey(oid: number): MentionKey {
  return hash(`..${oid}`);
}

/** FNV-1a, of 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}
