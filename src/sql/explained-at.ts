// Where the statement begins that an EXPLAIN explains: behind the word, and behind its options in either form.

import { SqlLexer } from "./lexer.js";

/** Returns that place in `text`, the EXPLAIN of a statement that the parser has understood, in bytes of UTF-8. */
export function explainedAt(text: string): number {
  const lexer = new SqlLexer(text);
  lexer.next(); // EXPLAIN
  lexer.next();
  if (lexer.is("(")) {
    while (!lexer.is(")") && lexer.kind !== "end") lexer.next();
    lexer.next();
  } else while (isOption(lexer)) lexer.next();
  return Buffer.byteLength(text.slice(0, lexer.start));
}

function isOption({ kind, text, start, end }: SqlLexer): boolean {
  return kind === "word" && /^(?:analyze|analyse|verbose)$/i.test(text.slice(start, end));
}
