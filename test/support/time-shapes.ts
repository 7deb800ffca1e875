// Texts of a wanted length that a reader of SQL with a gap in its manners reads again and again.

export type TimeShape = readonly [name: string, make: (length: number) => string];

const repeated = (unit: string, before = ""): TimeShape => [
  `${before}${unit}…`,
  (length) => before + unit.repeat(Math.ceil(length / unit.length)),
];

/** $a$b$c$…, each tag another one. */
const tags: TimeShape = [
  "$a1$a2$a3$…",
  (length) => {
    const parts: string[] = [];
    for (let i = 0, size = 0; size < length; i += 1) {
      const part = `$a${i}`;
      parts.push(part);
      size += part.length;
    }
    return parts.join("");
  },
];

export const timeShapes: readonly TimeShape[] = [
  tags,
  [
    `$${"a"}…$ behind its own tag`,
    (length) => `$${"a".repeat(length / 4)}$${`$${"a".repeat(length / 4 - 1)}`.repeat(2)}`,
  ],
  ...["insert/*", "'insert/*", "/*", "*/", "/**/", "/*/", "--\r", "--\n", "-", "- -", "+", "+-", "=+", "*/*", "@+"].map(
    (unit) => repeated(unit),
  ),
  ...[
    "'",
    '"',
    "''",
    "'a'",
    "'a'\n",
    "'a' --\n",
    "' '",
    '""',
    "E'\\",
    "E'\\'",
    "E'",
    "\\",
    "U&'",
    'U&"',
    "u&",
    'U&"\\0061',
    "x'",
    "b",
  ].map((unit) => repeated(unit)),
  ...["$", "$$", "$a", "$a$", "$1", "$a$a", "$a$b$", "é", "a.", ".", "..", "1.", "1_", "1e", "1e+", "0x", "0_"].map(
    (unit) => repeated(unit),
  ),
  ...[
    "insert into ",
    "insert -- ",
    "delete from only ",
    "update(",
    "a(",
    "f.",
    'f."',
    "f(",
    "copy t(",
    "x'''",
    "$a$'",
    "E'\\'' ",
  ].map((unit) => repeated(unit)),
  repeated("''", "'"),
  repeated("''''''''", "execute 'insert into t values ("),
  repeated(" \n", "'a'"),
  repeated("--\n", "'a'"),
  repeated("a", "$"),
  repeated("a", "$$ $"),
  repeated("$a", "$$"),
  repeated("$aa", "$a$"),
];

/** The processor's time in ms, the least of three runs: a busy machine does not count. */
export function processorTime(work: () => void): number {
  const times = [0, 1, 2].map(() => {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1_000;
  });
  return Math.min(...times);
}
