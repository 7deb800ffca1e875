// Statements that can be made as long as one likes: what a parser, a lexer or a pattern may spend more and more time on, byte by byte.

import type { Random } from "../faults/random.js";

export interface StatementShape {
  readonly name: string;
  /** About so many bytes of SQL. */
  text(bytes: number): Buffer;
  /** It is no use to make it longer: Postgres or the API has a lot to do for each byte. */
  readonly mostBytes?: number;
}

const write = "update things.things set label = 'x' where false";
const insert = "insert into things.things (origin, target, label)";

/** `unit` as often as fits between `before` and `after`; of a function, the unit for each number from 0. */
function grown(
  name: string,
  before: string,
  unit: string | ((i: number) => string),
  after = "",
  mostBytes?: number,
): StatementShape {
  const text = (bytes: number) => {
    if (typeof unit === "string") {
      const count = Math.max(1, Math.floor((bytes - before.length - after.length) / Buffer.byteLength(unit)));
      return Buffer.from(before + unit.repeat(count) + after);
    }
    const units: string[] = [];
    for (let length = before.length + after.length; length < bytes; length += units.at(-1)?.length ?? 1)
      units.push(unit(units.length));
    return Buffer.from(before + units.join("") + after);
  };
  return { name, text, ...(mostBytes !== undefined && { mostBytes }) };
}

/** `open` and `close` as often as each other, around a core. */
function nested(
  name: string,
  before: string,
  open: string,
  core: string,
  close: string,
  after = "",
  mostBytes?: number,
): StatementShape {
  const text = (bytes: number) => {
    const count = Math.max(1, Math.floor((bytes - before.length - after.length) / (open.length + close.length)));
    return Buffer.from(before + open.repeat(count) + core + close.repeat(count) + after);
  };
  return { name, text, ...(mostBytes !== undefined && { mostBytes }) };
}

/** Postgres's own scanner takes time with the square of the length of neighbouring comments: minutes for a megabyte. */
const someComments = 64 << 10;
/** Each statement is planned, or run, by itself. */
const someKilobytes = 16 << 10;

const comments: readonly StatementShape[] = [
  grown("comments before EXPLAIN", "", "/**/", `--\rexplain ${insert} values (1, 'a', 'b')`, someComments),
  grown("line comments before EXPLAIN", "", "--\r", `explain ${write}`),
  grown("comments of two kinds before EXPLAIN", "", "/**/--\n", `explain (verbose) ${write}`, someComments),
  grown("comments within EXPLAIN's options", "explain (", "/*,*/--)\n", `verbose) ${write}`, someComments),
  grown("comments behind a write", write, "/*things*/ -- things\n", "", someComments),
  grown("unterminated nested comments", `${write} `, "/*", "", someComments),
  nested("nested comments", "", "/*", " things ", "*/", write, someComments),
  grown("comment openers in quotes", "select '", "/*--", `'; ${write}`),
  grown("quotes in comments", "/*", "'\"$$", `*/ ${write}`),
  grown("white space before a write", "", " \t\n\r\f", write),
  grown("white space within INSERT INTO", "insert", " \n", " into things.things (target) select 'x' where false"),
];

const quotes: readonly StatementShape[] = [
  grown("doubled quotes", "update things.things set label = '", "''", "' where false"),
  grown("unterminated doubled quotes", `${write} and label = '`, "''"),
  grown("backslashes", "update things.things set label = e'", "\\\\\\'", "' where false"),
  grown("strings continued on new lines", "select 'a'", "\n'things'", `; ${write}`),
  grown("many short strings", "select ''", ",'things'", `; ${write}`),
  grown("dollar tags that never close", `do $a$ ${write} `, (i) => `$a${i}$`),
  grown("dollar quotes", "select $$$$", ",$things$a$things$", `; ${write}`),
  grown("dollars", `${write}; select `, "$"),
  grown("Unicode names", 'select 1 as U&"', "\\0061", `"; ${write}`),
  grown("a long name", `update things.things set "`, "label", `" = 1 where false`),
  grown("a name of many parts", "update things.things set label = things", ".things", " where false"),
  grown("letters of two bytes", "update things.things set label = '", "é", "' where false"),
  {
    name: "bytes that are no letters",
    text: (bytes) =>
      Buffer.concat([Buffer.from(`${write} and label = '`), Buffer.alloc(bytes, 0xe9), Buffer.from("'")]),
  },
  {
    name: "bytes that are no letters, as names",
    text: (bytes) => Buffer.concat([Buffer.from(`${write} and `), Buffer.alloc(bytes, 0xff)]),
  },
];

const blocks: readonly StatementShape[] = [
  grown("DO with openers of comments behind INSERT", "do $body$ /*things*/ ", "insert/*", " $body$"),
  grown("DO with writes", "do $body$begin if false then ", `${write}; `, "end if; end$body$"),
  grown("DO with words of writes", "do $$ things ", "update delete insert into ", " $$"),
  grown("DO in quotes", "do 'begin null; --things ", "insert into ''", "\nend'"),
  grown(
    "a function's body",
    "create function pg_temp.f() returns int language sql as $f$ select 1 -- ",
    "insert into things ",
    "\n$f$",
  ),
];

