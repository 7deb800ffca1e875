// Finds out in one pass over the bytes of a text which watched words it has, in any order: cheap enough for every text of every client.
// A word is a run of ASCII letters, digits and underscores without regard to case, whatever the encoding makes of the other bytes. Of a name that has other characters, the longest such run stands for it: a false alarm costs one parse.

/** What a word of a text may mean; a text's words are a sum of these. */
export const WordKind = {
  /** The name of a watched table, or of a watched function, that a session finds without its schema. */
  table: 1,
  function: 2,
  /** The same behind a schema that sessions do not look in by themselves. */
  farTable: 4,
  farFunction: 8,
  /** The name of such a schema. */
  farSchema: 16,
  /** A command that writes, or makes a view or a rule. */
  verb: 32,
  prepare: 64,
  transaction: 128,
  execute: 256,
  /** What changes where the session looks for names: the setting, or SET SCHEMA, SET ROLE, SET SESSION AUTHORIZATION. */
  searchPath: 512,
} as const;

/** The words of such a SET, one behind the other. */
const setKind = 1024;
const scopeKind = 2048;
const ownerKind = 4096;

/** A sum of word kinds. */
export type WordKinds = number;

const nameKinds = WordKind.table | WordKind.function | WordKind.farTable | WordKind.farFunction | WordKind.farSchema;

const fixedWords: readonly (readonly [string, WordKinds])[] = [
  ...["insert", "update", "delete", "merge", "copy", "view", "rule"].map((word) => [word, WordKind.verb] as const),
  ["prepare", WordKind.prepare],
  ["transaction", WordKind.transaction],
  ["execute", WordKind.execute],
  ...["search_path", "set_config"].map((word) => [word, WordKind.searchPath] as const),
  ["set", setKind],
  ...["local", "session"].map((word) => [word, scopeKind] as const),
  ...["schema", "role", "authorization"].map((word) => [word, ownerKind] as const),
];

const offsetBasis = 0x811c9dc5 | 0;
const prime = 0x01000193;
const filterSize = 1 << 16;

/** Each byte as it counts in a word, upper case as lower case; 0 for a byte that ends a word. */
const wordBytes = Uint8Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  return byte < 128 && /[a-z0-9_]/i.test(character) ? character.toLowerCase().charCodeAt(0) : 0;
});

const letterU = 0x75;
const ampersand = 0x26;
const quote = 0x22;
const equalsSign = 0x3d;
const blanks = new Set([0x20, 0x09, 0x0a, 0x0b, 0x0c, 0x0d]);
/** How many bytes of a name Postgres keeps (NAMEDATALEN). */
const longestName = 63;

export class WordIndex {
  /** Whether a watched word has these last bits of its hash: few words of a text do. */
  private readonly filter = new Uint8Array(filterSize);
  private readonly kinds = new Map<number, WordKinds>();
  /** The kinds of names without any run to look for: each text may have them. */
  private everywhere: WordKinds = 0;

  constructor(names: Iterable<readonly [name: string, kind: WordKinds]> = []) {
    for (const [word, kind] of fixedWords) this.add(word, kind);
    for (const [name, kind] of names) {
      const word = longestRun(name);
      if (word === "") this.everywhere |= kind;
      else this.add(word, kind);
    }
  }

  /** Returns the kinds of all watched words in `bytes`. Takes a time in proportion to its length, whatever is watched. */
  scan(bytes: Buffer): WordKinds {
    const end = bytes.length;
    let found = this.everywhere;
    let hash = offsetBasis;
    let length = 0;
    let isBehindSet = false;
    for (let at = 0; at <= end; at += 1) {
      const byte = at < end ? (wordBytes[bytes[at] ?? 0] ?? 0) : 0;
      if (byte !== 0) {
        // Postgres cuts a longer name.
        if (length < longestName) hash = Math.imul(hash ^ byte, prime);
        length += 1;
        continue;
      }
      if (length === 0) continue;
      const kinds = this.kindsOf(hash);
      found |= kinds;
      if (isBehindSet) found |= pathKind(kinds, bytes, at);
      if (length === 1) found |= escapedKind(bytes, at);
      isBehindSet = leadsOn(kinds, isBehindSet);
      hash = offsetBasis;
      length = 0;
    }
    return found;
  }

  private kindsOf(hash: number): WordKinds {
    return this.filter[hash & (filterSize - 1)] === 0 ? 0 : (this.kinds.get(hash) ?? 0);
  }

  private add(word: string, kind: WordKinds): void {
    const hash = hashOf(word);
    this.kinds.set(hash, (this.kinds.get(hash) ?? 0) | kind);
    this.filter[hash & (filterSize - 1)] = 1;
  }
}

/** U&"…" may spell any name (manual: "Identifiers and Key Words"). `at` is where its first letter ends. */
function escapedKind(bytes: Buffer, at: number): WordKinds {
  const isEscaped = bytes[at] === ampersand && bytes[at + 1] === quote && wordBytes[bytes[at - 1] ?? 0] === letterU;
  return isEscaped ? nameKinds : 0;
}

/** SET, SET LOCAL and SET SESSION lead to what is set. */
function leadsOn(kinds: WordKinds, isBehindSet: boolean): boolean {
  return (kinds & setKind) !== 0 || (isBehindSet && (kinds & scopeKind) !== 0);
}

/** What SET changes, by a word of these kinds that ends at `at`. */
function pathKind(kinds: WordKinds, bytes: Buffer, at: number): WordKinds {
  return (kinds & ownerKind) !== 0 && !isAssigned(bytes, at) ? WordKind.searchPath : 0;
}

/** A column of such a name is set by `=`: UPDATE … SET role = …. */
function isAssigned(bytes: Buffer, from: number): boolean {
  let at = from;
  while (blanks.has(bytes[at] ?? 0)) at += 1;
  return bytes[at] === equalsSign;
}

function hashOf(word: string): number {
  let hash = offsetBasis;
  for (let at = 0; at < Math.min(word.length, longestName); at += 1)
    hash = Math.imul(hash ^ (wordBytes[word.charCodeAt(at)] ?? 0), prime);
  return hash;
}

function longestRun(name: string): string {
  const runs = name.match(/[a-z0-9_]+/gi) ?? [];
  return runs.reduce((longest, run) => (run.length > longest.length ? run : longest), "");
}
