// Names and literals in SQL that we write ourselves.

/** The most bytes of a name (manual: "Identifiers and Key Words"); Postgres cuts a longer one. */
export const longestName = 63;

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function quoteLiteral(text: string): string {
  const literal = `'${text.replaceAll("'", "''")}'`;
  return text.includes("\\") ? ` E${literal.replaceAll("\\", "\\\\")}` : literal;
}
