// Which statements are worth parsing: those that hold a write verb and a mirror's name, or an identifier in Unicode escapes;
// and PREPARE TRANSACTION, which must not follow a write.
// A false alarm costs one parse; what slips through, the guard in Postgres refuses.

const prepares = /\bprepare\b(?=[^]*\btransaction\b)/i;
const verbs = /\b(?:insert|update|delete)\b/i;

/** A test over the latin1 text of a statement. */
export type Prefilter = (latin1: string) => boolean;

/** `names` are the mirrors' unqualified table names. */
export function prefilter(names: readonly string[]): Prefilter {
  if (names.length === 0) return () => false;
  const literal = names.map((name) =>
    Buffer.from(name, "utf8")
      .toString("latin1")
      .replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"),
  );
  const named = new RegExp(`${literal.join("|")}|u&"`, "i");
  return (latin1) => (named.test(latin1) && verbs.test(latin1)) || prepares.test(latin1);
}