const expressions: readonly StatementShape[] = [
  grown("a long IN", `${write} and 1 in (1`, ",1", ")"),
  grown("many rows", `${insert} values (1,'a','b')`, ",(1,'a','b')"),
  grown("a sum", `${write} and 0 = 1`, "+1"),
  grown("a concatenation", `${write} and label = 'a'`, "||'a'"),
  grown("AND and OR", `${write}`, " and true or false"),
  grown("casts", "update things.things set label = 'x'", "::text", " where false"),
  grown("a long array", "update things.things set tags = array['a'", ",'a'", "] where false"),
  grown("NOT", "update things.things set label = 'x' where ", "not ", "true"),
  grown("a long CASE", "update things.things set label = case", " when false then 'a'", " end where false"),
  // Postgres numbers columns with 16 bits, and itself crashes (18.4, directly as well) at the 32,768th to RETURNING.
  grown("many columns to RETURNING", `${write} returning 1`, ",label", "", 32_000 * ",label".length),
  grown("the same column again", "insert into things.things (origin", ",origin", ") values (1)"),
  grown("many assignments", "update things.things set label = 'x'", ",label='x'", " where false"),
  grown("many numbers of parameters", `${write} and 0 in (1`, ",1::int", ")"),
  grown(
    "many tables",
    "update things.things set label = 'x' from notes n",
    (i) => `,notes n${i}`,
    " where false",
    2 << 10,
  ),
  grown("UNION", `${insert} select 1,'a','b' where false`, " union all select 1,'a','b' where false", "", 64 << 10),
  nested("calls in calls", "update things.things set label = ", "upper(", "'x'", ")", " where false"),
  nested("parentheses", `${write} and `, "(", "true", ")"),
  nested("arrays in arrays", "update things.things set tags = ", "array[", "'a'", "]", " where false"),
  nested("selects in selects", "update things.things set label = ", "(select ", "'x'", ")", " where false"),
  nested("CASE in CASE", "update things.things set label = ", "case when true then ", "'x'", " end", " where false"),
  nested("selects from selects", `${insert} select 1,'a','b' from `, "(select 1 from ", "notes", ") n"),
  grown("unclosed parentheses", `${write} and `, "("),
  grown("unclosed calls", "update things.things set label = ", "upper("),
];

const statements: readonly StatementShape[] = [
  grown("semicolons", "", ";", write),
  grown("many queries", "", "select 1;", write),
  grown("many writes to a table", "", "update notes set n=1 where false;", "", 64 << 10),
  grown("many writes that change nothing", "", `${write};select 1;`, "", 2 * someKilobytes),
  grown("many views", "", (i) => `create temp view v${i} as select 1;`, "rollback", 32 << 10),
  grown("many savepoints", "begin;", (i) => `savepoint s${i};`, `${write};rollback`, someKilobytes),
  grown("many times PREPARE", "", (i) => `prepare p${i} as ${write};`, "", 64 << 10),
  grown("EXECUTE again and again", `prepare p as ${write};`, "execute p;", "deallocate p", someKilobytes),
  grown("EXPLAIN of EXPLAIN", "", "explain ", write),
  grown("the same option of EXPLAIN again", "explain (verbose", ", verbose", `) ${write}`),
  grown("WITH in a chain", "with w as (select 1)", (i) => `,w${i} as (select 1)`, ` ${write}`, 64 << 10),
  grown(
    "writes in WITH",
    "with w as (select 1)",
    (i) => `,w${i} as (${write} returning 1)`,
    " select 1",
    someKilobytes,
  ),
  nested("WITH in WITH", "", "with w as (", "select 1", ") select 1", ` ; ${write}`),
  grown(
    "COPY of a long query",
    `copy (${write.replace(" where false", "")} where 1 in (1`,
    ",1",
    ") returning 1) to stdout",
  ),
  grown("columns of COPY", "copy things.things (origin", ",origin", ") from stdin"),
  grown("settings", "", "set local search_path = things;", write, 64 << 10),
  grown("ALTER and GRANT", "", "grant select on notes to eve;", write, 64 << 10),
];

/** Whatever was thought of. */
export const statementShapes: readonly StatementShape[] = [
  ...comments,
  ...quotes,
  ...blocks,
  ...expressions,
  ...statements,
];

const tokens = [
  "/*",
  "*/",
  "--",
  "\n",
  "\r",
  "'",
  '"',
  "$$",
  "$a$",
  "(",
  ")",
  "[",
  "]",
  ";",
  ",",
  ".",
  "::",
  "\\",
  "e'",
  'U&"',
  "1",
  "+1",
  "é",
  "insert into things.things ",
  "update things.things set ",
  "delete from things.things ",
  "select ",
  "explain ",
  "with a as (",
  "case ",
  "end ",
  "begin;",
  "values ",
  "default ",
  "null ",
  "things",
  " as ",
  "copy ",
  "prepare a as ",
  "do $$",
  "label",
  "$1",
  "0x",
  "1e",
] as const;

/** Whatever was not: some tokens, again and again, between a beginning and an end. */
export function randomShape(random: Random): StatementShape {
  const some = (most: number) => Array.from({ length: 1 + random.below(most) }, () => random.pick(tokens)).join("");
  const [before, unit, after] = [
    `${random.pick(["", write, insert, "explain ", "select "])} ${some(3)}`,
    some(4),
    some(3),
  ];
  return grown(
    `at random: ${JSON.stringify([before, unit, after])}`,
    before,
    unit,
    `${after}${write}`,
    someKilobytes * 8,
  );
}
